// Where a walk over a payload stands, and the errors that refuse the value it stands on.

import { ReenactError } from '../core/errors.ts'

/** One walk over one payload. */
export interface Walk {
  /** Names the payload in messages. */
  readonly what: string
  readonly bytesMax: number
  /** Lower bound of the UTF-8 size of the text. Also bounds the walk when references are shared. */
  bytes: number
  /** Leads from the top to the value being looked at. */
  readonly keys: (string | number)[]
  /** The containers around that value: `ancestors[i]` was entered when `keys` held `i` keys. */
  readonly ancestors: object[]
}

export const startWalk = (what: string, bytesMax: number): Walk => ({
  what,
  bytesMax,
  bytes: 0,
  keys: [],
  ancestors: [],
})

/** Refuses the value the walk stands on. `reason` continues the sentence that begins with the path. */
export function refuse(walk: Walk, reason: string, fix: string, cause?: unknown): never {
  const path = pathOf(walk.keys)
  const message = `${walk.what} is not plain JSON data: ${path} ${reason}; ${fix}.`
  throw new ReenactError('InvalidPayload', message, { path, reason }, cause)
}

/** Counts bytes the text will have at least, and refuses the payload once they are too many. */
export function count(walk: Walk, bytes: number): void {
  walk.bytes += bytes
  if (walk.bytes > walk.bytesMax) refuseSize(walk, walk.bytes, 'at least ')
}

export function refuseSize(walk: Walk, bytes: number, qualifier = ''): never {
  const { what, bytesMax: limitBytes } = walk
  throw new ReenactError(
    'TooLarge',
    `${what} takes ${qualifier}${bytes} bytes, the limit is ${limitBytes}: store large data elsewhere and keep a reference, or split it.`,
    { what, bytes, limitBytes },
  )
}

/** Writes keys as `$.items[3]['a b']`. */
export const pathOf = (keys: readonly (string | number)[]): string => `$${keys.map(step).join('')}`

function step(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`
  if (key.length <= keyLengthMax && /^[A-Za-z_$][\w$]*$/.test(key)) return `.${key}`
  const shown = key.length > keyLengthMax ? `${key.slice(0, keyLengthMax)}…` : key
  return `['${JSON.stringify(shown).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}']`
}

// A path goes into messages and logs: a key of a megabyte does not.
const keyLengthMax = 80

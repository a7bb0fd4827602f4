// Where a walk over a payload stands, and the errors that refuse the value it stands on.

import { ReenactError } from '../core/errors.ts'

/** One walk over one payload. */
export interface Walk {
  /** Names the payload in messages. */
  readonly what: string
  readonly bytesMax: number
  readonly depthMax: number
  /** Lower bound of the UTF-8 size of the text. Also bounds the walk when references are shared. */
  bytes: number
  /** The innermost container around the value being looked at. */
  place: Place | undefined
}

/** A container on the way from the top. Linked, because arrays would be dear for the flat payloads most are. */
export interface Place {
  readonly container: object
  /** Which of its values is being looked at; `undefined` for the container itself. */
  key: string | number | undefined
  readonly outer: Place | undefined
  /** How many containers there are, this one included. */
  readonly depth: number
}

export const startWalk = (what: string, bytesMax: number, depthMax: number): Walk => ({
  what,
  bytesMax,
  depthMax,
  bytes: 0,
  place: undefined,
})

/** Goes into a container. */
export function enter(walk: Walk, container: object): Place {
  const outer = walk.place
  const depth = outer === undefined ? 1 : outer.depth + 1
  const place = { container, key: undefined, outer, depth }
  walk.place = place
  return place
}

/** Refuses the value the walk stands on. `reason` continues the sentence that begins with the path. */
export function refuse(walk: Walk, reason: string, fix: string, cause?: unknown): never {
  const path = pathOf(walk.place)
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

/** Writes a place as `$.items[3]['a b']`. */
export function pathOf(place: Place | undefined): string {
  if (place === undefined) return '$'
  return pathOf(place.outer) + (place.key === undefined ? '' : step(place.key))
}

function step(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`
  if (key.length <= keyLengthMax && /^[A-Za-z_$][\w$]*$/.test(key)) return `.${key}`
  const shown = key.length > keyLengthMax ? `${key.slice(0, keyLengthMax)}…` : key
  return `['${JSON.stringify(shown).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}']`
}

// A path goes into messages and logs: a key of a megabyte does not.
const keyLengthMax = 80

// What a state store accepts.

import { ReenactError } from '../core/errors.ts'
import { isStorable } from './append-rules.ts'

/** Largest key and value of the state store, together, in bytes of UTF-8. */
export const stateBytesMax = 64 * 1024 * 1024

/** Refuses a key or value that would not come back as it went in. */
export function checkStateText(key: string, value: string): void {
  for (const [path, text] of [
    ['key', key],
    ['value', value],
  ] as const) {
    if (typeof text === 'string' && isStorable(text)) continue
    const reason = 'not a text without NUL and lone surrogates'
    throw new ReenactError(
      'InvalidPayload',
      `State '${key}': its ${path} is ${reason}. Encode it with JSON.stringify first.`,
      { path, reason },
    )
  }
  const bytes = Buffer.byteLength(key) + Buffer.byteLength(value)
  if (bytes > stateBytesMax) {
    throw new ReenactError(
      'TooLarge',
      `State '${key}' has ${bytes} bytes, ${stateBytesMax} are allowed. Keep less in it.`,
      { what: `state '${key}'`, bytes, limitBytes: stateBytesMax },
    )
  }
}

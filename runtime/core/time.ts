// Points in time as users give them.

import { ReenactError } from './errors.ts'

/** A point in time as a user gives it. Numbers are ms since the epoch, strings ISO 8601. */
export type TimeInput = Date | number | string

/** Reads a time, or throws `InvalidOption`. */
export function toTime(input: TimeInput, option: string): number {
  const time =
    input instanceof Date ? input.getTime() : typeof input === 'string' ? Date.parse(input) : input
  if (typeof time === 'number' && Number.isFinite(time)) return time
  throw new ReenactError(
    'InvalidOption',
    `'${option}' is not a time: ${String(input)}. Give a Date, ms since the epoch or ISO 8601 such as 2026-01-31T12:00:00Z.`,
    { option, fix: 'give a Date, a number of ms or an ISO 8601 text' },
  )
}

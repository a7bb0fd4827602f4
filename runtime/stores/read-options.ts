// Options of reading with their defaults filled in and checked, the same for every store.

import type {
  Direction,
  ListStreamsOptions,
  LogFilter,
  ReadAllOptions,
  ReadStreamOptions,
} from '../ports/event-store.ts'
import { invalidOption } from './append-rules.ts'

/** Events in a page when nothing else is said. */
export const pageDefault = 512

/** Positions looked at for one page, so that a rare match neither blocks the process nor loses its place. */
export const scanMax = 4096

export interface StreamRange {
  readonly direction: Direction
  /** First revision, inclusive. Backwards it may be far beyond the head. */
  readonly from: number
  readonly limit: number
}

export interface LogRange {
  readonly direction: Direction
  /** Forwards only later positions, backwards only earlier ones. */
  readonly beyond: number
  readonly limit: number
  readonly filter: LogFilter | undefined
}

/** Checks and completes the options of `readStream`. */
export function streamRange(options: ReadStreamOptions = {}): StreamRange {
  const direction = directionOf(options.direction)
  const start = direction === 'forwards' ? 0 : Number.MAX_SAFE_INTEGER
  return { direction, from: place('from', options.from, start), limit: limitOf(options.limit) }
}

/** Checks and completes the options of `readAll`. */
export function logRange(options: ReadAllOptions = {}): LogRange {
  const direction = directionOf(options.direction)
  const beyond =
    direction === 'forwards'
      ? place('after', options.after, 0)
      : place('before', options.before, Number.MAX_SAFE_INTEGER)
  return { direction, beyond, limit: limitOf(options.limit), filter: options.filter }
}

/** The checked limit of `listStreams`. */
export const listLimit = (options: ListStreamsOptions): number => limitOf(options.limit)

/** Whether an event of this stream and type is wanted. `category` is the stream's. */
export const matches = (
  filter: LogFilter | undefined,
  stream: string,
  category: string,
  type: string,
): boolean =>
  filter === undefined ||
  ((filter.categories?.includes(category) ?? true) &&
    (filter.types?.includes(type) ?? true) &&
    (filter.streamPrefix === undefined || stream.startsWith(filter.streamPrefix)))

function directionOf(direction: Direction = 'forwards'): Direction {
  if (direction === 'forwards' || direction === 'backwards') return direction
  throw invalidOption(
    'direction',
    `'${String(direction)}' is none`,
    "Give 'forwards' or 'backwards'",
  )
}

function place(option: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw invalidOption(option, `${value} is no place in the log`, 'Give a whole number from 0')
}

function limitOf(limit: number = pageDefault): number {
  if (Number.isSafeInteger(limit) && limit > 0) return limit
  throw invalidOption('limit', `${limit} is no page size`, 'Give a whole number from 1')
}

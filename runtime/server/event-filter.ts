// Filters of the log: prefixes or a regular expression, on names of streams or types of events.

import type { RecordedEvent } from '../ports/event-store.ts'
import type { FilterExpression, ReadOptions } from './protocol/messages.ts'
import { invalidArgument } from './rpc-error.ts'

/** Longest regular expression. Names are short, so a longer one is a mistake or worse. */
const regexMax = 1_000
/** Events looked at for one checkpoint, where the client does not say. */
const windowDefault = 32

export interface EventFilter {
  takes(event: RecordedEvent): boolean
  /** How far the log is looked at between two checkpoints. */
  readonly checkpointEvery: number
}

/** The filter of a request, `undefined` if it takes everything. Throws for one that makes no sense. */
export function filterOf(
  options: Pick<ReadOptions, 'filter' | 'filterOption'>,
): EventFilter | undefined {
  const { filter } = options
  if (options.filterOption !== 'filter' || !filter) return undefined
  const { window, max } = filter
  if (window === 'max' && max === 0) throw invalidArgument('The filter looks at no events at all.')
  const checkpointEvery =
    (window === 'max' ? max : windowDefault) * Math.max(1, filter.checkpointIntervalMultiplier)
  if (filter.filter === 'streamIdentifier' && filter.streamIdentifier) {
    const matches = matcherOf(filter.streamIdentifier)
    return { checkpointEvery, takes: ({ stream }) => matches(stream) }
  }
  if (filter.filter === 'eventType' && filter.eventType) {
    const matches = matcherOf(filter.eventType)
    return { checkpointEvery, takes: ({ type }) => matches(type) }
  }
  throw invalidArgument('The filter names neither streams nor types.')
}

function matcherOf({ regex, prefix }: FilterExpression): (text: string) => boolean {
  if (prefix.length > 0) return (text) => prefix.some((start) => text.startsWith(start))
  if (regex.length > regexMax) {
    throw invalidArgument(`The filter has ${regex.length} characters, ${regexMax} are allowed.`)
  }
  const pattern = compiled(regex, 'u') ?? compiled(regex, '')
  if (!pattern) throw invalidArgument(`'${regex}' is no regular expression.`)
  return (text) => pattern.test(text)
}

// Other languages escape more characters than Unicode mode allows.
function compiled(regex: string, flags: 'u' | ''): RegExp | undefined {
  try {
    return new RegExp(regex, flags)
  } catch {
    return undefined
  }
}

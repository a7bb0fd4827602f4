// What every store decides in the same way: which requests are refused unseen, and what an append becomes.

import { ReenactError } from '../core/errors.ts'
import type { ExpectedRevision } from '../core/expected-revision.ts'
import { noRevision } from '../core/expected-revision.ts'
import { batchBytesMax, eventBytes, eventBytesMax } from '../core/limits.ts'
import { streamNameBytesMax } from '../core/stream-name.ts'
import type { EventToAppend } from '../ports/event-store.ts'
import type { StreamStatus } from './visibility.ts'

/** What is to be done about an append. */
export type Decision =
  | { readonly kind: 'write' }
  | { readonly kind: 'repeated' }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'refused'; readonly error: ReenactError }

/** Why a request cannot be written by any store, whatever the stream holds; `undefined` if it can. */
export function refusalOf(
  stream: string,
  events: readonly EventToAppend[],
  expected: ExpectedRevision,
): ReenactError | undefined {
  const badName = nameProblem(stream)
  if (badName) return badName
  if (typeof expected === 'number' && !(Number.isSafeInteger(expected) && expected >= noRevision)) {
    return invalidOption('expected', `${expected} is no revision`, 'Give a whole number from -1')
  }
  if (events.length === 0) {
    return invalidOption('events', `nothing to append to '${stream}'`, 'Give at least one event')
  }
  let batchBytes = 0
  for (const event of events) {
    const problem = eventProblem(stream, event)
    if (problem) return problem
    batchBytes += eventBytes(event.type, event.data, event.metadata)
  }
  if (batchBytes > batchBytesMax) {
    return tooLarge(`the batch for '${stream}'`, batchBytes, batchBytesMax)
  }
  return events.length > 1 ? duplicateIn(stream, events) : undefined
}

/**
 * The one table of expectations. `storedIdAt` answers the id of a readable event: what was truncated does not
 * count as written. At the expected revision ids are not looked at, as in EventStoreDB.
 */
export function decideAppend(
  stream: string,
  status: StreamStatus,
  expected: ExpectedRevision,
  events: readonly EventToAppend[],
  storedIdAt: (revision: number) => string | undefined,
): Decision {
  if (status.deleted === 'tombstone') {
    return { kind: 'refused', error: streamDeleted(stream, true) }
  }
  if (expected === 'any') return { kind: 'write' }
  if (expected === 'exists') {
    if (status.deleted === 'soft') return { kind: 'refused', error: streamDeleted(stream, false) }
    return status.head === noRevision ? { kind: 'conflict' } : { kind: 'write' }
  }
  const last = expected === 'none' ? noRevision : expected
  if (last === status.head) return { kind: 'write' }
  if (last > status.head) return { kind: 'conflict' }
  if (events.every((event, index) => storedIdAt(last + 1 + index) === event.id)) {
    return { kind: 'repeated' }
  }
  const startsAnew = last === noRevision && status.deleted === 'soft'
  return startsAnew ? { kind: 'write' } : { kind: 'conflict' }
}

/** The revision a numeric or `none` expectation stands for. */
export const revisionOf = (expected: ExpectedRevision): number =>
  typeof expected === 'number' ? expected : noRevision

/** The stream was deleted. */
export const streamDeleted = (stream: string, tombstoned: boolean): ReenactError =>
  new ReenactError(
    'StreamDeleted',
    tombstoned
      ? `Stream '${stream}' is tombstoned and takes no events any more. Use another stream.`
      : `Stream '${stream}' is deleted, so it does not exist. Append with 'none' or 'any' to begin it again.`,
    { stream, tombstoned },
  )

/** An argument is wrong. */
export const invalidOption = (option: string, problem: string, fix: string): ReenactError =>
  new ReenactError('InvalidOption', `Option '${option}': ${problem}. ${fix}.`, { option, fix })

/** Whether a text comes back from a store as it went in: no lone surrogates, no NUL. */
export const isStorable = (text: string): boolean =>
  !text.includes('\0') && (text as unknown as { isWellFormed(): boolean }).isWellFormed()

// U+001F stands between the parts of an event where stores checksum it. JSON text has none.
const isFramable = (text: unknown): boolean =>
  typeof text === 'string' && isStorable(text) && !text.includes('\x1f')

/** What is wrong with a stream name, if anything. */
export function nameProblem(stream: string): ReenactError | undefined {
  const fix = `Give a non-empty text of at most ${streamNameBytesMax} bytes without NUL or lone surrogates`
  const usable =
    typeof stream === 'string' &&
    stream !== '' &&
    isStorable(stream) &&
    (stream.length * 3 <= streamNameBytesMax || Buffer.byteLength(stream) <= streamNameBytesMax)
  if (usable) return undefined
  return new ReenactError('InvalidName', `'${stream}' cannot name a stream. ${fix}.`, {
    name: String(stream),
    fix,
  })
}

function eventProblem(stream: string, event: EventToAppend): ReenactError | undefined {
  const bytes = sizeIfText(event)
  if (bytes !== undefined && bytes <= eventBytesMax) return undefined
  for (const part of ['id', 'type', 'data', 'metadata'] as const) {
    if (isFramable(event[part])) continue
    const reason = 'not a text without NUL, U+001F and lone surrogates'
    return new ReenactError(
      'InvalidPayload',
      `An event for '${stream}' has a ${part} that is ${reason}. Encode it with JSON.stringify first.`,
      { path: part, reason },
    )
  }
  return tooLarge(`event '${event.type}' for '${stream}'`, bytes ?? 0, eventBytesMax)
}

/** The size of an event that holds nothing but texts which come back as they are. */
function sizeIfText({ id, type, data, metadata }: EventToAppend): number | undefined {
  const framable = isFramable(id) && isFramable(type) && isFramable(data) && isFramable(metadata)
  return framable ? eventBytes(type, data, metadata) : undefined
}

const tooLarge = (what: string, bytes: number, limitBytes: number): ReenactError =>
  new ReenactError(
    'TooLarge',
    `Too large: ${what} has ${bytes} bytes, ${limitBytes} are allowed. Store the bulk elsewhere and append a reference.`,
    { what, bytes, limitBytes },
  )

function duplicateIn(stream: string, events: readonly EventToAppend[]): ReenactError | undefined {
  const ids = new Set<string>()
  for (const { id } of events) {
    if (ids.has(id)) {
      return new ReenactError(
        'DuplicateEventId',
        `One request for '${stream}' holds the event id ${id} twice. Give each event its own id.`,
        { stream, id },
      )
    }
    ids.add(id)
  }
  return undefined
}

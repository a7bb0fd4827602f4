// What a group's transaction is made of: appends, rules of streams, and the state store. Nothing here writes: it decides,
// and collects what is to be written.

import type { Clock } from '../../core/clock.ts'
import type { ReenactError } from '../../core/errors.ts'
import type { ExpectedRevision } from '../../core/expected-revision.ts'
import type {
  AppendOutcome,
  EventToAppend,
  InlineHook,
  RecordedEvent,
} from '../../ports/event-store.ts'
import type { StateEntry } from '../../ports/state-store.ts'
import { decideAppend, isStorable, revisionOf, streamDeleted } from '../append-rules.ts'
import { checkStateText } from '../state-rules.ts'
import { unwritten } from '../visibility.ts'
import type { Connection } from './connection.ts'
import { textOf } from './event-row.ts'
import type { LogReader } from './log-reader.ts'
import { type WrittenEvent, writtenAs } from './recent-events.ts'
import { putState, stateOf, stateRevisionOf } from './sqlite-state.ts'
import type { StreamEntry, StreamRules, StreamTable } from './stream-table.ts'
import type { Transaction } from './transaction.ts'

/** What operations decide on. Positions and times are those of the transaction so far. */
export interface WriteContext {
  readonly connection: Connection
  readonly streams: StreamTable
  readonly reader: LogReader
  readonly clock: Clock
  position: number
  recordedAt: number
  /** What is in the file. */
  committed: number
  transaction: Transaction
  /** The events of the transaction, while somebody follows the log. */
  written: WrittenEvent[] | undefined
  /** Entries of the state store as the transaction leaves them; `undefined` for those it removes. */
  readonly state: Map<string, StateEntry | undefined>
  /** The id of the event at `position`, once this process wrote one. */
  lastId: string | undefined
  /** Has a say in every append. */
  inline: InlineHook | undefined
}

/** What a caller waits for. */
export interface Answer {
  /** Tells the caller. */
  tell(): void
}

/** One thing to be done in the group's transaction. */
export interface Operation {
  /** Its share of the queue's bound. */
  readonly bytes: number
  /**
   * Decides and collects, and answers how to tell the caller once that is durable; `undefined` when it has to read
   * what the transaction is only about to write. A `ReenactError` thrown here refuses this operation alone. In both
   * cases it has collected nothing.
   */
  run(context: WriteContext): Answer | undefined
  /** Definitely not written. */
  refused(error: ReenactError): void
  /** It may or may not be written. */
  unknown(error: ReenactError): void
}

/** Appends events to one stream. A class, because there is one for every command. */
export class AppendOperation implements Operation, Answer {
  readonly bytes: number
  readonly #stream: string
  readonly #events: readonly EventToAppend[]
  readonly #expected: ExpectedRevision
  readonly #settle: (outcome: AppendOutcome) => void
  #outcome: AppendOutcome | undefined

  constructor(
    stream: string,
    events: readonly EventToAppend[],
    expected: ExpectedRevision,
    settle: (outcome: AppendOutcome) => void,
  ) {
    this.bytes = queuedBytes(events)
    this.#stream = stream
    this.#events = events
    this.#expected = expected
    this.#settle = settle
  }

  run(context: WriteContext): Answer | undefined {
    this.#outcome = append(context, this.#stream, this.#events, this.#expected)
    return this.#outcome && this
  }

  tell(): void {
    if (this.#outcome) this.#settle(this.#outcome)
  }

  refused(error: ReenactError): void {
    this.#settle({ outcome: 'refused', error })
  }

  unknown(error: ReenactError): void {
    this.#settle({ outcome: 'unknown', error })
  }
}

/** Anything else that writes and answers with a promise. */
export function simpleOperation<Result>(
  bytes: number,
  body: (context: WriteContext) => Result,
  promise: { resolve(result: Result): void; reject(error: ReenactError): void },
): Operation {
  return {
    bytes,
    refused: promise.reject,
    unknown: promise.reject,
    run: (context) => {
      const result = body(context)
      return { tell: () => promise.resolve(result) }
    },
  }
}

/** Compare and set. Without an expectation a damaged entry is overwritten. */
export const put =
  (key: string, value: string, expected: number | undefined) =>
  (context: WriteContext): number | undefined => {
    const current =
      expected === undefined
        ? lastRevision(context, key)
        : guarded(context, () => entryOf(context, key)?.revision ?? -1)
    if (expected !== undefined && expected !== current) return undefined
    context.state.set(key, { value, revision: current + 1 })
    return current + 1
  }

/** Removes an entry, damaged or not. */
export const remove =
  (key: string) =>
  (context: WriteContext): void => {
    // The driver would cut such a key short and hit another one.
    if (isStorable(key)) context.state.set(key, undefined)
  }

/** Changes the rules of a stream; `change` answers `undefined` when there is nothing to do. */
export const changeRules =
  (stream: string, change: (status: StreamRules & { head: number }) => StreamRules | undefined) =>
  (context: WriteContext): void => {
    const { streams, transaction } = context
    const found = guarded(context, () => streams.find(stream))
    const rules = change(found ?? unwritten)
    if (rules) streams.setRules(found ?? streams.add(stream, transaction), rules, transaction)
  }

function append(
  context: WriteContext,
  stream: string,
  events: readonly EventToAppend[],
  expected: ExpectedRevision,
): AppendOutcome | undefined {
  const { streams, reader, transaction } = context
  const found = guarded(context, () => streams.find(stream))
  if (found && isBehind(expected, found.head) && isFresh(context, found)) return undefined
  const status = found ?? unwritten
  const storedAt = (revision: number): RecordedEvent | undefined =>
    found && guarded(context, () => reader.readableEvent(found, revision))
  const decision = decideAppend(
    stream,
    status,
    expected,
    events,
    (revision) => storedAt(revision)?.id,
  )
  if (decision.kind === 'refused') throw decision.error
  if (decision.kind === 'conflict') return { outcome: 'conflict', actual: status.head }
  if (decision.kind === 'repeated') {
    const last = storedAt(revisionOf(expected) + events.length) as RecordedEvent
    const { revision, position, recordedAt } = last
    return { outcome: 'committed', revision, position, recordedAt, repeated: true }
  }
  const changed = context.inline && runInline(context, stream, status.head, events)
  const entry = found ?? streams.add(stream, transaction)
  write(context, entry, events)
  for (const [key, state] of changed ?? []) context.state.set(key, state)
  const { position, recordedAt } = context
  return { outcome: 'committed', revision: entry.head, position, recordedAt, repeated: false }
}

function write(context: WriteContext, entry: StreamEntry, events: readonly EventToAppend[]): void {
  const { streams, recordedAt, transaction } = context
  if (entry.deleted !== 'no') {
    // Writing again ends a soft deletion; what was deleted stays below `deletedBelow`.
    streams.setRules(entry, { ...rulesOf(entry), deleted: 'no' }, transaction)
  }
  for (const event of events) {
    const revision = entry.head + 1
    const position = context.position + 1
    const text = textOf(revision, position, recordedAt, event)
    transaction.events.push(position, entry.id, entry.seed, text)
    streams.index.add(entry.id, revision, position)
    entry.head = revision
    context.position = position
    context.lastId = event.id
    context.written?.push(writtenAs(entry, event, context))
  }
}

/** Lets the hook decide before anything is collected, and answers the entries of the state store that it changes. */
function runInline(
  context: WriteContext,
  stream: string,
  head: number,
  events: readonly EventToAppend[],
): ReadonlyMap<string, StateEntry | undefined> {
  const { position, recordedAt } = context
  const changed = new Map<string, StateEntry | undefined>()
  const recorded = events.map((event, index) => ({
    ...event,
    stream,
    revision: head + 1 + index,
    position: position + 1 + index,
    recordedAt,
  }))
  context.inline?.(recorded, {
    get: (key) => (changed.has(key) ? changed.get(key) : entryOf(context, key))?.value,
    put: (key, value) => {
      checkStateText(key, value)
      changed.set(key, { value, revision: lastRevision(context, key) + 1 })
    },
    delete: (key) => {
      if (isStorable(key)) changed.set(key, undefined)
    },
  })
  return changed
}

/** Rules for which the stream takes no change any more. */
export function refuseTombstoned(stream: string, rules: StreamRules): void {
  if (rules.deleted === 'tombstone') throw streamDeleted(stream, true)
}

/** Adds what became of the state store to what is to be written. */
export function collectState({ state, transaction: { changes } }: WriteContext): void {
  for (const [key, entry] of state) {
    changes.push(entry ? putState(key, entry) : ['deleteState', key])
  }
}

/** The revision of a key whose entry may be damaged, -1 if there is none. */
const lastRevision = (context: WriteContext, key: string): number =>
  guarded(context, () =>
    context.state.has(key)
      ? (context.state.get(key)?.revision ?? -1)
      : stateRevisionOf(context.connection, key),
  )

/** An entry as the transaction finds it. */
const entryOf = ({ connection, state }: WriteContext, key: string): StateEntry | undefined =>
  state.has(key) ? state.get(key) : stateOf(connection, key)

/** Whether the stream has gone on since: then what was written there has to be read. */
const isBehind = (expected: ExpectedRevision, head: number): boolean =>
  expected !== 'any' && expected !== 'exists' && revisionOf(expected) < head

/** Whether the transaction is about to write to the stream. */
function isFresh({ streams, committed }: WriteContext, { id, head }: StreamEntry): boolean {
  const { positions } = streams.index.inMemory(id, head, head)
  return (positions[0] ?? 0) > committed
}

// Reads come before the first write, so what they find wrong concerns this operation only.
const guarded = <Result>({ connection }: WriteContext, body: () => Result): Result =>
  connection.read(() => {}, body)

const rulesOf = ({ deleted, deletedBelow, metadata }: StreamRules): StreamRules => ({
  deleted,
  deletedBelow,
  metadata,
})

// UTF-16 units, as they lie in memory: the queue's bound need not be exact.
const queuedBytes = (events: readonly EventToAppend[]): number => {
  let bytes = 0
  for (const event of events) bytes += event.data.length + event.metadata.length + 100
  return bytes
}

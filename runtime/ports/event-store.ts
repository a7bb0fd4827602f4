// The log as the rest of Reenact sees it: append with an expectation, read, subscribe.

import type { ReenactError } from '../core/errors.ts'
import type { ExpectedRevision } from '../core/expected-revision.ts'
import type { ConsumerGroups } from './consumer-groups.ts'
import type { StateStore } from './state-store.ts'

/** An event on its way to the log. A store keeps the texts as they are and reads none of them. */
export interface EventToAppend {
  /** A UUID. Same id means same bytes. */
  readonly id: string
  /** What happened, such as `Deposited`. */
  readonly type: string
  /** A JSON object, encoded once by the writer. */
  readonly data: string
  /** A JSON object, encoded once by the writer. */
  readonly metadata: string
}

/** An event in the log: as it was appended, with its place and the time the store took it. */
export interface RecordedEvent extends EventToAppend {
  /** `category-id`, such as `account-ann`. */
  readonly stream: string
  /** Place in the stream, from 0. */
  readonly revision: number
  /** Place in the whole log, from 1, increasing; gaps are allowed. */
  readonly position: number
  /** When the store took it, ms since the epoch; never decreases along positions. */
  readonly recordedAt: number
}

/**
 * What became of an append. There are four outcomes, never two:
 * - `committed`: durable. `repeated` when the same events were there already.
 * - `conflict`: the stream is at `actual`. Nothing of this request was written by this call.
 * - `refused`: definitely not written, and the same request will not be.
 * - `unknown`: it may or may not be written. Send the identical request again until it is definite.
 */
export type AppendOutcome =
  | {
      readonly outcome: 'committed'
      /** Revision of the last event of the request. */
      readonly revision: number
      /** Position of the last event of the request. */
      readonly position: number
      readonly recordedAt: number
      readonly repeated: boolean
    }
  | {
      readonly outcome: 'conflict'
      /** Last revision of the stream, -1 if it has no event. */
      readonly actual: number
    }
  | { readonly outcome: 'refused'; readonly error: ReenactError }
  | { readonly outcome: 'unknown'; readonly error: unknown }

/** Options of {@link EventStore.append}. */
export interface AppendOptions {
  /** What the stream must be at: a revision, `none`, `exists`, or `any` for no expectation. Otherwise `conflict`. */
  readonly expected: ExpectedRevision
  /** Whether `recordedAt` of the answer must be exact: some stores have to ask for it. Default true. */
  readonly timeNeeded?: boolean
}

/** `forwards` is from the oldest to the newest. */
export type Direction = 'forwards' | 'backwards'

/** Options of {@link EventStore.readStream}. */
export interface ReadStreamOptions {
  /** First revision to read, inclusive. Default: the first, or the last when reading backwards. */
  readonly from?: number
  /** Default `forwards`. */
  readonly direction?: Direction
  /** At most so many events. Default 512. */
  readonly limit?: number
  /** Of a stream without events `head` and `deleted` may be wrong: some stores have to ask for them. Default false. */
  readonly eventsOnly?: boolean
}

/** One page of a stream. A stream nobody wrote has no events, head -1, and ends. */
export interface StreamPage {
  /** In the direction asked for, revisions without a gap. */
  readonly events: readonly RecordedEvent[]
  /** Last revision ever written, -1 if none; also when its events are truncated or deleted. */
  readonly head: number
  /** `soft`: its events are hidden, it can be written again. `tombstone`: gone for ever. */
  readonly deleted: 'no' | 'soft' | 'tombstone'
  /** Nothing further in this direction at the moment of reading. */
  readonly end: boolean
}

/** Which events of the log are wanted. Each given part must match. */
export interface LogFilter {
  /** Streams of these categories. */
  readonly categories?: readonly string[]
  /** Streams whose names begin so. */
  readonly streamPrefix?: string
  /** Events of these types. */
  readonly types?: readonly string[]
}

/** Options of {@link EventStore.readAll}. */
export interface ReadAllOptions {
  /** Forwards: only later positions. Default 0, the beginning. */
  readonly after?: number
  /** Backwards: only earlier positions. Default: the end. */
  readonly before?: number
  /** Default `forwards`. */
  readonly direction?: Direction
  /** At most so many events. Default 512. */
  readonly limit?: number
  /** Default: every event. */
  readonly filter?: LogFilter
}

/** One page of the log. With a filter it may be empty and still not be the last. */
export interface LogPage {
  /** In the direction asked for, by position. */
  readonly events: readonly RecordedEvent[]
  /** The position up to which the log was looked at: go on from here, also when nothing matched. */
  readonly position: number
  /** Nothing further in this direction at the moment of reading. */
  readonly end: boolean
}

/** Options of {@link EventStore.subscribe}. */
export interface SubscribeOptions {
  /** One stream; `after` is then a revision. Otherwise the log, and `after` is a position. */
  readonly stream?: string
  /** Only the log's subscriptions. */
  readonly filter?: LogFilter
  /** The last one already seen, or `end` for new ones only. Default: from the beginning. */
  readonly after?: number | 'end'
  /** At most so many events in one message; fewer where they are large. Default 512. */
  readonly batchMax?: number
}

/** What a subscription says, in order. */
export type SubscriptionMessage =
  | {
      readonly kind: 'events'
      readonly events: readonly RecordedEvent[]
      /** Revision or position to go on from. */
      readonly checkpoint: number
    }
  /** Nothing matched so far, but everything up to here was looked at. */
  | { readonly kind: 'checkpoint'; readonly checkpoint: number }
  /** All that was in the log has been delivered. Said again each time after falling behind. */
  | { readonly kind: 'caught-up'; readonly checkpoint: number }

/**
 * Catches up, then follows. It is pulled: nothing is buffered beyond one page. A corrupt event ends it with
 * `CorruptEvent`; closing it, or the store, ends it without an error.
 *
 * @example
 * ```ts
 * for await (const message of store.subscribe({ filter: { categories: ['account'] }, after: checkpoint })) {
 *   if (message.kind === 'events') await handle(message.events)
 *   checkpoint = message.checkpoint
 * }
 * ```
 */
export interface Subscription extends AsyncIterable<SubscriptionMessage> {
  /** Ends the iteration after the message in hand. */
  close(): void
}

/** Rules of one stream about what may still be read. What they hide is gone for readers at once. */
export interface StreamMetadata {
  /** Events below this revision are gone. */
  readonly truncateBefore?: number
  /** Only the last so many are kept. */
  readonly maxCount?: number
  /** Only events recorded within so many seconds are kept. */
  readonly maxAgeSeconds?: number
}

/** Options of {@link EventStore.listStreams}. */
export interface ListStreamsOptions {
  /** What stands before the first dash of a name: the name of an aggregate. */
  readonly category: string
  /** Only names after this one, in byte order. */
  readonly after?: string
  /** At most so many names. Default 512. */
  readonly limit?: number
}

/** What an adapter can do; the conformance suite branches on it. */
export interface Supports {
  /** What is acknowledged survives the process. */
  readonly durable: boolean
  /** No other process can write while this store is open: resident state is current. */
  readonly exclusiveWriter: boolean
}

/** Entries of the state store, read and written inside the transaction of an append. */
export interface InlineState {
  /** The value, or `undefined`. */
  get(key: string): string | undefined
  /** Writes a value. */
  put(key: string, value: string): void
  /** Removes a value; absent is fine. */
  delete(key: string): void
}

/**
 * Called with the events of each append, as they are about to be written, before anything of it is. Synchronous. A
 * `ReenactError` it throws refuses that append alone.
 */
export type InlineHook = (events: readonly RecordedEvent[], state: InlineState) => void

/**
 * The log. Adapters implement it; everything else is built on it. `reenact/testing` has the suite of tests that an
 * adapter must pass.
 *
 * Reading rejects with `CorruptEvent` or `RevisionGap` where a stream is damaged, `StoreUnreadable` where more than a
 * stream is, `StoreFailed` where the disk fails, `Closed` after `close`, and `InvalidOption` for wrong options. The
 * other methods that write reject with `StreamDeleted` for a tombstone, `InvalidName`, `InvalidOption`, `ReadOnly`,
 * `DiskFull`, `StoreFailed` and `Closed`.
 */
export interface EventStore {
  /** For messages: `memory:`, `file:bank.db`. */
  readonly name: string
  /** What it can do. */
  readonly supports: Supports

  /**
   * Appends all events of one stream or none, and answers when they are as durable as the store can make them. Never
   * rejects: every failure is an outcome. Appending the same events again, by id, gives `committed` with `repeated`.
   *
   * @example
   * ```ts
   * const result = await store.append('account-ann', [event], { expected: 7 })
   * if (result.outcome === 'conflict') console.log(`it is at ${result.actual}`)
   * ```
   */
  append(
    stream: string,
    events: readonly EventToAppend[],
    options: AppendOptions,
  ): Promise<AppendOutcome>
  /**
   * One page of a stream.
   * @example const { events, end } = await store.readStream('account-ann', { from: 10, limit: 100 })
   */
  readStream(stream: string, options?: ReadStreamOptions): Promise<StreamPage>
  /**
   * One page of the whole log.
   * @example const { events, position } = await store.readAll({ after: 4711, filter: { types: ['Deposited'] } })
   */
  readAll(options?: ReadAllOptions): Promise<LogPage>
  /**
   * Follows a stream or the log. Close it when done.
   * @example const subscription = store.subscribe({ stream: 'account-ann', after: 'end' })
   */
  subscribe(options?: SubscribeOptions): Subscription
  /**
   * Names of the category's streams that have readable events, in byte order.
   * @example const names = await store.listStreams({ category: 'account', after: 'account-ann' })
   */
  listStreams(options: ListStreamsOptions): Promise<readonly string[]>
  /**
   * The rules of a stream; `{}` if it has none.
   * @example const { maxCount } = await store.streamMetadata('account-ann')
   */
  streamMetadata(stream: string): Promise<StreamMetadata>
  /**
   * Replaces the rules of a stream, which need not exist yet.
   * @example await store.setStreamMetadata('sensor-7', { maxCount: 1_000 })
   */
  setStreamMetadata(stream: string, metadata: StreamMetadata): Promise<void>
  /**
   * Hides all events. The stream can be written again; revisions go on.
   * @example await store.deleteStream('sensor-7')
   */
  deleteStream(stream: string): Promise<void>
  /**
   * Ends the stream for ever.
   * @example await store.tombstoneStream('sensor-7')
   */
  tombstoneStream(stream: string): Promise<void>
  /** Snapshots, checkpoints and the like. */
  readonly state: StateStore
  /** Consumers that share the work. */
  readonly groups: ConsumerGroups
  /**
   * Writes a consistent copy of the whole store to a new file and checks it. For stores on disk. `InvalidOption` for a
   * path that exists; what reading rejects with where the store is damaged.
   * @example await store.backup?.('bank-copy.db')
   */
  backup?(path: string): Promise<void>
  /** Runs `hook` in the transaction of every append from now on. For embedded stores. */
  inline?(hook: InlineHook): void
  /**
   * Finishes accepted appends, then lets go of everything.
   * @example await store.close()
   */
  close(): Promise<void>
}

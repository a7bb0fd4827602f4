// The log as the rest of Reenact sees it: append with an expectation, read, subscribe.

import type { ReenactError } from '../core/errors.ts'
import type { ExpectedRevision } from '../core/expected-revision.ts'
import type { ConsumerGroups } from './consumer-groups.ts'
import type { StateStore } from './state-store.ts'

/** An event on its way to the log. `data` and `metadata` are JSON objects, encoded once by the writer. */
export interface EventToAppend {
  /** A UUID. Same id means same bytes. */
  readonly id: string
  readonly type: string
  readonly data: string
  readonly metadata: string
}

/** An event in the log. */
export interface RecordedEvent extends EventToAppend {
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
  | { readonly outcome: 'conflict'; readonly actual: number }
  | { readonly outcome: 'refused'; readonly error: ReenactError }
  | { readonly outcome: 'unknown'; readonly error: unknown }

export interface AppendOptions {
  readonly expected: ExpectedRevision
}

export type Direction = 'forwards' | 'backwards'

export interface ReadStreamOptions {
  /** First revision to read, inclusive. Default: the first, or the last when reading backwards. */
  readonly from?: number
  readonly direction?: Direction
  /** At most so many events. Default 512. */
  readonly limit?: number
}

/** One page of a stream. */
export interface StreamPage {
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

export interface ReadAllOptions {
  /** Forwards: only later positions. Default 0, the beginning. */
  readonly after?: number
  /** Backwards: only earlier positions. Default: the end. */
  readonly before?: number
  readonly direction?: Direction
  /** At most so many events. Default 512. */
  readonly limit?: number
  readonly filter?: LogFilter
}

/** One page of the log. */
export interface LogPage {
  readonly events: readonly RecordedEvent[]
  /** The position up to which the log was looked at: go on from here, also when nothing matched. */
  readonly position: number
  readonly end: boolean
}

export interface SubscribeOptions {
  /** One stream; `after` is then a revision. Otherwise the log, and `after` is a position. */
  readonly stream?: string
  /** Only the log's subscriptions. */
  readonly filter?: LogFilter
  /** The last one already seen, or `end` for new ones only. Default: from the beginning. */
  readonly after?: number | 'end'
  /** At most so many events in one message. Default 512. */
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
 * `CorruptEvent`.
 */
export interface Subscription extends AsyncIterable<SubscriptionMessage> {
  /** Ends the iteration after the message in hand. */
  close(): void
}

/** Rules of one stream about what may still be read. */
export interface StreamMetadata {
  /** Events below this revision are gone. */
  readonly truncateBefore?: number
  /** Only the last so many are kept. */
  readonly maxCount?: number
  /** Only events recorded within so many seconds are kept. */
  readonly maxAgeSeconds?: number
}

export interface ListStreamsOptions {
  readonly category: string
  /** Only names after this one, in byte order. */
  readonly after?: string
  /** Default 512. */
  readonly limit?: number
}

/** What an adapter can do; the conformance suite branches on it. */
export interface Supports {
  /** What is acknowledged survives the process. */
  readonly durable: boolean
  /** No other process can write while this store is open: resident state is current. */
  readonly exclusiveWriter: boolean
}

/** The log. Adapters implement it; everything else is built on it. */
export interface EventStore {
  /** For messages: `memory:`, `file:bank.db`. */
  readonly name: string
  readonly supports: Supports

  /** Appends all events of one stream or none. Never rejects: every failure is an outcome. */
  append(
    stream: string,
    events: readonly EventToAppend[],
    options: AppendOptions,
  ): Promise<AppendOutcome>
  readStream(stream: string, options?: ReadStreamOptions): Promise<StreamPage>
  readAll(options?: ReadAllOptions): Promise<LogPage>
  subscribe(options?: SubscribeOptions): Subscription
  /** Names of the category's streams that have readable events, in byte order. */
  listStreams(options: ListStreamsOptions): Promise<readonly string[]>

  streamMetadata(stream: string): Promise<StreamMetadata>
  setStreamMetadata(stream: string, metadata: StreamMetadata): Promise<void>
  /** Hides all events. The stream can be written again; revisions go on. */
  deleteStream(stream: string): Promise<void>
  /** Ends the stream for ever. */
  tombstoneStream(stream: string): Promise<void>

  /** Snapshots, checkpoints and the like. */
  readonly state: StateStore
  /** Consumers that share the work. */
  readonly groups: ConsumerGroups
  /** Writes a consistent copy of the whole store to a new file and checks it. For stores on disk. */
  backup?(path: string): Promise<void>
  /** Finishes accepted appends, then lets go of everything. */
  close(): Promise<void>
}

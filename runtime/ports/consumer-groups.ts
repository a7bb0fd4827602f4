// Consumer groups: several consumers share one stream or a part of the log, each event with one of them at a time.

import type { LogFilter, RecordedEvent } from './event-store.ts'

/**
 * Who gets the next event:
 * - `RoundRobin`: the consumers in turn.
 * - `DispatchToSingle`: the first consumer until it is full, then the next.
 * - `Pinned`: events of one stream go to one consumer as long as it is there.
 * - `PinnedByCorrelation`: the same by `$correlationId`, or by stream where there is none.
 *
 * None of them promises order: what is retried comes later than what followed it.
 */
export type ConsumerStrategy = 'RoundRobin' | 'DispatchToSingle' | 'Pinned' | 'PinnedByCorrelation'

/** How a group works. Every queue has a bound. */
export interface GroupSettings {
  /** Who gets the next event. Default `RoundRobin`. */
  readonly strategy: ConsumerStrategy
  /** Deliveries after the first before an event is parked. Default 10; `Infinity` never parks. */
  readonly retriesMax: number
  /** A delivery without an answer comes again after so long, ms. Default 30,000; `Infinity` waits for ever. */
  readonly messageTimeoutMs: number
  /** Longest time without a checkpoint once there is progress, ms. Default 2,000. */
  readonly checkpointAfterMs: number
  /** Events that must be answered before time alone makes a checkpoint. Default 1. */
  readonly checkpointMin: number
  /** Events that make a checkpoint at once. Default 1,000. */
  readonly checkpointMax: number
  /**
   * Events in memory that wait for a consumer, for a retry or for parking. Default 1,024; when it is reached the log
   * is read no further.
   */
  readonly bufferMax: number
  /** Events read at once. Default 256. */
  readonly readMax: number
  /** Consumers at the same time. Default 1,000. */
  readonly consumersMax: number
}

/** Which group is meant: the same name on another stream is another group. */
export interface GroupKey {
  /** Name of the group. */
  readonly name: string
  /** The stream it reads; without one it reads the log. */
  readonly stream?: string
}

/** A group to be made. */
export interface GroupDefinition extends GroupKey {
  /** Only for groups over the log. It cannot be changed later. */
  readonly filter?: LogFilter
  /** The last one not wanted: a revision of the stream or a position; `end` for new ones only. Default: none. */
  readonly after?: number | 'end'
  /** What is not given has its default. */
  readonly settings?: Partial<GroupSettings>
  /** Kept with the group and shown by `info`; the group does not look at it. */
  readonly annotations?: Readonly<Record<string, string | number | boolean | null>>
}

/** One event with a consumer. Its `event.id` answers it. */
export interface Delivery {
  /** The event as it is in the log. */
  readonly event: RecordedEvent
  /** How often it was delivered before. */
  readonly retries: number
  /** It was parked and comes again because somebody asked for it. */
  readonly replayed: boolean
}

/**
 * What is to become of an event that was not handled:
 * - `retry`: deliver it again, and park it after the last retry.
 * - `park`: put it aside, on the group's parked stream.
 * - `skip`: it counts as handled.
 * - `stop`: give it back without counting, and end this consumer.
 */
export type NackAction = 'retry' | 'park' | 'skip' | 'stop'

/** Options of {@link Consumer.nack}. */
export interface NackOptions {
  /** For `retry`: not before so long, ms. Default 0. */
  readonly delayMs?: number
  /** Why; kept with what is parked. */
  readonly reason?: string
}

/** Options of {@link ConsumerGroups.consume}. */
export interface ConsumeOptions {
  /** Deliveries without an answer at the same time: the consumer's credit. Default 10. */
  readonly inFlightMax?: number
  /** Shown by `info`. */
  readonly label?: string
}

/**
 * One member of a group. The iteration yields what was dispatched since the last step, at least one delivery. It
 * ends when the consumer, its group or the store is closed, and throws what keeps the group from reading on.
 */
export interface Consumer extends AsyncIterable<readonly Delivery[]> {
  /**
   * Handled. Ids that are not with this consumer any more are passed over.
   *
   * @example
   * ```ts
   * await consumer.ack(deliveries.map(({ event }) => event.id))
   * ```
   */
  ack(eventIds: readonly string[]): Promise<void>
  /**
   * Not handled. Resolves when it is decided: what is parked is durable then.
   *
   * @example
   * ```ts
   * await consumer.nack([event.id], 'retry', { delayMs: 5_000, reason: 'mail server is away' })
   * ```
   */
  nack(eventIds: readonly string[], action: NackAction, options?: NackOptions): Promise<void>
  /**
   * Leaves. What it had goes to others; only what it had received counts as delivered.
   *
   * @example
   * ```ts
   * process.once('SIGTERM', () => consumer.close())
   * ```
   */
  close(): void
}

/** A member as `info` shows it. */
export interface ConsumerInfo {
  /** As given to `consume`; `undefined` if it was not. */
  readonly label: string | undefined
  /** Deliveries with it, not yet answered. */
  readonly inFlight: number
  /** At most so many, as given to `consume`. */
  readonly inFlightMax: number
  /** Deliveries so far. */
  readonly delivered: number
}

/** A group and how it is doing. Counts begin with the process. */
export interface GroupInfo extends GroupKey {
  /** Which events of the log; `undefined` for all, and for a group of one stream. */
  readonly filter: LogFilter | undefined
  /** Complete, defaults included. */
  readonly settings: GroupSettings
  /** What was kept with the group; `{}` if nothing. */
  readonly annotations: Readonly<Record<string, string | number | boolean | null>>
  /** Its members now. */
  readonly consumers: readonly ConsumerInfo[]
  /** `idle` until somebody consumes; `behind` while it catches up; `failed` when it cannot read on. */
  readonly status: 'idle' | 'behind' | 'live' | 'failed'
  /** Everything up to here is done, durably; -1 or 0 at the beginning. */
  readonly checkpoint: number
  /** The last one read, whether it was handled or not. */
  readonly readTo: number
  /** Events with consumers. */
  readonly inFlight: number
  /** Events in memory that wait for a consumer, a retry or for parking. */
  readonly waiting: number
  /** Events on the parked stream. */
  readonly parked: number
  /** Where they are: links to the events, with the reason in the metadata. */
  readonly parkedStream: string
  /** Deliveries, acks, retries and parkings so far. */
  readonly counts: {
    readonly delivered: number
    readonly acked: number
    readonly retried: number
    readonly parked: number
  }
}

/**
 * The groups of a store. They outlive the process: definition, checkpoint, retry counts and parked events are durable.
 * Delivery is at least once: after a crash, what followed the last checkpoint comes again.
 */
export interface ConsumerGroups {
  /**
   * Makes a group, durably. Nothing is delivered until somebody consumes.
   *
   * @throws `GroupExists`, `InvalidOption`, `InvalidName`
   * @example
   * ```ts
   * await store.groups.create({ name: 'mailer', filter: { categories: ['order'] }, after: 'end' })
   * const consumer = await store.groups.consume({ name: 'mailer' }, { inFlightMax: 20 })
   * for await (const deliveries of consumer) {
   *   for (const { event } of deliveries) await mail(event)
   *   await consumer.ack(deliveries.map(({ event }) => event.id))
   * }
   * ```
   */
  create(group: GroupDefinition): Promise<void>
  /**
   * Changes settings and annotations; what is not given stays. Its consumers end and join again.
   *
   * @throws `GroupNotFound`, `InvalidOption`
   * @example
   * ```ts
   * await store.groups.update({ name: 'mailer' }, { settings: { retriesMax: 20 } })
   * ```
   */
  update(key: GroupKey, change: Pick<GroupDefinition, 'settings' | 'annotations'>): Promise<void>
  /**
   * Ends its consumers and forgets it, parked events too.
   *
   * @throws `GroupNotFound`
   * @example
   * ```ts
   * await store.groups.delete({ name: 'mailer' })
   * ```
   */
  delete(key: GroupKey): Promise<void>
  /**
   * All groups, or those of one stream.
   *
   * @example
   * ```ts
   * for (const { name, status, parked } of await store.groups.list()) console.log(name, status, parked)
   * ```
   */
  list(stream?: string): Promise<readonly GroupInfo[]>
  /**
   * One group and how it is doing.
   *
   * @throws `GroupNotFound`
   * @example
   * ```ts
   * const { checkpoint, waiting, consumers } = await store.groups.info({ name: 'mailer' })
   * ```
   */
  info(key: GroupKey): Promise<GroupInfo>
  /**
   * Joins a group.
   *
   * @throws `GroupNotFound`; `Overloaded` when `consumersMax` are there; `AheadOfLog` when the checkpoint is beyond
   * the log
   * @example
   * ```ts
   * const consumer = await store.groups.consume({ name: 'mailer' }, { inFlightMax: 20, label: 'mailer-1' })
   * for await (const deliveries of consumer) {
   *   for (const { event } of deliveries) await mail(event)
   *   await consumer.ack(deliveries.map(({ event }) => event.id))
   * }
   * ```
   */
  consume(key: GroupKey, options?: ConsumeOptions): Promise<Consumer>
  /**
   * Delivers parked events again, before new ones. An event leaves the parked stream when it is answered, and is parked
   * anew if it fails again. Answers how many will come.
   *
   * @throws `GroupNotFound`
   * @example
   * ```ts
   * const count = await store.groups.replayParked({ name: 'mailer' }, { limit: 100 })
   * ```
   */
  replayParked(key: GroupKey, options?: { readonly limit?: number }): Promise<number>
}

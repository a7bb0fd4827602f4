// The reference store: the whole port in memory, without any regard for speed of deletion or for restarts.
//
// Read this first. A store is one log, an array whose index gives the position, and for each stream the list
// of its events, whose index is the revision, with a status that says what may still be read.

import type { Clock, Timers } from '../../core/clock.ts'
import { systemPorts } from '../../core/clock.ts'
import { ReenactError } from '../../core/errors.ts'
import { categoryOf } from '../../core/stream-name.ts'
import type {
  AppendOptions,
  AppendOutcome,
  EventStore,
  EventToAppend,
  ListStreamsOptions,
  LogPage,
  ReadAllOptions,
  ReadStreamOptions,
  RecordedEvent,
  StreamMetadata,
  StreamPage,
  SubscribeOptions,
  Subscription,
} from '../../ports/event-store.ts'
import type { StateStore } from '../../ports/state-store.ts'
import { decideAppend, refusalOf, revisionOf, streamDeleted } from '../append-rules.ts'
import { ChangeSignal } from '../change-signal.ts'
import type { GroupPorts } from '../consumer-groups/alarm.ts'
import { createConsumerGroups, type StoreGroups } from '../consumer-groups/consumer-groups.ts'
import { listLimit, logRange, matches, scanMax, streamRange } from '../read-options.ts'
import { subscribeTo } from '../store-subscription.ts'
import type { StreamStatus } from '../visibility.ts'
import {
  checkedMetadata,
  firstKept,
  isReadable,
  oldestKept,
  shownMetadata,
  softDeleted,
  unwritten,
} from '../visibility.ts'
import { createMemoryStateStore } from './memory-state-store.ts'
import { StreamNames } from './stream-names.ts'

/** Options of {@link createMemoryStore}. */
export interface MemoryStoreOptions {
  /** Where recording times and ages come from. Default: the system's. */
  readonly clock?: Clock
  /** What message timeouts of consumer groups wait by. Default: the system's. */
  readonly timers?: Timers
}

/**
 * A store that lives as long as the process, for tests and simulations. It keeps every rule of the port but
 * durability; appends to it never have an unknown outcome.
 *
 * @example
 * ```ts
 * const store = createMemoryStore()
 * const runtime = await createRuntime({ store, actors: [Account] })
 * ```
 */
export const createMemoryStore = (options: MemoryStoreOptions = {}): EventStore =>
  new MemoryStore({
    clock: options.clock ?? systemPorts.clock,
    timers: options.timers ?? systemPorts.timers,
  })

class MemoryStore implements EventStore {
  readonly name = 'memory:'
  readonly supports = { durable: false, exclusiveWriter: true } as const
  readonly state: StateStore = createMemoryStateStore(() => this.#checkOpen())
  readonly groups: StoreGroups
  readonly #clock: Clock
  /** Position p is at index p - 1. */
  readonly #log: RecordedEvent[] = []
  /** Revision r of a stream is at index r, whether it may still be read or not. */
  readonly #events = new Map<string, RecordedEvent[]>()
  readonly #names = new StreamNames()
  readonly #statuses = new Map<string, StreamStatus>()
  readonly #changes = new ChangeSignal()
  readonly #subscriptions = new Set<Subscription>()
  #closed = false

  constructor(ports: GroupPorts) {
    this.#clock = ports.clock
    this.groups = createConsumerGroups(this, ports)
  }

  async append(
    stream: string,
    events: readonly EventToAppend[],
    { expected }: AppendOptions,
  ): Promise<AppendOutcome> {
    // 1. What no store would take.
    const refusal = this.#closed ? this.#closedError() : refusalOf(stream, events, expected)
    if (refusal) return { outcome: 'refused', error: refusal }

    // 2. Does the stream meet the expectation, or hold these very events already?
    const status = this.#statusOf(stream)
    const decision = decideAppend(stream, status, expected, events, (revision) => {
      const stored = this.#events.get(stream)?.[revision]
      return stored && isReadable(status, stored, this.#clock.now()) ? stored.id : undefined
    })
    if (decision.kind === 'refused') return { outcome: 'refused', error: decision.error }
    if (decision.kind === 'conflict') return { outcome: 'conflict', actual: status.head }
    if (decision.kind === 'repeated') {
      const last = this.#events.get(stream)?.[revisionOf(expected) + events.length]
      return committed(last as RecordedEvent, true)
    }

    // 3. Write, then tell who waits.
    const recordedAt = this.#recordingTime()
    for (const event of events) this.#write(stream, event, recordedAt)
    this.#changes.notify()
    return committed(this.#log.at(-1) as RecordedEvent, false)
  }

  async readStream(stream: string, options?: ReadStreamOptions): Promise<StreamPage> {
    this.#checkOpen()
    const { direction, from, limit } = streamRange(options)
    const status = this.#statusOf(stream)
    const stored = this.#events.get(stream) ?? []
    const oldest = oldestKept(status, this.#clock.now())
    let first = firstKept(status)
    while (first < stored.length && (stored[first] as RecordedEvent).recordedAt < oldest) first += 1
    const { head, deleted } = status
    if (direction === 'forwards') {
      const start = Math.max(from, first)
      const events = stored.slice(start, start + limit)
      return { events, head, deleted, end: start + limit > head }
    }
    const last = Math.min(from, head)
    const lowest = Math.max(first, last - limit + 1)
    const events = stored.slice(lowest, Math.max(last + 1, lowest)).reverse()
    return { events, head, deleted, end: lowest <= first }
  }

  async readAll(options?: ReadAllOptions): Promise<LogPage> {
    this.#checkOpen()
    const { direction, beyond, limit, filter } = logRange(options)
    const forwards = direction === 'forwards'
    const step = forwards ? 1 : -1
    const now = this.#clock.now()
    const events: RecordedEvent[] = []
    let position = forwards ? beyond : Math.min(beyond, this.#log.length + 1)
    const isLast = () => (forwards ? position >= this.#log.length : position <= 1)
    for (let looked = 0; looked < scanMax && events.length < limit && !isLast(); looked += 1) {
      position += step
      const event = this.#log[position - 1] as RecordedEvent
      const { stream, type } = event
      const wanted = matches(filter, stream, categoryOf(stream), type)
      if (wanted && isReadable(this.#statusOf(stream), event, now)) events.push(event)
    }
    return { events, position, end: isLast() }
  }

  subscribe(options: SubscribeOptions = {}): Subscription {
    this.#checkOpen()
    return subscribeTo(this, options, {
      changes: this.#changes,
      subscriptions: this.#subscriptions,
      logEnd: () => this.#log.length,
      streamEnd: (stream) => this.#statusOf(stream).head,
    })
  }

  async listStreams(options: ListStreamsOptions): Promise<readonly string[]> {
    this.#checkOpen()
    const limit = listLimit(options)
    const now = this.#clock.now()
    const listed: string[] = []
    for (const stream of this.#names.of(options.category, options.after)) {
      const last = this.#events.get(stream)?.at(-1)
      if (last && isReadable(this.#statusOf(stream), last, now)) listed.push(stream)
      if (listed.length === limit) break
    }
    return listed
  }

  async streamMetadata(stream: string): Promise<StreamMetadata> {
    this.#checkOpen()
    return shownMetadata(this.#statusOf(stream))
  }

  async setStreamMetadata(stream: string, metadata: StreamMetadata): Promise<void> {
    const status = this.#changeable(stream)
    this.#statuses.set(stream, { ...status, metadata: checkedMetadata(metadata) })
  }

  async deleteStream(stream: string): Promise<void> {
    this.#statuses.set(stream, softDeleted(this.#changeable(stream)))
  }

  async tombstoneStream(stream: string): Promise<void> {
    this.#checkOpen()
    this.#statuses.set(stream, { ...this.#statusOf(stream), deleted: 'tombstone' })
  }

  async close(): Promise<void> {
    if (this.groups.active) await this.groups.close()
    this.#closed = true
    for (const subscription of this.#subscriptions) subscription.close()
  }

  #write(stream: string, { id, type, data, metadata }: EventToAppend, recordedAt: number): void {
    const status = this.#statusOf(stream)
    const revision = status.head + 1
    const position = this.#log.length + 1
    const event = { stream, revision, position, id, type, data, metadata, recordedAt }
    const events = this.#events.get(stream)
    if (events) events.push(event)
    else {
      this.#events.set(stream, [event])
      this.#names.add(stream)
    }
    this.#log.push(event)
    // Writing again ends a soft deletion; what was deleted stays below `deletedBelow`.
    this.#statuses.set(stream, { ...status, head: revision, deleted: 'no' })
  }

  #statusOf(stream: string): StreamStatus {
    return this.#statuses.get(stream) ?? unwritten
  }

  #changeable(stream: string): StreamStatus {
    this.#checkOpen()
    const status = this.#statusOf(stream)
    if (status.deleted === 'tombstone') throw streamDeleted(stream, true)
    return status
  }

  // The clock may go back, recording times may not.
  #recordingTime(): number {
    return Math.max(Math.floor(this.#clock.now()), this.#log.at(-1)?.recordedAt ?? 0)
  }

  #checkOpen(): void {
    if (this.#closed) throw this.#closedError()
  }

  #closedError(): ReenactError {
    return new ReenactError('Closed', `The store ${this.name} is closed. Open a new one.`, {
      what: this.name,
    })
  }
}

const committed = (last: RecordedEvent, repeated: boolean): AppendOutcome => ({
  outcome: 'committed',
  revision: last.revision,
  position: last.position,
  recordedAt: last.recordedAt,
  repeated,
})

// The port on EventStoreDB, through its own client.

import { emitWarning } from 'node:process'
import type { StreamMetadata as ClientMetadata } from '@eventstore/db-client'
import { type Ports, systemPorts } from '../../core/clock.ts'
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
  StreamMetadata,
  StreamPage,
  SubscribeOptions,
  Subscription,
} from '../../ports/event-store.ts'
import type { StateStore } from '../../ports/state-store.ts'
import { refusalOf } from '../append-rules.ts'
import { compareBytes } from '../byte-order.ts'
import { listLimit } from '../read-options.ts'
import { subscribeTo } from '../store-subscription.ts'
import { checkedMetadata } from '../visibility.ts'
import { send } from './appending.ts'
import { acquireClient, Connection, nameOf } from './connection.ts'
import { LiveSignal } from './live-signal.ts'
import { PersistentGroups } from './persistent-groups.ts'
import { headOf, isDeletedMark, logEnd, readAll, readStream, statePrefix } from './reading.ts'
import { RecordedTimes } from './recorded-times.ts'
import { EventStoreDbState } from './state-store.ts'
import { StreamNames } from './stream-names.ts'

export interface EventStoreDbOptions {
  /** Clock, timers and chance. Default: the system's. */
  readonly ports?: Partial<Ports>
  /** How long the server may take for an answer before it counts as none, ms. Default 10,000. */
  readonly timeoutMs?: number
}

/** Rules as the client reads them. */
interface ServerRules {
  readonly truncateBefore?: number
  readonly maxCount?: number
  readonly maxAge?: number
  readonly [key: string]: unknown
}

/** Keeps what the user gave beside what deletion made of it: events that were deleted never come back. */
const givenKey = 'reenactTruncateBefore'

/**
 * Connects to EventStoreDB and checks that it answers, that the credentials may append, and the clocks.
 *
 * @throws `InvalidOption` for a connection string that cannot work
 * @throws `StoreUnavailable` when the server cannot be used
 */
export async function openEventStoreDb(
  address: string,
  options: EventStoreDbOptions = {},
): Promise<EventStore> {
  if (/(^|[\s,])(\*|esdb)/.test(process.env['DEBUG'] ?? '')) {
    emitWarning(
      'DEBUG makes the EventStoreDB client print its connection string with the password.',
    )
  }
  const shared = await acquireClient(address)
  const connection = new Connection(shared, {
    name: nameOf(address),
    ports: { ...systemPorts, ...options.ports },
    timeoutMs: options.timeoutMs ?? 10_000,
  })
  try {
    const end = await logEnd(connection)
    await headOf(connection, `${statePrefix}probe`)
    return new EventStoreDbStore(connection, end)
  } catch (error) {
    await connection.close()
    throw error
  }
}

class EventStoreDbStore implements EventStore {
  readonly name: string
  readonly supports = { durable: true, exclusiveWriter: false } as const
  readonly state: StateStore
  readonly groups: PersistentGroups
  readonly #connection: Connection
  readonly #names: StreamNames
  readonly #signal: LiveSignal
  readonly #times: RecordedTimes
  readonly #subscriptions = new Set<Subscription>()
  readonly #appends = new Set<Promise<AppendOutcome>>()
  /** Ends being looked up for new subscriptions: appends wait, so that those are seen. */
  readonly #starting = new Set<Promise<unknown>>()
  /** Everything up to this position was there before the appends now under way. */
  #seen: number
  /** Positions answered while appends are under way. */
  readonly #answered = new Set<number>()
  #closing = false

  constructor(connection: Connection, end: number) {
    this.name = connection.name
    this.#connection = connection
    this.#seen = end
    this.#names = new StreamNames(connection)
    this.#signal = new LiveSignal(connection)
    this.#times = new RecordedTimes(connection)
    this.state = new EventStoreDbState(connection, this.#names)
    this.groups = new PersistentGroups(connection, this.state)
  }

  append(
    stream: string,
    events: readonly EventToAppend[],
    options: AppendOptions,
  ): Promise<AppendOutcome> {
    const refusal = this.#closing
      ? this.#connection.closedError()
      : refusalOf(stream, events, options.expected)
    if (refusal) return Promise.resolve({ outcome: 'refused', error: refusal })
    const append = this.#append(stream, events, options)
    this.#appends.add(append)
    void append.finally(() => {
      this.#appends.delete(append)
      if (this.#appends.size === 0) this.#answered.clear()
    })
    return append
  }

  async #append(
    stream: string,
    events: readonly EventToAppend[],
    { expected, timeNeeded = true }: AppendOptions,
  ): Promise<AppendOutcome> {
    if (this.#starting.size > 0) await Promise.allSettled(this.#starting)
    const seen = this.#seen
    const sent = await send(this.#connection, stream, events, expected)
    if (sent.outcome !== 'written') return sent
    const { revision, position } = sent
    // The server does not tell a repetition: what was there before, or was answered before, is one.
    const repeated = position <= seen || this.#answered.has(position)
    this.#seen = Math.max(this.#seen, position)
    this.#answered.add(position)
    if (!timeNeeded) {
      const recordedAt = this.#connection.ports.clock.now()
      return { outcome: 'committed', revision, position, recordedAt, repeated }
    }
    try {
      const recordedAt = await this.#times.of({ stream, revision, position })
      return { outcome: 'committed', revision, position, recordedAt, repeated }
    } catch (error) {
      return { outcome: 'unknown', error }
    }
  }

  readStream(stream: string, options?: ReadStreamOptions): Promise<StreamPage> {
    return this.#open(() => readStream(this.#connection, stream, options))
  }

  readAll(options?: ReadAllOptions): Promise<LogPage> {
    return this.#open(() => readAll(this.#connection, options))
  }

  subscribe(options: SubscribeOptions = {}): Subscription {
    this.#connection.checkOpen()
    const starting = <Place>(place: Promise<Place>): Promise<Place> => {
      this.#starting.add(place)
      const done = () => this.#starting.delete(place)
      place.then(done, done)
      return place
    }
    return subscribeTo(this, options, {
      changes: this.#signal.changes,
      subscriptions: this.#subscriptions,
      logEnd: () => starting(logEnd(this.#connection)),
      streamEnd: (stream) =>
        starting(
          this.readStream(stream, { direction: 'backwards', limit: 1 }).then(({ head }) => head),
        ),
    })
  }

  async listStreams(options: ListStreamsOptions): Promise<readonly string[]> {
    const limit = listLimit(options)
    const { category, after } = options
    const found = await this.#open(() => this.#names.startingWith(category))
    const names = [...found.keys()]
      .filter((name) => categoryOf(name) === category)
      .filter((name) => after === undefined || compareBytes(name, after) > 0)
      .sort(compareBytes)
    const listed: string[] = []
    for (let start = 0; start < names.length && listed.length < limit; start += limit) {
      const some = names.slice(start, start + limit)
      const pages = await Promise.all(
        some.map((name) => this.readStream(name, { direction: 'backwards', limit: 1 })),
      )
      listed.push(...some.filter((_, index) => pages[index]?.events.length === 1))
    }
    return listed.slice(0, limit)
  }

  async streamMetadata(stream: string): Promise<StreamMetadata> {
    const metadata = await this.#open(() => this.#metadata(stream))
    const { truncateBefore: before, maxCount, maxAge } = metadata
    const truncateBefore = isDeletedMark(before)
      ? (await headOf(this.#connection, stream)) + 1
      : before
    const shown = { truncateBefore, maxCount, maxAgeSeconds: maxAge }
    return Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== undefined))
  }

  async setStreamMetadata(stream: string, metadata: StreamMetadata): Promise<void> {
    this.#connection.checkOpen()
    const { truncateBefore, maxCount, maxAgeSeconds } = checkedMetadata(metadata)
    const present = await this.#metadata(stream)
    const {
      truncateBefore: before,
      maxCount: _,
      maxAge: __,
      [givenKey]: given,
      ...others
    } = present
    const deleted = isDeletedMark(before)
    const floor = deleted
      ? (await headOf(this.#connection, stream)) + 1
      : before !== undefined && before !== given
        ? before
        : 0
    const effective = Math.max(floor, truncateBefore ?? 0)
    const rules = {
      ...others,
      ...(effective > 0 && { truncateBefore: effective }),
      ...(truncateBefore !== undefined && { [givenKey]: truncateBefore }),
      ...(maxCount !== undefined && { maxCount }),
      ...(maxAgeSeconds !== undefined && { maxAge: maxAgeSeconds }),
    } as ClientMetadata
    const { client } = this.#connection
    await this.#change(() => client.setStreamMetadata(stream, rules))
    if (deleted) await this.deleteStream(stream)
  }

  async deleteStream(stream: string): Promise<void> {
    this.#connection.checkOpen()
    const { client } = this.#connection
    await this.#change(() => client.deleteStream(stream, { expectedRevision: 'any' }))
  }

  async tombstoneStream(stream: string): Promise<void> {
    this.#connection.checkOpen()
    const { client } = this.#connection
    try {
      await this.#change(() => client.tombstoneStream(stream, { expectedRevision: 'any' }))
    } catch (error) {
      // So it is already, perhaps by an attempt whose answer was lost.
      if ((error as { code?: string }).code !== 'StreamDeleted') throw error
    }
  }

  async close(): Promise<void> {
    this.#closing = true
    this.groups.close()
    await Promise.allSettled(this.#appends)
    for (const subscription of this.#subscriptions) subscription.close()
    this.#signal.close()
    await this.#connection.close()
  }

  /** Rules of a stream with the keys of others, as the server has them. */
  #metadata(stream: string): Promise<ServerRules> {
    const { client } = this.#connection
    return this.#connection.insistently(async () => {
      const found = await this.#connection.withinTime(client.getStreamMetadata(stream))
      return (found.metadata ?? {}) as ServerRules
    })
  }

  /** A change that may be made twice. */
  #change(work: () => Promise<unknown>): Promise<void> {
    return this.#connection.insistently(async () => {
      await this.#connection.withinTime(work())
    })
  }

  async #open<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#connection.checkOpen()
    return work()
  }
}

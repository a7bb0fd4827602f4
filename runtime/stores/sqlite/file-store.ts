// The store over one file: what the port promises, handed to reader, group commit and subscriptions.

import type { Clock, Timers } from '../../core/clock.ts'
import { ReenactError } from '../../core/errors.ts'
import type {
  AppendOptions,
  AppendOutcome,
  EventStore,
  EventToAppend,
  InlineHook,
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
import { nameProblem, refusalOf } from '../append-rules.ts'
import { ChangeSignal } from '../change-signal.ts'
import { createConsumerGroups, type StoreGroups } from '../consumer-groups/consumer-groups.ts'
import { subscribeTo } from '../store-subscription.ts'
import { checkedMetadata, shownMetadata, softDeleted, unwritten } from '../visibility.ts'
import { backUp } from './backup.ts'
import type { QueueLimits } from './commit-queue.ts'
import type { Connection } from './connection.ts'
import { GroupCommit } from './group-commit.ts'
import { LogReader } from './log-reader.ts'
import {
  AppendOperation,
  changeRules,
  type Operation,
  refuseTombstoned,
  simpleOperation,
  type WriteContext,
} from './operations.ts'
import { pollForChanges } from './poll-for-changes.ts'
import { type ReadAhead, wholeLog } from './read-ahead.ts'
import { RecentEvents } from './recent-events.ts'
import { createStateStore } from './sqlite-state-store.ts'
import type { StorageThread } from './storage-thread.ts'
import { StreamTable } from './stream-table.ts'
import { emptyTransaction } from './transaction.ts'

/** A store in one file. */
export interface SqliteStore extends EventStore {
  /**
   * Writes a complete, verified copy to a new file. The event loop stands still meanwhile; for big stores do it
   * from another process that opened the store for reading.
   */
  backup(path: string): Promise<void>
}

/** What the store is made of. */
export interface SqliteStoreParts {
  readonly connection: Connection
  readonly clock: Clock
  readonly timers: Timers
  readonly pollMs: number
  readonly limits: QueueLimits
  readonly thread: StorageThread
  readonly ahead: ReadAhead
  /** Called when the file is closed. */
  readonly release: () => void
}

export class FileStore implements SqliteStore {
  readonly name: string
  readonly supports: EventStore['supports']
  readonly state: StateStore
  readonly inline: (hook: InlineHook) => void
  readonly groups: StoreGroups
  readonly #connection: Connection
  readonly #streams: StreamTable
  readonly #reader: LogReader
  readonly #ahead: ReadAhead
  readonly #commits: GroupCommit
  readonly #changes: ChangeSignal
  readonly #subscriptions = new Set<Subscription>()
  readonly #recent = new RecentEvents()
  readonly #release: () => void
  #closed = false
  #closing: Promise<void> | undefined

  constructor(parts: SqliteStoreParts) {
    const { connection, clock, timers, pollMs, limits, thread, ahead } = parts
    this.#connection = connection
    this.#release = parts.release
    this.#ahead = ahead
    this.name = `file:${connection.file}`
    this.supports = { durable: true, exclusiveWriter: !connection.readOnly }
    this.#streams = new StreamTable(connection)
    this.#reader = new LogReader(connection, this.#streams, clock, ahead)
    this.#changes = new ChangeSignal(
      connection.readOnly
        ? pollForChanges(
            timers,
            pollMs,
            () => connection.dataVersion(),
            () => this.#changes.notify(),
          )
        : undefined,
    )
    const [position, recordedAt] = this.#read(() => [
      this.#reader.checkedLogEnd(),
      this.#reader.lastRecordedAt(),
    ])
    const context: WriteContext = {
      connection,
      streams: this.#streams,
      reader: this.#reader,
      clock,
      position,
      recordedAt,
      committed: position,
      transaction: emptyTransaction(),
      written: undefined,
      state: new Map(),
      lastId: undefined,
      inline: undefined,
    }
    this.inline = (hook) => {
      context.inline = hook
    }
    this.#commits = new GroupCommit(context, limits, thread, {
      isThere: () => this.#subscriptions.size > 0,
      committed: (events, grown) => {
        this.#recent.committed(events)
        if (grown) this.#changes.notify()
      },
    })
    this.state = createStateStore(
      connection,
      (body) => this.#settled(body),
      (bytes, body) => this.#submit(bytes, body),
    )
    this.groups = createConsumerGroups(this, { clock, timers })
  }

  append(
    stream: string,
    events: readonly EventToAppend[],
    { expected }: AppendOptions,
  ): Promise<AppendOutcome> {
    return new Promise((resolve) => {
      const refusal = this.#writeRefusal() ?? refusalOf(stream, events, expected)
      if (refusal) resolve({ outcome: 'refused', error: refusal })
      else this.#commits.submit(new AppendOperation(stream, events, expected, resolve))
    })
  }

  async readStream(stream: string, options?: ReadStreamOptions): Promise<StreamPage> {
    const arrival = this.#ahead.arrival(stream, options?.from ?? 0)
    return this.#settled(() => this.#reader.readStream(stream, options), arrival)
  }

  async readAll(options?: ReadAllOptions): Promise<LogPage> {
    this.#checkOpen()
    const recent = this.#recent.page(options)
    if (recent) return recent
    const arrival = this.#ahead.arrival(wholeLog.name, (options?.after ?? 0) + 1)
    return this.#settled(() => this.#reader.readAll(options), arrival)
  }

  subscribe(options: SubscribeOptions = {}): Subscription {
    this.#checkOpen()
    return subscribeTo(this, options, {
      changes: this.#changes,
      subscriptions: this.#subscriptions,
      logEnd: () => this.#settled(() => this.#reader.logEnd()),
      streamEnd: (stream) => this.#settled(() => this.#streams.find(stream)?.head ?? -1),
    })
  }

  async listStreams(options: ListStreamsOptions): Promise<readonly string[]> {
    return this.#settled(() => this.#reader.listStreams(options))
  }

  async streamMetadata(stream: string): Promise<StreamMetadata> {
    return this.#settled(() => shownMetadata(this.#streams.find(stream) ?? unwritten))
  }

  async setStreamMetadata(stream: string, given: StreamMetadata): Promise<void> {
    const metadata = checkedMetadata(given)
    await this.#changeRules(stream, (rules) => {
      refuseTombstoned(stream, rules)
      return { ...rules, metadata }
    })
  }

  deleteStream(stream: string): Promise<void> {
    return this.#changeRules(stream, (status) => {
      refuseTombstoned(stream, status)
      return status.head === -1 ? undefined : softDeleted(status)
    })
  }

  tombstoneStream(stream: string): Promise<void> {
    return this.#changeRules(stream, (rules) => ({ ...rules, deleted: 'tombstone' }))
  }

  async backup(path: string): Promise<void> {
    this.#checkOpen()
    while (this.#commits.landed !== undefined) await this.#commits.landed
    await backUp(this.#connection, path)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.groups.active) await this.groups.close()
    this.#closed = true
    await this.#ahead.close()
    await this.#commits.drain()
    for (const subscription of this.#subscriptions) subscription.close()
    // After a failed sync another one proves nothing: what is in the WAL stays there for the next process.
    const isSound = !this.#connection.readOnly && !this.#commits.failed
    this.#connection.close(isSound && this.#completeIndex())
    this.#release()
  }

  /** What cannot be written now, on a full disk, the next open finds out from the events. */
  #completeIndex(): boolean {
    try {
      this.#streams.index.writeAll()
      return true
    } catch {
      return false
    }
  }

  async #changeRules(stream: string, change: Parameters<typeof changeRules>[1]): Promise<void> {
    const problem = nameProblem(stream)
    if (problem) throw problem
    await this.#submit(200, changeRules(stream, change))
  }

  #submit<Result>(
    bytes: number,
    body: Parameters<typeof simpleOperation<Result>>[1],
  ): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      const refusal = this.#writeRefusal()
      const operation: Operation = simpleOperation(bytes, body, { resolve, reject })
      if (refusal) operation.refused(refusal)
      else this.#commits.submit(operation)
    })
  }

  /** Reads what is durable: what the storage thread is writing has to land first. */
  #settled<Result>(body: () => Result, arrival?: Promise<void>): Result | Promise<Result> {
    this.#checkOpen()
    const waits = arrival !== undefined || this.#commits.landed !== undefined
    return waits ? this.#whenLanded(body, arrival) : this.#read(body)
  }

  async #whenLanded<Result>(body: () => Result, arrival?: Promise<void>): Promise<Result> {
    await arrival
    while (this.#commits.landed !== undefined) await this.#commits.landed
    return this.#read(body)
  }

  #read<Result>(body: () => Result): Result {
    return this.#connection.read(() => this.#streams.refresh(), body)
  }

  #writeRefusal(): ReenactError | undefined {
    if (this.#closed) return this.#closedError()
    if (!this.#connection.readOnly) return undefined
    return new ReenactError(
      'ReadOnly',
      `${this.name} was opened for reading. Open it without ?mode=ro to write.`,
      { store: this.name },
    )
  }

  #checkOpen(): void {
    if (this.#closed) throw this.#closedError()
  }

  #closedError(): ReenactError {
    return new ReenactError('Closed', `The store ${this.name} is closed. Open it again.`, {
      what: this.name,
    })
  }
}

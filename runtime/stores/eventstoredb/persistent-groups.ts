// Consumer groups as persistent subscriptions: the server shares the events among the consumers of all processes.

import type {
  PersistentSubscriptionToAllInfo,
  PersistentSubscriptionToStreamInfo,
} from '@eventstore/db-client'
import { isReenactError, ReenactError } from '../../core/errors.ts'
import { categoryOf } from '../../core/stream-name.ts'
import type {
  ConsumeOptions,
  Consumer,
  ConsumerGroups,
  GroupDefinition,
  GroupInfo,
  GroupKey,
  GroupSettings,
} from '../../ports/consumer-groups.ts'
import type { RecordedEvent } from '../../ports/event-store.ts'
import type { StateStore } from '../../ports/state-store.ts'
import { invalidOption } from '../append-rules.ts'
import { groupExists, groupNotFound, tooManyConsumers } from '../consumer-groups/group-errors.ts'
import {
  GroupRecord,
  groupKeys,
  isGroupStream,
  parkedStreamOf,
  readSettings,
  type StoredGroup,
  stateKeyOf,
} from '../consumer-groups/group-record.ts'
import { matches } from '../read-options.ts'
import type { Connection } from './connection.ts'
import { PersistentConsumer, type ServerSubscription } from './persistent-consumer.ts'
import { statePrefix } from './reading.ts'
import { startOfLog, toFilter, toServer } from './server-group.ts'

const inFlightDefault = 10

export class PersistentGroups implements ConsumerGroups {
  readonly #connection: Connection
  readonly #state: StateStore
  readonly #consumers = new Set<PersistentConsumer>()

  constructor(connection: Connection, state: StateStore) {
    this.#connection = connection
    this.#state = state
  }

  async create(group: GroupDefinition): Promise<void> {
    this.#connection.checkOpen()
    const { name, stream, filter, after = -1, settings, annotations = {} } = group
    stateKeyOf(group) // Refuses what cannot be a name.
    if (stream !== undefined && filter !== undefined) {
      throw invalidOption('filter', 'it does not go with a stream', 'Leave one of the two out')
    }
    if (after !== 'end' && !(Number.isSafeInteger(after) && after >= -1)) {
      throw invalidOption(
        'after',
        `${after} is no place in the log`,
        "Give a whole number or 'end'",
      )
    }
    const complete = readSettings(settings)
    const start = after === 'end' ? -1 : after
    const key = stream === undefined ? { name } : { name, stream }
    const found = filter === undefined ? {} : { filter }
    const place = { start, checkpoint: start, retries: {} }
    const stored = { ...key, ...found, settings: complete, annotations, ...place }
    try {
      await this.#createOnServer(group, complete)
    } catch (error) {
      // Whoever made it may have been interrupted before it was recorded: then nobody could ever join it.
      if (isReenactError(error, 'GroupExists')) await GroupRecord.create(this.#state, stored)
      throw error
    }
    if (await GroupRecord.create(this.#state, stored)) return
    // What a group of this name left behind is overwritten.
    await (await GroupRecord.load(this.#state, stateKeyOf(group)))?.save(stored)
  }

  #createOnServer(group: GroupDefinition, settings: GroupSettings): Promise<unknown> {
    const { name, stream, filter, after = -1 } = group
    const { client } = this.#connection
    return this.#call<unknown>(group, () =>
      stream === undefined
        ? client.createPersistentSubscriptionToAll(
            name,
            { ...toServer(settings), startFrom: startOfLog(after) },
            { filter: toFilter(this.#connection, filter) },
          )
        : client.createPersistentSubscriptionToStream(stream, name, {
            ...toServer(settings),
            startFrom: after === 'end' ? 'end' : BigInt(after + 1),
          }),
    )
  }

  async update(
    key: GroupKey,
    change: Pick<GroupDefinition, 'settings' | 'annotations'>,
  ): Promise<void> {
    const record = await this.#record(key)
    const settings = readSettings(change.settings, record.stored.settings)
    const { name, stream } = key
    const { client } = this.#connection
    await this.#call(key, () =>
      stream === undefined
        ? client.updatePersistentSubscriptionToAll(name, {
            ...toServer(settings),
            startFrom: startOfLog(record.stored.start),
          })
        : client.updatePersistentSubscriptionToStream(stream, name, {
            ...toServer(settings),
            startFrom: BigInt(record.stored.start + 1),
          }),
    )
    await record.save({
      settings,
      annotations: change.annotations ?? record.stored.annotations,
    })
  }

  async delete(key: GroupKey): Promise<void> {
    const { name, stream } = key
    const { client } = this.#connection
    await this.#call(key, () =>
      stream === undefined
        ? client.deletePersistentSubscriptionToAll(name)
        : client.deletePersistentSubscriptionToStream(stream, name),
    )
    await this.#state.delete(stateKeyOf(key))
  }

  async list(stream?: string): Promise<readonly GroupInfo[]> {
    const infos: GroupInfo[] = []
    for (const key of await groupKeys(this.#state, stream)) {
      const record = await GroupRecord.load(this.#state, key)
      const info = record && (await this.#infoOf(record.stored).catch(goneIsNothing))
      if (info) infos.push(info)
    }
    return infos
  }

  async info(key: GroupKey): Promise<GroupInfo> {
    return this.#infoOf((await this.#record(key)).stored)
  }

  async consume(
    key: GroupKey,
    { inFlightMax = inFlightDefault }: ConsumeOptions = {},
  ): Promise<Consumer> {
    const { stored } = await this.#record(key)
    if (!Number.isSafeInteger(inFlightMax) || inFlightMax < 1) {
      throw invalidOption(
        'inFlightMax',
        `${inFlightMax} is no credit`,
        'Give a whole number from 1',
      )
    }
    const { client } = this.#connection
    const options = { bufferSize: inFlightMax }
    const { name, stream } = key
    const subscription = (stream === undefined
      ? client.subscribeToPersistentSubscriptionToAll(name, options)
      : client.subscribeToPersistentSubscriptionToStream(
          stream,
          name,
          options,
        )) as unknown as ServerSubscription
    const consumer = new PersistentConsumer(
      this.#connection,
      subscription,
      (event) => isWanted(stored, event),
      (ended) => this.#consumers.delete(ended),
    )
    this.#consumers.add(consumer)
    await this.#call(stored, () => consumer.joined())
    return consumer
  }

  async replayParked(key: GroupKey, { limit = Number.POSITIVE_INFINITY } = {}): Promise<number> {
    const { parked } = await this.info(key)
    const { name, stream } = key
    const { client } = this.#connection
    const stopAt = Number.isFinite(limit) ? { stopAt: limit } : {}
    await this.#call(key, () =>
      stream === undefined
        ? client.replayParkedMessagesToAll(name, stopAt)
        : client.replayParkedMessagesToStream(stream, name, stopAt),
    )
    return Math.min(parked, limit)
  }

  /** Ends the consumers of this process. */
  close(): void {
    for (const consumer of this.#consumers) consumer.close()
  }

  async #infoOf(stored: StoredGroup): Promise<GroupInfo> {
    const { name, stream, filter, settings, annotations, start } = stored
    const { client } = this.#connection
    const { status, stats, connections } = await this.#call<Shown>(stored, () =>
      stream === undefined
        ? client.getPersistentSubscriptionToAllInfo(name)
        : client.getPersistentSubscriptionToStreamInfo(stream, name),
    )
    const places = stats as unknown as Readonly<Record<string, bigint | { commit: bigint }>>
    const place = (kind: string): number => {
      const found = places[`last${kind}Event${stream === undefined ? 'Position' : 'Revision'}`]
      if (found === undefined) return stream === undefined ? Math.max(start, 0) : start
      return Number(typeof found === 'bigint' ? found : found.commit)
    }
    return {
      name,
      ...(stream === undefined ? {} : { stream }),
      filter,
      settings,
      annotations,
      consumers: connections.map((one) => ({
        label: one.connectionName || undefined,
        inFlight: one.inFlightMessages,
        inFlightMax: one.inFlightMessages + one.availableSlots,
        delivered: Number(one.totalItems),
      })),
      status: /fail/i.test(status) ? 'failed' : connections.length === 0 ? 'idle' : 'live',
      checkpoint: place('Checkpointed'),
      readTo: place('Known'),
      inFlight: stats.totalInFlightMessages,
      waiting: Number(stats.liveBufferCount) + stats.retryBufferCount,
      parked: Number(stats.parkedMessageCount),
      parkedStream: parkedStreamOf(stored),
      counts: { delivered: Number(stats.totalItems), acked: 0, retried: 0, parked: 0 },
    }
  }

  async #record(key: GroupKey): Promise<GroupRecord> {
    this.#connection.checkOpen()
    const record = await GroupRecord.load(this.#state, stateKeyOf(key))
    if (!record) throw groupNotFound(key)
    return record
  }

  async #call<Result>(key: GroupKey, work: () => Promise<Result>): Promise<Result> {
    try {
      return await this.#connection.withinTime(work())
    } catch (error) {
      const { type } = error as { type?: string }
      if (type === 'persistent-subscription-exists') throw groupExists(key)
      if (type === 'persistent-subscription-does-not-exist') throw groupNotFound(key)
      if (type === 'maximum-subscribers-reached' && 'settings' in key) {
        throw tooManyConsumers(key as StoredGroup)
      }
      if (error instanceof ReenactError) throw error
      throw this.#connection.translated(error)
    }
  }
}

/** A group that was deleted, though its record is still there. */
function goneIsNothing(error: unknown): undefined {
  if (!isReenactError(error, 'GroupNotFound')) throw error
}

/** A group as the server shows it, whatever it reads. */
type Shown = PersistentSubscriptionToAllInfo | PersistentSubscriptionToStreamInfo

function isWanted({ stream, filter, start }: StoredGroup, event: RecordedEvent): boolean {
  if (stream !== undefined) return true
  if (event.position <= start || isGroupStream(event.stream)) return false
  if (event.stream.startsWith(statePrefix)) return false
  return matches(filter, event.stream, categoryOf(event.stream), event.type)
}

// The groups of a store that has one owner: built on its own reading, appending and state.

import { ReenactError } from '../../core/errors.ts'
import type {
  ConsumeOptions,
  Consumer,
  ConsumerGroups,
  GroupDefinition,
  GroupInfo,
  GroupKey,
} from '../../ports/consumer-groups.ts'
import type { EventStore } from '../../ports/event-store.ts'
import { invalidOption } from '../append-rules.ts'
import type { GroupPorts } from './alarm.ts'
import { checkpointAhead, groupExists, groupNotFound } from './group-errors.ts'
import {
  GroupRecord,
  groupKeys,
  parkedStreamOf,
  readSettings,
  type StoredGroup,
  stateKeyOf,
} from './group-record.ts'
import { LiveGroup } from './live-group.ts'

/** The groups of a store, and their end. */
export interface StoreGroups extends ConsumerGroups {
  /** Ends all consumers and writes every checkpoint. Afterwards nothing can be consumed. */
  close(): Promise<void>
  /** Whether anything is to be closed. */
  readonly active: boolean
}

/** Consumer groups over any store that only this process writes. */
export const createConsumerGroups = (store: EventStore, ports: GroupPorts): StoreGroups =>
  new Groups(store, ports)

class Groups implements StoreGroups {
  readonly #store: EventStore
  readonly #ports: GroupPorts
  readonly #live = new Map<string, Promise<LiveGroup>>()
  #closed = false

  constructor(store: EventStore, ports: GroupPorts) {
    this.#store = store
    this.#ports = ports
  }

  get active(): boolean {
    return this.#live.size > 0
  }

  async create(group: GroupDefinition): Promise<void> {
    this.#checkOpen()
    const { name, stream, filter, after, settings, annotations = {} } = group
    if (stream !== undefined && filter !== undefined) {
      throw invalidOption('filter', 'it does not go with a stream', 'Leave one of the two out')
    }
    stateKeyOf(group) // Refuses what cannot be a name.
    const start = await this.#startOf(stream, after)
    const stored: StoredGroup = {
      name,
      ...(stream === undefined ? {} : { stream }),
      ...(filter === undefined ? {} : { filter }),
      settings: readSettings(settings),
      annotations,
      start,
      checkpoint: start,
      retries: {},
    }
    if (!(await GroupRecord.create(this.#store.state, stored))) throw groupExists(group)
  }

  async update(
    key: GroupKey,
    change: Pick<GroupDefinition, 'settings' | 'annotations'>,
  ): Promise<void> {
    const live = await this.#group(key)
    const { settings, annotations } = live.record.stored
    const changed = {
      settings: readSettings(change.settings, settings),
      annotations: change.annotations ?? annotations,
    }
    this.#live.delete(stateKeyOf(key))
    await live.close()
    await live.record.save(changed)
  }

  async delete(key: GroupKey): Promise<void> {
    const live = await this.#group(key)
    this.#live.delete(stateKeyOf(key))
    await live.close()
    await live.record.delete()
    const parkedStream = parkedStreamOf(key)
    const { head } = await this.#store.readStream(parkedStream, { limit: 1 })
    if (head >= 0) await this.#store.deleteStream(parkedStream)
  }

  async list(stream?: string): Promise<readonly GroupInfo[]> {
    this.#checkOpen()
    const infos: GroupInfo[] = []
    for (const key of await groupKeys(this.#store.state, stream)) {
      const live = await this.#load(key)
      if (live) infos.push(await live.info())
    }
    return infos
  }

  async info(key: GroupKey): Promise<GroupInfo> {
    return (await this.#group(key)).info()
  }

  async consume(key: GroupKey, options: ConsumeOptions = {}): Promise<Consumer> {
    let live = await this.#group(key)
    if (live.closed) {
      await live.close().catch(() => {}) // Whatever could not be written is repeated.
      this.#live.delete(stateKeyOf(key))
      live = await this.#group(key)
    }
    await this.#checkAhead(live.record.stored)
    this.#checkOpen()
    return live.join(options)
  }

  async replayParked(key: GroupKey, { limit = Number.POSITIVE_INFINITY } = {}): Promise<number> {
    return (await this.#group(key)).replayParked(limit)
  }

  async close(): Promise<void> {
    this.#closed = true
    const closing = [...this.#live.values()].map(async (live) => (await live).close())
    this.#live.clear()
    // What cannot be written is repeated after the next start.
    await Promise.allSettled(closing)
  }

  async #startOf(stream: string | undefined, after: number | 'end' = -1): Promise<number> {
    if (after !== 'end') {
      if (Number.isSafeInteger(after) && after >= -1) {
        return stream === undefined ? Math.max(after, 0) : after
      }
      throw invalidOption(
        'after',
        `${after} is no place in the log`,
        "Give a whole number or 'end'",
      )
    }
    return this.#endOf(stream)
  }

  /** The place of the last event. */
  async #endOf(stream: string | undefined): Promise<number> {
    const subscription = this.#store.subscribe({
      ...(stream !== undefined && { stream }),
      after: 'end',
    })
    for await (const message of subscription) {
      if (message.kind !== 'events') return message.checkpoint
      const [first] = message.events
      if (first) return (stream === undefined ? first.position : first.revision) - 1
    }
    return stream === undefined ? 0 : -1
  }

  /** A place nobody chose can only have been reached by reading. */
  async #checkAhead(stored: StoredGroup): Promise<void> {
    const { stream, start, checkpoint } = stored
    if (checkpoint === start) return
    const end = await this.#endOf(stream)
    if (checkpoint > end) throw checkpointAhead(stored, checkpoint, end)
  }

  async #group(key: GroupKey): Promise<LiveGroup> {
    this.#checkOpen()
    const live = await this.#load(stateKeyOf(key))
    if (!live) throw groupNotFound(key)
    return live
  }

  /** The group in memory: one, however many ask for it. */
  async #load(stateKey: string): Promise<LiveGroup | undefined> {
    const known = this.#live.get(stateKey)
    if (known) return known
    const loading = GroupRecord.load(this.#store.state, stateKey).then((record) => {
      if (!record) throw absent
      return new LiveGroup(this.#store, this.#ports, record)
    })
    this.#live.set(stateKey, loading)
    try {
      return await loading
    } catch (error) {
      this.#live.delete(stateKey)
      if (error === absent) return undefined
      throw error
    }
  }

  #checkOpen(): void {
    if (!this.#closed) return
    const { name } = this.#store
    throw new ReenactError('Closed', `The store ${name} is closed. Open it again.`, { what: name })
  }
}

const absent = Symbol('absent')

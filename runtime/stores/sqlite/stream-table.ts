// The streams: names, rules and heads, cached within a bound.

import { categoryOf } from '../../core/stream-name.ts'
import type { StreamMetadata } from '../../ports/event-store.ts'
import { isStorable } from '../append-rules.ts'
import type { StreamStatus } from '../visibility.ts'
import type { Connection } from './connection.ts'
import { frameCrc, streamSeed } from './event-row.ts'
import { damaged } from './sqlite-errors.ts'
import type { StreamRow } from './statements.ts'
import { StreamIndex } from './stream-index.ts'
import type { Transaction } from './transaction.ts'

/** A stream that has a row. The writer moves `head` and the rules on within its transaction. */
export interface StreamEntry extends StreamStatus {
  readonly id: number
  readonly name: string
  readonly category: string
  /** Where the checksums of its events begin. */
  readonly seed: number
  head: number
  deleted: StreamStatus['deleted']
  deletedBelow: number
  metadata: StreamMetadata
}

/** What of a status is stored. */
export type StreamRules = Pick<StreamStatus, 'deleted' | 'deletedBelow' | 'metadata'>

/** Streams in each of the two generations of the cache. */
const generationMax = 32_768

/** Finds, adds and changes streams; what is to be written goes into a transaction. */
export class StreamTable {
  /** Where the events of each stream lie. */
  readonly index: StreamIndex
  readonly #connection: Connection
  // Two generations instead of a list ordered by use: what the younger lacks is promoted from the older,
  // which is dropped as a whole. Bounded, and a hit in the younger costs one look-up.
  #byName = new Map<string, StreamEntry>()
  #olderByName = new Map<string, StreamEntry>()
  #byId = new Map<number, StreamEntry>()
  #olderById = new Map<number, StreamEntry>()
  #lastId: number | undefined

  constructor(connection: Connection) {
    this.#connection = connection
    this.index = new StreamIndex(connection)
    connection.read(noop, () => this.index.refresh())
  }

  /** Forgets what was cached because another process wrote. */
  refresh(): void {
    this.#forget()
    this.index.refresh()
  }

  /** Forgets what was cached: after a rollback it may never have happened. */
  reset(): void {
    this.#forget()
    this.index.reset()
  }

  #forget(): void {
    this.#lastId = undefined
    this.#byName = new Map()
    this.#olderByName = new Map()
    this.#byId = new Map()
    this.#olderById = new Map()
  }

  find(name: string): StreamEntry | undefined {
    const cached = this.#byName.get(name)
    if (cached) return cached
    return this.#olderByName.has(name)
      ? this.#keep(this.#olderByName.get(name) as StreamEntry)
      : this.#load(isStorable(name) ? this.#connection.sql.streamByName.get(name) : undefined)
  }

  /** The stream of an event. */
  byId(id: number): StreamEntry {
    const cached = this.#byId.get(id)
    if (cached) return cached
    const entry = this.#olderById.has(id)
      ? this.#keep(this.#olderById.get(id) as StreamEntry)
      : this.#load(this.#connection.sql.streamById.get(id))
    if (!entry)
      throw damaged(this.#connection.file, `an event belongs to stream ${id}, which is missing`)
    return entry
  }

  /** Adds a stream without events. */
  add(name: string, { changes }: Transaction): StreamEntry {
    const category = categoryOf(name)
    this.#lastId ??= this.#lastStream()
    const id = this.#lastId + 1
    this.#lastId = id
    changes.push(['insertStream', id, name, category, '', rowCrc(id, name, category, '')])
    return this.#keep({
      id,
      name,
      category,
      seed: streamSeed(name),
      head: -1,
      deleted: 'no',
      deletedBelow: 0,
      metadata: {},
    })
  }

  /** Changes what may be read of the stream. */
  setRules(
    entry: StreamEntry,
    { deleted, deletedBelow, metadata }: StreamRules,
    { changes }: Transaction,
  ): void {
    const rules = JSON.stringify({ deleted, deletedBelow, metadata })
    const crc = rowCrc(entry.id, entry.name, entry.category, rules)
    changes.push(['updateRules', rules, crc, entry.id])
    Object.assign(entry, { deleted, deletedBelow, metadata })
  }

  #lastStream(): number {
    const [id]: [number | null] = this.#connection.sql.lastStream.get()
    return id ?? 0
  }

  #load(row: StreamRow | undefined): StreamEntry | undefined {
    this.index.ready()
    if (row === undefined) return undefined
    const [id, name, category, rules, crc] = row
    if (rowCrc(id, name, category, rules) !== crc) {
      throw damaged(
        this.#connection.file,
        `the entry of stream '${name}' does not match its checksum`,
      )
    }
    const { deleted, deletedBelow, metadata }: StreamRules =
      rules === '' ? { deleted: 'no', deletedBelow: 0, metadata: {} } : JSON.parse(rules)
    return this.#keep({
      id,
      name,
      category,
      seed: streamSeed(name),
      head: this.index.headOf(id),
      deleted,
      deletedBelow,
      metadata,
    })
  }

  #keep(entry: StreamEntry): StreamEntry {
    if (this.#byName.size >= generationMax) {
      this.#olderByName = this.#byName
      this.#olderById = this.#byId
      this.#byName = new Map()
      this.#byId = new Map()
    }
    this.#byName.set(entry.name, entry)
    this.#byId.set(entry.id, entry)
    return entry
  }
}

const noop = (): void => {}

const rowCrc = (id: number, name: string, category: string, rules: string): number =>
  frameCrc([id, name, category, rules])

// Where the events of each stream lie in the log.
//
// An index kept row by row would cost more than the events themselves: each commit would touch a page for every
// stream in it. So the newest entries are held in memory, and written later, a few with each commit. What a crash
// takes is rebuilt at open from the events after the `indexed` mark.

import { crc32 } from 'node:zlib'
import { isReenactError } from '../../core/errors.ts'
import type { RecordedEvent } from '../../ports/event-store.ts'
import type { Connection } from './connection.ts'
import { type EventOwner, eventOf, streamSeed } from './event-row.ts'
import { damaged } from './sqlite-errors.ts'
import type { StreamRow } from './statements.ts'
import { emptyTransaction, type Transaction, writeTransaction } from './transaction.ts'

/** So many new entries are collected before they begin to be written. */
const generationMax = 32_768
/** The least number of entries written with a commit once writing has begun. */
const stepMin = 128
/** Rows read at once when rebuilding. */
const pageRows = 4_096
/** Values in a row of the index. */
const placeWidth = 3

/** Positions of consecutive revisions. A lost event has position 0. */
interface Run {
  readonly first: number
  readonly positions: number[]
}

/** A row of the log that the index does not cover. */
interface RecentRow {
  readonly stream: number
  readonly position: number
  readonly owner: EventOwner | undefined
  readonly frame: string
}

type Generation = Map<number, Run>

/** Finds positions by stream and revision. */
export class StreamIndex {
  readonly #connection: Connection
  // What is in `older` is being written and is still asked first; new entries go into `newer`.
  #newer: Generation = new Map()
  #newerSize = 0
  #older: Generation | undefined
  /** The last position that belongs to `older`. */
  #olderEnd = 0
  /** The rows of `older` in order, and how many values of them are written. */
  #rows: readonly number[] = []
  #written = 0
  /** Everything up to here was looked at. */
  #position = 0
  #indexed = -1

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Takes in what was committed since the last time. A reader does so whenever the file changed. */
  refresh(): void {
    try {
      this.#readOn()
    } catch (error) {
      // Half of it would look like shorter streams.
      this.reset()
      throw error
    }
  }

  /** Reads again what was forgotten. To be called before streams are looked up: what is added must find the rest here. */
  ready(): void {
    if (this.#indexed === -1) this.refresh()
  }

  #readOn(): void {
    const indexed = this.#readMark()
    if (indexed !== this.#indexed) {
      this.#forget()
      this.#indexed = indexed
      this.#position = indexed
    }
    const owners = new Map<number, EventOwner | undefined>()
    for (let end = false; !end; ) {
      const rows: [string, string, number][] = this.#connection.sql.recentEvents.all(
        this.#position,
        pageRows,
      )
      for (const [frame, id, position] of rows) {
        const stream = Number(id)
        if (!owners.has(stream)) owners.set(stream, this.#ownerOf(stream))
        this.#recover({ stream, position, owner: owners.get(stream), frame })
        this.#position = position
      }
      end = rows.length < pageRows
    }
  }

  /** Forgets: after a rollback what is in memory may never have happened. It is read again when it is needed. */
  reset(): void {
    this.#forget()
    this.#indexed = -1
  }

  /** Adds the next event of a stream. */
  add(stream: number, revision: number, position: number): void {
    if (position > 0) this.#position = position
    this.#newerSize += 1
    const run = this.#newer.get(stream)
    if (run) run.positions.push(position)
    else this.#newer.set(stream, { first: revision, positions: [position] })
  }

  /** The last revision of a stream, -1 if it has none. */
  headOf(stream: number): number {
    const run = this.#newer.get(stream) ?? this.#older?.get(stream)
    if (run) return run.first + run.positions.length - 1
    return this.#indexedHead(stream)
  }

  /**
   * Positions of revisions from `start` up to `end`, as far as they are in memory, and from which revision on
   * that is so.
   */
  inMemory(stream: number, start: number, end: number): { from: number; positions: number[] } {
    const positions: number[] = []
    let from = end + 1
    for (const generation of [this.#newer, this.#older]) {
      const run = generation?.get(stream)
      if (!run || run.first >= from) continue
      const at = Math.max(start, run.first)
      positions.unshift(...run.positions.slice(at - run.first, from - run.first))
      from = at
    }
    return { from, positions }
  }

  /** The first revision of a stream that is in memory; those before it are in the file. */
  firstInMemory(stream: number): number | undefined {
    return (this.#older?.get(stream) ?? this.#newer.get(stream))?.first
  }

  /** Writes some entries, as part of a transaction that added `added` events. */
  writeSome(added: number, transaction: Transaction): void {
    if (!this.#older) {
      if (this.#newerSize < generationMax) return
      this.#age()
    }
    this.#write(Math.max(stepMin, 4 * added), transaction)
  }

  /** Writes everything, in transactions of its own: the next open has nothing to rebuild. */
  writeAll(): void {
    while (this.#older || this.#newerSize > 0) {
      if (!this.#older) this.#age()
      const transaction = emptyTransaction()
      this.#write(this.#rows.length, transaction)
      const written = writeTransaction(this.#connection, transaction)
      if (!written.done) throw written.error
    }
  }

  /** Adds an event found in the file. */
  #recover(row: RecentRow): void {
    const intact = row.owner && readable(row.owner, row.frame)
    if (intact) this.#place(row.stream, intact)
    else this.#placeDamaged(row)
  }

  /** Either the frame is damaged or the id beside it. No other stream may suffer from that. */
  #placeDamaged({ stream, position, owner, frame }: RecentRow): void {
    const streams: [number, string][] = this.#connection.sql.allStreams.all()
    for (const [id, name] of streams) {
      const intact = readable({ name, seed: streamSeed(name) }, frame)
      if (!intact) continue
      this.#place(id, intact)
      return
    }
    // Whoever reads it is told. Without it the stream's next event would take its revision.
    if (owner) this.add(stream, this.headOf(stream) + 1, position)
  }

  #place(stream: number, { revision, position }: RecordedEvent): void {
    // Its place in the table was changed: the index has the right one.
    if (position <= this.#indexed) return
    const run = this.#newer.get(stream)
    const next = run ? run.first + run.positions.length : revision
    for (let lost = next; lost < revision; lost += 1) this.add(stream, lost, 0)
    if (revision >= next) this.add(stream, revision, position)
  }

  #ownerOf(id: number): EventOwner | undefined {
    const row: StreamRow | undefined = this.#connection.sql.streamById.get(id)
    return row && { name: row[1], seed: streamSeed(row[1]) }
  }

  // A mark too high would hide events.
  #readMark(): number {
    const { sql, file } = this.#connection
    const row: [string] | undefined = sql.metaOf.get('indexed')
    if (!row) return 0
    const indexed = Number.parseInt(row[0], 10)
    if (row[0] === markText(indexed)) return indexed
    throw damaged(file, 'the mark of its index does not match its checksum')
  }

  #indexedHead(stream: number): number {
    const row: [number] | undefined = this.#connection.sql.indexedHead.get(stream)
    return row?.[0] ?? -1
  }

  #age(): void {
    this.#older = this.#newer
    this.#olderEnd = this.#position
    this.#rows = rowsOf(this.#newer)
    this.#written = 0
    this.#newer = new Map()
    this.#newerSize = 0
  }

  #write(rows: number, { places, changes }: Transaction): void {
    const end = Math.min(this.#written + rows * placeWidth, this.#rows.length)
    for (let at = this.#written; at < end; at += 1) places.push(this.#rows[at] as number)
    this.#written = end
    if (end < this.#rows.length) return
    changes.push(['putMeta', 'indexed', markText(this.#olderEnd)])
    this.#indexed = this.#olderEnd
    this.#older = undefined
    this.#rows = []
  }

  #forget(): void {
    this.#newer = new Map()
    this.#newerSize = 0
    this.#older = undefined
    this.#rows = []
  }
}

function readable(owner: EventOwner, frame: string): RecordedEvent | undefined {
  try {
    return eventOf(owner, [frame, 0])
  } catch (error) {
    if (isReenactError(error, 'CorruptEvent')) return undefined
    throw error
  }
}

const markText = (position: number): string => `${position} ${crc32(String(position))}`

/** The rows of the index, neighbours together. */
function rowsOf(generation: Generation): readonly number[] {
  const rows: number[] = []
  for (const [stream, { first, positions }] of [...generation].sort(([a], [b]) => a - b)) {
    for (const [offset, position] of positions.entries()) {
      if (position > 0) rows.push(stream, first + offset, position)
    }
  }
  return rows
}

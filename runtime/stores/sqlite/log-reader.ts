// Reading pages of a stream or of the log. Every row is checked; what is missing is noticed.

import type { Clock } from '../../core/clock.ts'
import type {
  ListStreamsOptions,
  LogPage,
  ReadAllOptions,
  ReadStreamOptions,
  RecordedEvent,
  StreamPage,
} from '../../ports/event-store.ts'
import { isStorable } from '../append-rules.ts'
import { listLimit, logRange, matches, pageDefault, scanMax, streamRange } from '../read-options.ts'
import { firstKept, hasRules, isReadable, oldestKept } from '../visibility.ts'
import type { Connection } from './connection.ts'
import { eventOf, revisionGap } from './event-row.ts'
import { type EventRows, FileRows } from './event-rows.ts'
import { type ReadAhead, wholeLog } from './read-ahead.ts'
import { damaged, storeError } from './sqlite-errors.ts'
import type { EventRow } from './statements.ts'
import type { StreamEntry, StreamTable } from './stream-table.ts'

/** Errors that concern one stream, not the disk or the process. */
const damageCodes: ReadonlySet<string> = new Set(['CorruptEvent', 'RevisionGap', 'StoreUnreadable'])

/** Reads a store file. */
export class LogReader {
  readonly #connection: Connection
  readonly #streams: StreamTable
  readonly #clock: Clock
  readonly #ahead: ReadAhead

  constructor(connection: Connection, streams: StreamTable, clock: Clock, ahead: ReadAhead) {
    this.#connection = connection
    this.#streams = streams
    this.#clock = clock
    this.#ahead = ahead
  }

  readStream(stream: string, options?: ReadStreamOptions): StreamPage {
    const { direction, from, limit } = streamRange(options)
    const entry = this.#streams.find(stream)
    if (!entry) return { events: [], head: -1, deleted: 'no', end: true }
    const { head, deleted } = entry
    const first = this.#firstReadable(entry)
    if (direction === 'forwards') {
      const start = Math.max(from, first)
      const count = Math.min(limit, head - start + 1)
      const events = this.#eventsFrom(entry, start, count)
      const end = start + limit > head
      if (!end) this.#passed(entry, start, start + count)
      return { events, head, deleted, end }
    }
    const last = Math.min(from, head)
    const count = Math.min(limit, last - first + 1)
    const events = this.#run(entry, last, -1, count)
    return { events, head, deleted, end: last - limit < first }
  }

  readAll(options?: ReadAllOptions): LogPage {
    const { direction, beyond, limit, filter } = logRange(options)
    const forwards = direction === 'forwards'
    const step = forwards ? 1 : -1
    const logEnd = this.logEnd()
    const now = this.#clock.now()
    const events: RecordedEvent[] = []
    const start = forwards ? beyond : Math.min(beyond, logEnd + 1)
    let position = start
    const isLast = () => (forwards ? position >= logEnd : position <= 1)
    for (let looked = 0; looked < scanMax && events.length < limit && !isLast(); ) {
      const left = Math.min(scanMax - looked, forwards ? logEnd - position : position - 1)
      // With a filter most rows may not count: the more were looked at in vain, the more are fetched at once.
      const wanted = limit - events.length
      const count = Math.min(
        left,
        filter ? Math.max(wanted, Math.min(looked, pageDefault)) : wanted,
      )
      const ahead = forwards ? this.#ahead.take(wholeLog, position + 1, left) : undefined
      const rows: EventRows = ahead ?? this.#logRows(position, forwards, count)
      for (let at = 0; at < rows.length && events.length < limit; at += 1) {
        const entry = this.#streams.byId(rows.streamOf(at))
        // What is not wanted is checked all the same: damage may have changed its type.
        const wanted = !filter || matches(filter, entry.name, entry.category, rows.typeOf(at))
        const event = wanted ? rows.eventOf(at, entry) : undefined
        position += step
        looked += 1
        // Positions are given without gaps, so a missing one is a lost event.
        if ((event?.position ?? rows.positionOf(at, entry)) !== position) {
          throw this.#missing(position)
        }
        if (event && (!hasRules(entry) || isReadable(entry, event, now))) events.push(event)
      }
      // With a filter a page may be short: the next one is better waited for than read here.
      if (ahead && filter) break
    }
    if (forwards && !isLast()) this.#ahead.passed(wholeLog, start + 1, position + 1, logEnd)
    return { events, position, end: isLast() }
  }

  listStreams(options: ListStreamsOptions): readonly string[] {
    const limit = listLimit(options)
    const names: string[] = []
    let after = options.after ?? ''
    if (!isStorable(options.category) || !isStorable(after)) return names
    for (;;) {
      const rows: [string][] = this.#connection.sql.namesOfCategory.all(
        options.category,
        after,
        limit,
      )
      for (const [name] of rows) {
        if (names.length < limit && this.#hasReadable(name)) names.push(name)
      }
      after = rows.at(-1)?.[0] ?? after
      if (names.length === limit || rows.length < limit) return names
    }
  }

  /** The event at a revision, if it may be read. */
  readableEvent(entry: StreamEntry, revision: number): RecordedEvent | undefined {
    if (revision > entry.head || revision < firstKept(entry)) return undefined
    const event = this.#run(entry, revision, 1, 1)[0] as RecordedEvent
    return isReadable(entry, event, this.#clock.now()) ? event : undefined
  }

  /** Position of the last event, 0 if none. */
  logEnd(): number {
    const [last]: [number | null] = this.#connection.sql.logEnd.get()
    return last ?? 0
  }

  /** The same, once the index of a small file was checked. */
  checkedLogEnd(): number {
    if (this.#connection.isSmall) this.checkIndex()
    return this.logEnd()
  }

  /** The event at a position. */
  eventAt(position: number): RecordedEvent {
    const row: EventRow | undefined = this.#connection.sql.logForwards.get(position - 1, 1)
    if (!row) throw this.#missing(position)
    return eventOf(this.#streams.byId(row[1]), row)
  }

  /** Throws when the index does not lead to an event that is as it was written. */
  checkIndex(): void {
    const { sql, file } = this.#connection
    const missing: [number][] = sql.missingPlaces.all()
    for (const [position] of missing) {
      if (this.#isIntact(position)) {
        throw damaged(file, `its index lacks the event at position ${position}`)
      }
    }
  }

  // Of a damaged event its own stream tells.
  #isIntact(position: number): boolean {
    try {
      this.eventAt(position)
      return true
    } catch (error) {
      if (damageCodes.has(storeError(this.#connection.file, error).code)) return false
      throw error
    }
  }

  /** The latest recording time that can still be trusted: damage at the end must not stop the store. */
  lastRecordedAt(): number {
    const end = this.logEnd()
    for (let position = end; position > Math.max(0, end - 16); position -= 1) {
      try {
        return this.eventAt(position).recordedAt
      } catch {
        // The next older one then.
      }
    }
    return 0
  }

  /** So many events of the stream, the first ones as far as they were read ahead. */
  #eventsFrom(entry: StreamEntry, start: number, count: number): readonly RecordedEvent[] {
    const rows = this.#ahead.take(entry, start, count)
    if (!rows) return this.#run(entry, start, 1, count)
    const events: RecordedEvent[] = []
    for (let at = 0; at < rows.length; at += 1) events.push(rows.eventOf(at, entry))
    if (rows.length === count) return events
    return events.concat(this.#run(entry, start + rows.length, 1, count - rows.length))
  }

  /** Only what is indexed in the file can be read ahead. */
  #passed(entry: StreamEntry, start: number, next: number): void {
    const { head, id } = entry
    const inMemory = this.#streams.index.firstInMemory(id) ?? head + 1
    this.#ahead.passed(entry, start, next, Math.min(head, inMemory - 1))
  }

  /** So many events of the stream from a revision on, without a gap. */
  #run(entry: StreamEntry, start: number, step: 1 | -1, count: number): RecordedEvent[] {
    if (count <= 0) return []
    const rows = this.#rows(entry.id, step === 1 ? start : start - count + 1, count)
    if (step === -1) rows.reverse()
    const events: RecordedEvent[] = []
    for (const row of rows) {
      const expected = start + step * events.length
      const event = eventOf(entry, row, expected)
      if (event.revision !== expected) throw revisionGap(entry.name, expected, event.revision)
      events.push(event)
    }
    if (events.length === count) return events
    throw revisionGap(entry.name, start + step * events.length, entry.head + 1)
  }

  /** The rows of consecutive revisions, upwards: from the file as far as they are indexed, by position beyond. */
  #rows(stream: number, first: number, count: number): EventRow[] {
    const { sql } = this.#connection
    const { from, positions } = this.#streams.index.inMemory(stream, first, first + count - 1)
    const rows: EventRow[] = from > first ? sql.streamForwards.all(stream, first, from) : []
    if (positions.length === 0) return rows
    return rows.concat(sql.eventsAt.all(JSON.stringify(positions)))
  }

  #logRows(position: number, forwards: boolean, count: number): FileRows {
    const { sql } = this.#connection
    const rows: EventRow[] = (forwards ? sql.logForwards : sql.logBackwards).all(position, count)
    if (rows.length === 0) throw this.#missing(position + (forwards ? 1 : -1))
    return new FileRows(rows)
  }

  #missing(position: number): Error {
    return damaged(this.#connection.file, `the event at position ${position} is missing`)
  }

  // Recording times never decrease along a stream, so the first event young enough is found by halving.
  #firstReadable(entry: StreamEntry): number {
    let low = firstKept(entry)
    const oldest = oldestKept(entry, this.#clock.now())
    if (oldest === Number.NEGATIVE_INFINITY) return low
    let high = entry.head + 1
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const event = this.#run(entry, middle, 1, 1)[0] as RecordedEvent
      if (event.recordedAt >= oldest) high = middle
      else low = middle + 1
    }
    return low
  }

  // Damage counts as readable: whoever reads that stream is told, and the others are listed all the same.
  #hasReadable(name: string): boolean {
    try {
      const entry = this.#streams.find(name)
      return entry !== undefined && this.#firstReadable(entry) <= entry.head
    } catch (error) {
      const failure = storeError(this.#connection.file, error)
      if (damageCodes.has(failure.code)) return true
      throw failure
    }
  }
}

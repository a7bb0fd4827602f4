// A page of consecutive events as the read-ahead thread hands it over: checked, found apart, and not yet made.
//
// Some dozens of events share one text, of which each is cut out when it is wanted: a text costs about as much to hand
// over whether it is one event or fifty. Not all of a page, since whoever keeps one event keeps the text.

import { wholeNumber } from '../../core/whole-number.ts'
import type { RecordedEvent } from '../../ports/event-store.ts'
import type { Connection } from './connection.ts'
import { isIntact, separator, streamSeed } from './event-row.ts'
import type { StreamRow } from './statements.ts'

/** Stands for the whole log where streams have their ids, which begin at 1. */
export const logId = 0

/** Where a page begins. */
export interface PageRequest {
  /** Id of the stream. */
  readonly of: number
  /** The first revision, or position in the log. */
  readonly first: number
  /** At most so many events. */
  readonly count: number
}

/** Events without a gap, each of which agrees with its checksum. */
export interface EventPage extends Pick<PageRequest, 'first'> {
  readonly length: number
  /** Each of `rowsOfText` events, the last of fewer. */
  readonly texts: readonly string[]
  /** Each type once. */
  readonly types: readonly string[]
  /** What is known of each event, `width` numbers in turn: see `Column`. */
  readonly numbers: Float64Array<ArrayBuffer>
}

/** Events that share a text. */
const rowsOfText = 64
/** A page ends with the text that makes it so long. */
const lengthMax = 4 * 1024 * 1024
/** Names kept for their checksums. */
const seedsMax = 32_768

const Column = {
  stream: 0,
  revision: 1,
  position: 2,
  recordedAt: 3,
  type: 4,
  idStart: 5,
  idEnd: 6,
  dataStart: 7,
  dataEnd: 8,
  end: 9,
} as const
const width = 10

/** Makes an event of a page. `stream` is its stream's name. */
export function eventOfPage(page: EventPage, at: number, stream: string): RecordedEvent {
  const { numbers } = page
  const text = page.texts[Math.floor(at / rowsOfText)] as string
  const row = at * width
  const number = (column: number): number => numbers[row + column] as number
  return {
    stream,
    revision: number(Column.revision),
    position: number(Column.position),
    id: text.slice(number(Column.idStart), number(Column.idEnd)),
    type: typeOfPage(page, at),
    data: text.slice(number(Column.dataStart), number(Column.dataEnd)),
    metadata: text.slice(number(Column.dataEnd) + 1, number(Column.end)),
    recordedAt: number(Column.recordedAt),
  }
}

/** The type of an event. */
export const typeOfPage = ({ types, numbers }: EventPage, at: number): string =>
  types[numbers[at * width + Column.type] as number] as string

/** The id of an event's stream. */
export const streamOfPage = ({ numbers }: EventPage, at: number): number =>
  numbers[at * width + Column.stream] as number

/** Its position. */
export const positionOfPage = ({ numbers }: EventPage, at: number): number =>
  numbers[at * width + Column.position] as number

/** Reads pages. What is not as it was written ends a page: whoever reads on finds out why. */
export class PageReader {
  readonly #connection: Connection
  readonly #seeds = new Map<number, number>()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  read({ of, first, count }: PageRequest): EventPage {
    const page = new PageBuilder(of === logId, first, count)
    const { sql } = this.#connection
    for (let from = first; page.isOpen; from += rowsOfText) {
      const end = Math.min(from + rowsOfText, first + count)
      const [text, ids]: [string | null, string | null] =
        of === logId ? sql.logText.get(from, end) : sql.streamText.get(of, from, end)
      if (text === null) break
      page.add(text, ids?.split(',').map(Number) ?? [of], (id) => this.#seedOf(id))
    }
    return page.done()
  }

  #seedOf(id: number): number | undefined {
    const known = this.#seeds.get(id)
    if (known !== undefined) return known
    const row: StreamRow | undefined = this.#connection.sql.streamById.get(id)
    if (!row) return undefined
    const seed = streamSeed(row[1])
    if (this.#seeds.size >= seedsMax) this.#seeds.clear()
    this.#seeds.set(id, seed)
    return seed
  }
}

/** Takes texts apart as long as everything fits. */
class PageBuilder {
  readonly #isLog: boolean
  readonly #first: number
  readonly #count: number
  readonly #texts: string[] = []
  readonly #types = new Map<string, number>()
  readonly #numbers: Float64Array<ArrayBuffer>
  #characters = 0
  #rows = 0
  #isOpen = true

  constructor(isLog: boolean, first: number, count: number) {
    this.#isLog = isLog
    this.#first = first
    this.#count = count
    this.#numbers = new Float64Array(count * width)
  }

  get isOpen(): boolean {
    return this.#isOpen && this.#rows < this.#count && this.#characters < lengthMax
  }

  /** Adds events that follow each other in one text. `ids` are those of their streams; a single one is that of all. */
  add(text: string, ids: readonly number[], seedOf: (id: number) => number | undefined): void {
    const before = this.#rows
    this.#texts.push(text)
    this.#characters += text.length
    for (let start = 0, at = 0; start <= text.length; at += 1) {
      const id = (ids.length === 1 ? ids[0] : ids[at]) ?? 0
      const end = this.#addRow(text, start, id, seedOf(id))
      if (end === undefined) {
        // What stands here may still belong to the event before, whose end it would be.
        if (this.#rows > before) this.#rows -= 1
        this.#isOpen = false
        return
      }
      start = end + 1
    }
    this.#isOpen = this.#rows === before + rowsOfText
  }

  #addRow(text: string, start: number, id: number, seed: number | undefined): number | undefined {
    const crcEnd = text.indexOf(separator, start)
    const revisionEnd = text.indexOf(separator, crcEnd + 1)
    const positionEnd = text.indexOf(separator, revisionEnd + 1)
    const timeEnd = text.indexOf(separator, positionEnd + 1)
    const idEnd = text.indexOf(separator, timeEnd + 1)
    const typeEnd = text.indexOf(separator, idEnd + 1)
    const dataEnd = text.indexOf(separator, typeEnd + 1)
    const next = text.indexOf(separator, dataEnd + 1)
    const end = next > dataEnd ? next : text.length
    // Looked for behind the last one, a separator is found before it.
    if (!(crcEnd < revisionEnd && revisionEnd < positionEnd && positionEnd < timeEnd)) return
    if (!(timeEnd < idEnd && idEnd < typeEnd && typeEnd < dataEnd)) return
    if (seed === undefined || !isIntact(text, start, crcEnd, end, seed)) return
    const revision = wholeNumber(text, crcEnd + 1, revisionEnd)
    const position = wholeNumber(text, revisionEnd + 1, positionEnd)
    if ((this.#isLog ? position : revision) !== this.#first + this.#rows) return
    const type = text.slice(idEnd + 1, typeEnd)
    const numbers = this.#numbers
    const row = this.#rows * width
    numbers[row + Column.stream] = id
    numbers[row + Column.revision] = revision
    numbers[row + Column.position] = position
    numbers[row + Column.recordedAt] = Number(text.slice(positionEnd + 1, timeEnd))
    numbers[row + Column.type] = this.#typeNumber(type)
    numbers[row + Column.idStart] = timeEnd + 1
    numbers[row + Column.idEnd] = idEnd
    numbers[row + Column.dataStart] = typeEnd + 1
    numbers[row + Column.dataEnd] = dataEnd
    numbers[row + Column.end] = end
    this.#rows += 1
    return end
  }

  #typeNumber(type: string): number {
    let number = this.#types.get(type)
    if (number === undefined) {
      number = this.#types.size
      this.#types.set(type, number)
    }
    return number
  }

  done(): EventPage {
    return {
      first: this.#first,
      length: this.#rows,
      texts: this.#texts,
      types: [...this.#types.keys()],
      numbers: this.#numbers,
    }
  }
}

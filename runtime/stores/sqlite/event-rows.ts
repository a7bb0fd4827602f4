// Rows that were read, from the file or ahead: looked at first, made into events where they are wanted.

import type { RecordedEvent } from '../../ports/event-store.ts'
import {
  type EventPage,
  eventOfPage,
  positionOfPage,
  streamOfPage,
  typeOfPage,
} from './event-page.ts'
import { checkedPosition, type EventOwner, eventOf, typeOf } from './event-row.ts'
import type { EventRow } from './statements.ts'

/** Rows in turn. */
export interface EventRows {
  readonly length: number
  /** The id of a row's stream. */
  streamOf(at: number): number
  /** Its type, before anything is checked. */
  typeOf(at: number): string
  /** Its position, checked. Throws `CorruptEvent`. */
  positionOf(at: number, owner: EventOwner): number
  /** The event, checked. Throws `CorruptEvent`. */
  eventOf(at: number, owner: EventOwner): RecordedEvent
}

/** As they come from the file. */
export class FileRows implements EventRows {
  readonly length: number
  readonly #rows: readonly EventRow[]

  constructor(rows: readonly EventRow[]) {
    this.#rows = rows
    this.length = rows.length
  }

  streamOf(at: number): number {
    return this.#row(at)[1]
  }

  typeOf(at: number): string {
    return typeOf(this.#row(at)[0])
  }

  positionOf(at: number, owner: EventOwner): number {
    return checkedPosition(owner, this.#row(at))
  }

  eventOf(at: number, owner: EventOwner): RecordedEvent {
    return eventOf(owner, this.#row(at))
  }

  #row(at: number): EventRow {
    return this.#rows[at] as EventRow
  }
}

/** Part of a page that was read ahead, where everything was checked. */
export class PageRows implements EventRows {
  readonly length: number
  readonly #page: EventPage
  readonly #first: number

  constructor(page: EventPage, first: number, length: number) {
    this.#page = page
    this.#first = first
    this.length = length
  }

  streamOf(at: number): number {
    return streamOfPage(this.#page, this.#first + at)
  }

  typeOf(at: number): string {
    return typeOfPage(this.#page, this.#first + at)
  }

  positionOf(at: number): number {
    return positionOfPage(this.#page, this.#first + at)
  }

  eventOf(at: number, { name }: EventOwner): RecordedEvent {
    return eventOfPage(this.#page, this.#first + at, name)
  }
}

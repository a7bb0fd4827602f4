// Commands of one actor that the signals brought along: they need not be read again.

import type { RecordedEvent } from '../runtime/ports/event-store.ts'

/** Characters of commands that one lane keeps. */
const lengthMax = 64 * 1024

/** Commands that follow on each other. */
export class CommandsAhead {
  readonly #countMax: number
  #events: RecordedEvent[] = []
  #length = 0

  constructor(countMax: number) {
    this.#countMax = countMax
  }

  /** Kept where it follows on and there is room. */
  add(event: RecordedEvent): void {
    const last = this.#events.at(-1)
    const length = event.data.length + event.metadata.length
    if (last && event.revision !== last.revision + 1) return
    if (this.#events.length >= this.#countMax || this.#length + length > lengthMax) return
    this.#events.push(event)
    this.#length += length
  }

  /** Keeps these instead, as far as there is room. */
  replace(events: readonly RecordedEvent[]): void {
    this.#events = []
    this.#length = 0
    for (const event of events) this.add(event)
  }

  /** Takes all, and answers those from a revision on; none where that one is missing. */
  takeFrom(revision: number, limit: number): readonly RecordedEvent[] {
    const events = this.#events
    this.#events = []
    this.#length = 0
    const at = events.findIndex((event) => event.revision === revision)
    return at < 0 ? [] : events.slice(at, at + limit)
  }
}

// The last events that were committed: who follows the log gets them without reading the file.

import { categoryOf } from '../../core/stream-name.ts'
import type {
  EventToAppend,
  LogPage,
  ReadAllOptions,
  RecordedEvent,
} from '../../ports/event-store.ts'
import { logRange, matches, scanMax } from '../read-options.ts'
import { hasRules } from '../visibility.ts'
import type { StreamEntry } from './stream-table.ts'

const countMax = 1_024
const charactersMax = 4 * 1024 * 1024

/** An event as a transaction writes it. */
export interface WrittenEvent {
  readonly event: RecordedEvent
  readonly entry: StreamEntry
}

/** An event at the head of its stream and of the log. */
export const writtenAs = (
  entry: StreamEntry,
  { id, type, data, metadata }: EventToAppend,
  { position, recordedAt }: { readonly position: number; readonly recordedAt: number },
): WrittenEvent => {
  const { name: stream, head: revision } = entry
  const event = { stream, revision, position, id, type, data, metadata, recordedAt }
  return { event, entry }
}

/** One run of positions without a gap, up to the end of the log. */
export class RecentEvents {
  #events: RecordedEvent[] = []
  #characters = 0

  /** A transaction is in the file. `undefined`: it is not known what it wrote. */
  committed(written: readonly WrittenEvent[] | undefined): void {
    // Whether an event of a stream with rules can be read is for the reader to find out.
    if (!written || written.some(({ entry }) => hasRules(entry))) {
      this.clear()
      return
    }
    for (const { event } of written) {
      if (event.position !== (this.#events.at(-1)?.position ?? 0) + 1) this.clear()
      this.#events.push(event)
      this.#characters += event.data.length + event.metadata.length
    }
    if (this.#events.length <= 2 * countMax && this.#characters <= 2 * charactersMax) return
    this.#events = this.#events.slice(-countMax)
    this.#characters = charactersOf(this.#events)
    if (this.#characters > charactersMax) this.clear()
  }

  clear(): void {
    this.#events = []
    this.#characters = 0
  }

  /** What the reader would answer; `undefined` where it has to be asked. */
  page(options?: ReadAllOptions): LogPage | undefined {
    const first = this.#events[0]
    if (!first) return undefined
    const { direction, beyond, limit, filter } = logRange(options)
    const skipped = beyond - first.position + 1
    if (direction === 'backwards' || skipped < 0 || skipped > this.#events.length) return undefined
    const events: RecordedEvent[] = []
    const end = Math.min(this.#events.length, skipped + scanMax)
    let at = skipped
    while (at < end && events.length < limit) {
      const event = this.#events[at] as RecordedEvent
      at += 1
      const { stream, type } = event
      if (!filter || matches(filter, stream, categoryOf(stream), type)) events.push(event)
    }
    return { events, position: first.position + at - 1, end: at === this.#events.length }
  }
}

const charactersOf = (events: readonly RecordedEvent[]): number =>
  events.reduce((sum, { data, metadata }) => sum + data.length + metadata.length, 0)

// The parked stream of a group: links to what was put aside, replayed on demand, truncated when answered.

import { v5 } from 'uuid'
import { sleep } from '../../core/clock.ts'
import { isReenactError } from '../../core/errors.ts'
import { exponential } from '../../core/retry-policy.ts'
import type { EventStore, EventToAppend, RecordedEvent } from '../../ports/event-store.ts'
import type { GroupPorts } from './alarm.ts'

interface Waiting {
  readonly event: RecordedEvent
  readonly metadata: string
  resolve(): void
  reject(error: unknown): void
}

/** A parked event that is due again. */
export interface Replayed {
  readonly event: RecordedEvent
  /** Its revision on the parked stream. */
  readonly parkedAt: number
}

const namespace = 'b7ad1f6c-9a54-4a0f-8d5c-3c8f6a2e4d11'
const appendMax = 256
const again = exponential({
  delayMsMin: 50,
  delayMsMax: 5_000,
  attemptsMax: Number.POSITIVE_INFINITY,
})

/** Parks and replays, in order. */
export class ParkedMessages {
  readonly stream: string
  readonly #store: EventStore
  readonly #ports: GroupPorts
  readonly #queue: Waiting[] = []
  #appending = false
  #head: number | undefined
  /** Replaying: the next revision to read and the first not asked for. */
  #next = 0
  #until = 0
  readonly #open = new Set<number>()
  #truncatedBelow = 0
  #truncating: Promise<void> | undefined

  constructor(store: EventStore, ports: GroupPorts, stream: string) {
    this.#store = store
    this.#ports = ports
    this.stream = stream
  }

  /** Resolves when the link is durable. Tries until then: what cannot be parked is never dropped. */
  park(event: RecordedEvent, reason: string, retries: number): Promise<void> {
    const added = new Date(this.#ports.clock.now()).toISOString()
    const metadata = JSON.stringify({ reason, retries, added })
    return new Promise((resolve, reject) => {
      this.#queue.push({ event, metadata, resolve, reject })
      if (!this.#appending) void this.#drain()
    })
  }

  /** How many are parked. */
  async count(): Promise<number> {
    const { head, events } = await this.#store.readStream(this.stream, { limit: 1 })
    const first = events[0]?.revision ?? head + 1
    return head + 1 - first
  }

  /** Whether replayed events are left to be read. */
  get replaying(): boolean {
    return this.#next < this.#until
  }

  /** Asks for parked events from the first on. Answers how many come that were not asked for before. */
  async replay(limit: number): Promise<number> {
    const { head, events } = await this.#store.readStream(this.stream, { limit: 1 })
    this.#next = Math.max(this.#next, events[0]?.revision ?? head + 1)
    const from = Math.max(this.#until, this.#next)
    this.#until = Math.max(from, Math.min(head + 1, from + limit))
    return this.#until - from
  }

  /** The next of those that were asked for. What they point to may be gone: that counts as answered. */
  async read(limit: number): Promise<readonly Replayed[]> {
    const from = this.#next
    const count = Math.min(limit, this.#until - from)
    if (count <= 0) return []
    const { events } = await this.#store.readStream(this.stream, { from, limit: count })
    const found: Replayed[] = []
    for (const link of events) {
      const event = await this.#linked(link.data)
      this.#next = link.revision + 1
      if (!event) continue
      this.#open.add(link.revision)
      found.push({ event, parkedAt: link.revision })
    }
    if (events.length === 0) this.#next = this.#until
    this.#truncate()
    return found
  }

  /** A replayed event was answered. */
  done(parkedAt: number): void {
    this.#open.delete(parkedAt)
    this.#truncate()
  }

  /** Resolves when what was answered is gone from the stream. */
  async settled(): Promise<void> {
    while (this.#truncating !== undefined) await this.#truncating
  }

  async #linked(link: string): Promise<RecordedEvent | undefined> {
    const at = link.indexOf('@')
    const from = Number(link.slice(0, at))
    const page = await this.#store.readStream(link.slice(at + 1), { from, limit: 1 })
    const [event] = page.events
    return event?.revision === from ? event : undefined
  }

  #truncate(): void {
    this.#truncating ??= this.#truncateAnswered().finally(() => {
      this.#truncating = undefined
    })
  }

  // Answered out of order they stay until the first is answered too: after a crash they come again.
  async #truncateAnswered(): Promise<void> {
    for (;;) {
      const below = this.#open.size > 0 ? Math.min(...this.#open) : this.#next
      if (below <= this.#truncatedBelow) return
      try {
        await this.#store.setStreamMetadata(this.stream, { truncateBefore: below })
      } catch {
        return // They come again: tried with the next answer.
      }
      this.#truncatedBelow = below
    }
  }

  async #drain(): Promise<void> {
    this.#appending = true
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, appendMax)
      try {
        await this.#append(batch)
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#appending = false
  }

  async #append(batch: readonly Waiting[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      this.#head ??= (await this.#store.readStream(this.stream, { limit: 1 })).head
      const expected = this.#head
      const links = batch.map((waiting, index) => this.#link(waiting, expected + 1 + index))
      const outcome = await this.#store.append(this.stream, links, {
        expected: expected === -1 ? 'none' : expected,
      })
      if (outcome.outcome === 'committed') {
        this.#head = outcome.revision
        return
      }
      // The same request again finds its own events; only another writer changes what is expected.
      if (outcome.outcome === 'conflict') this.#head = outcome.actual
      else if (isReenactError(outcome.error, 'Closed')) throw outcome.error
      else {
        const delayMs = again.delayMs(attempt) ?? 0
        await sleep(this.#ports.timers, delayMs, { background: true })
      }
    }
  }

  #link({ event, metadata }: Waiting, revision: number): EventToAppend {
    const data = `${event.revision}@${event.stream}`
    const id = v5(`${this.stream} ${revision} ${data}`, namespace)
    return { id, type: '$>', data, metadata }
  }
}

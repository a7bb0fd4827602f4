// One consumer of a persistent subscription: what the server pushes becomes batches, bounded by the credit.

import type { PersistentAction, ResolvedEvent } from '@eventstore/db-client'
import type { Consumer, Delivery, NackAction, NackOptions } from '../../ports/consumer-groups.ts'
import type { RecordedEvent } from '../../ports/event-store.ts'
import type { Connection } from './connection.ts'
import { fromClient } from './event-mapping.ts'

/** The client's subscription, to a stream or to all. */
export interface ServerSubscription {
  on(event: 'data', listener: (resolved: ResolvedEvent & { retryCount?: number }) => void): unknown
  on(event: 'error', listener: (error: unknown) => void): unknown
  on(event: 'confirmation' | 'end' | 'close', listener: () => void): unknown
  ack(...events: ResolvedEvent[]): Promise<void>
  nack(action: PersistentAction, reason: string, ...events: ResolvedEvent[]): Promise<void>
  unsubscribe(): Promise<void>
}

export class PersistentConsumer implements Consumer {
  readonly #connection: Connection
  readonly #subscription: ServerSubscription
  readonly #isWanted: (event: RecordedEvent) => boolean
  readonly #onEnd: (consumer: PersistentConsumer) => void
  /** By event id: what the server waits for an answer to. */
  readonly #unanswered = new Map<string, ResolvedEvent>()
  #queue: Delivery[] = []
  #wake: (() => void) | undefined
  #ended = false
  #failure: unknown

  constructor(
    connection: Connection,
    subscription: ServerSubscription,
    isWanted: (event: RecordedEvent) => boolean,
    onEnd: (consumer: PersistentConsumer) => void,
  ) {
    this.#connection = connection
    this.#subscription = subscription
    this.#isWanted = isWanted
    this.#onEnd = onEnd
  }

  /** Resolves when the server has let it in. */
  joined(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#subscription.on('confirmation', resolve)
      this.#subscription.on('data', (resolved) => this.#receive(resolved))
      this.#subscription.on('error', (error) => {
        reject(error)
        this.#end(isEnd(error) ? undefined : this.#connection.translated(error))
      })
      for (const event of ['end', 'close'] as const) {
        this.#subscription.on(event, () => {
          reject(this.#connection.unavailable('unreachable', 'the subscription ended'))
          this.#end(undefined)
        })
      }
    })
  }

  async ack(eventIds: readonly string[]): Promise<void> {
    const taken = this.#take(eventIds)
    if (taken.length > 0) await this.#answer(() => this.#subscription.ack(...taken))
  }

  async nack(
    eventIds: readonly string[],
    action: NackAction,
    { delayMs = 0, reason = 'nacked' }: NackOptions = {},
  ): Promise<void> {
    const taken = this.#take(eventIds)
    const nack = () => this.#answer(() => this.#subscription.nack(action, reason, ...taken))
    // The protocol knows no delay: it is kept here, and takes credit meanwhile.
    if (action === 'retry' && delayMs > 0) {
      this.#connection.ports.timers.after(delayMs, () => void nack())
      return
    }
    if (action === 'stop') this.close()
    else if (taken.length > 0) await nack()
  }

  close(): void {
    this.#end(undefined)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Delivery[], undefined> {
    try {
      for (;;) {
        while (this.#queue.length === 0 && !this.#ended) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
        }
        if (this.#ended) break
        const deliveries = this.#queue
        this.#queue = []
        yield deliveries
      }
      if (this.#failure !== undefined) throw this.#failure
    } finally {
      this.close()
    }
  }

  #receive(resolved: ResolvedEvent & { retryCount?: number }): void {
    const record = resolved.link ?? resolved.event
    if (this.#ended || !record) return
    const event = fromClient(this.#connection, record)
    this.#unanswered.set(event.id, resolved)
    if (!this.#isWanted(event)) {
      void this.ack([event.id])
      return
    }
    this.#queue.push({ event, retries: resolved.retryCount ?? 0, replayed: false })
    this.#wake?.()
  }

  #take(eventIds: readonly string[]): ResolvedEvent[] {
    const taken: ResolvedEvent[] = []
    for (const id of eventIds) {
      const resolved = this.#unanswered.get(id)
      if (!resolved) continue
      this.#unanswered.delete(id)
      taken.push(resolved)
    }
    return taken
  }

  // An answer that does not arrive means that the event comes again.
  async #answer(send: () => Promise<void>): Promise<void> {
    try {
      await send()
    } catch {
      this.#unanswered.clear()
    }
  }

  #end(failure: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#failure = failure
    this.#wake?.()
    this.#onEnd(this)
    this.#subscription.unsubscribe().catch(() => {})
  }
}

const ends: ReadonlySet<string> = new Set(['persistent-subscription-dropped', 'cancelled'])

/** The server ended it in order: the group was changed or deleted, or the server goes. */
const isEnd = (error: unknown): boolean =>
  ends.has(String((error as { type?: unknown } | null)?.type))

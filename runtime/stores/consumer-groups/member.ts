// One consumer of a group: what it has, and the queue it takes it from.

import type {
  ConsumeOptions,
  Consumer,
  ConsumerInfo,
  Delivery,
  NackAction,
  NackOptions,
} from '../../ports/consumer-groups.ts'
import { invalidOption } from '../append-rules.ts'
import type { Message } from './message.ts'

/** What a member tells its group. */
export interface MemberHost {
  ack(member: Member, eventIds: readonly string[]): void
  nack(
    member: Member,
    eventIds: readonly string[],
    action: NackAction,
    options: NackOptions,
  ): Promise<void>
  leave(member: Member): void
  recovered(): void
}

const inFlightDefault = 10

/** A consumer as its group sees it. */
export class Member implements Consumer {
  readonly inFlightMax: number
  readonly #label: string | undefined
  readonly #host: MemberHost
  /** Dispatched and not yet taken. */
  readonly #queue = new Set<Message>()
  #wake: (() => void) | undefined
  #ended = false
  #failure: unknown
  /** Messages with this consumer, taken or not. */
  inFlight = 0
  /** A delivery timed out and nothing was answered since: others come first. */
  stalled = false
  #delivered = 0

  constructor(host: MemberHost, { inFlightMax = inFlightDefault, label }: ConsumeOptions) {
    if (!Number.isSafeInteger(inFlightMax) || inFlightMax < 1) {
      throw invalidOption(
        'inFlightMax',
        `${inFlightMax} is no credit`,
        'Give a whole number from 1',
      )
    }
    this.#host = host
    this.inFlightMax = inFlightMax
    this.#label = label
  }

  get hasCredit(): boolean {
    return this.inFlight < this.inFlightMax
  }

  get info(): ConsumerInfo {
    const { inFlight, inFlightMax } = this
    return { label: this.#label, inFlight, inFlightMax, delivered: this.#delivered }
  }

  /** Hands a message over. */
  give(message: Message): void {
    this.inFlight += 1
    this.#queue.add(message)
    this.#wake?.()
  }

  /** It is this consumer's no more. */
  release(message: Message): void {
    this.inFlight -= 1
    this.#queue.delete(message)
  }

  /** Ends the iteration, with an error where there is one. */
  end(failure?: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#failure = failure
    this.#wake?.()
  }

  async ack(eventIds: readonly string[]): Promise<void> {
    this.#recover()
    this.#host.ack(this, eventIds)
  }

  async nack(
    eventIds: readonly string[],
    action: NackAction,
    options: NackOptions = {},
  ): Promise<void> {
    this.#recover()
    await this.#host.nack(this, eventIds, action, options)
  }

  close(): void {
    this.end()
    this.#host.leave(this)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Delivery[], undefined> {
    try {
      for (;;) {
        while (this.#queue.size === 0 && !this.#ended) await this.#given()
        if (this.#ended) break
        yield this.#take()
      }
      if (this.#failure !== undefined) throw this.#failure
    } finally {
      this.close()
    }
  }

  #recover(): void {
    if (!this.stalled) return
    this.stalled = false
    this.#host.recovered()
  }

  #take(): readonly Delivery[] {
    const deliveries: Delivery[] = []
    for (const message of this.#queue) {
      message.received = true
      const { event, retries, parkedAt } = message
      deliveries.push({ event, retries, replayed: parkedAt !== undefined })
    }
    this.#queue.clear()
    this.#delivered += deliveries.length
    return deliveries
  }

  #given(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
    })
  }
}

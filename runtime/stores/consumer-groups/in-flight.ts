// The messages that are with a consumer, until they are answered or their time is over.

import type { Member } from './member.ts'
import type { Message } from './message.ts'
import type { Strategy } from './strategy.ts'

/** By event id, in the order in which they were given: that is also the order of their timeouts. */
export class InFlight {
  readonly #messages = new Map<string, Message>()
  readonly #strategy: Strategy

  constructor(strategy: Strategy) {
    this.#strategy = strategy
  }

  get size(): number {
    return this.#messages.size
  }

  /** When the first times out. */
  get nextDueMs(): number {
    const [oldest] = this.#messages.values()
    return oldest?.dueMs ?? Number.POSITIVE_INFINITY
  }

  /** Gives a message to whom the strategy chooses, if anybody can have it now. */
  give(message: Message, dueMs: number): boolean {
    const member = this.#strategy.choose(message)
    // Two events with one id could not be told apart when they are answered: the second waits.
    if (!member || this.#messages.has(message.event.id)) return false
    message.member = member
    message.received = false
    message.dueMs = dueMs
    this.#messages.set(message.event.id, message)
    this.#strategy.given(message, member)
    member.give(message)
    return true
  }

  /** Takes messages from the consumer that answers them. Late answers find nothing. */
  *take(member: Member, eventIds: readonly string[]): Generator<Message> {
    for (const id of eventIds) {
      const message = this.#messages.get(id)
      if (message?.member !== member) continue
      this.#release(message)
      yield message
    }
  }

  /** Takes everything a consumer has. */
  takeAll(member: Member): readonly Message[] {
    const taken = [...this.#messages.values()].filter((message) => message.member === member)
    for (const message of taken) this.#release(message)
    return taken
  }

  /** Takes what was not answered in time; its consumers are stalled. */
  takeOverdue(nowMs: number): readonly Message[] {
    const taken: Message[] = []
    for (const message of this.#messages.values()) {
      if (message.dueMs > nowMs) break
      if (message.member) message.member.stalled = true
      this.#release(message)
      taken.push(message)
    }
    return taken
  }

  [Symbol.iterator](): Iterator<Message> {
    return this.#messages.values()
  }

  #release(message: Message): void {
    this.#messages.delete(message.event.id)
    this.#strategy.released(message)
    message.member?.release(message)
    message.member = undefined
  }
}

// The messages of a group that are with no consumer, in the order in which they are due.

import type { Message } from './message.ts'

/** What waits: replayed before retried before new; what is delayed or being parked apart from that. */
export class Backlog {
  #replayed: Message[] = []
  #retried: Message[] = []
  #fresh: Message[] = []
  /** By when they are due. */
  readonly #delayed: Message[] = []
  readonly parking = new Set<Message>()

  get size(): number {
    const { length } = this.#replayed
    const waiting = length + this.#retried.length + this.#fresh.length + this.#delayed.length
    return waiting + this.parking.size
  }

  get noneReplayed(): boolean {
    return this.#replayed.length === 0
  }

  /** When the first of the delayed is due. */
  get nextDueMs(): number {
    return this.#delayed[0]?.dueMs ?? Number.POSITIVE_INFINITY
  }

  /** Read for the first time. */
  addFresh(message: Message): void {
    this.#fresh.push(message)
  }

  addReplayed(message: Message): void {
    this.#replayed.push(message)
  }

  /** Given back: before all that is new, in order of place. */
  addRetried(message: Message): void {
    if (message.parkedAt !== undefined) insert(this.#replayed, message, (one) => one.parkedAt ?? 0)
    else insert(this.#retried, message, ({ place }) => place)
  }

  /** Given back, but not before it is due. */
  addDelayed(message: Message): void {
    insert(this.#delayed, message, ({ dueMs }) => dueMs)
  }

  /** What was delayed until now is due. */
  wake(nowMs: number): void {
    while (this.nextDueMs <= nowMs) this.addRetried(this.#delayed.shift() as Message)
  }

  /** Offers messages in order until so many are taken. Those leave; answers how many. */
  offer(countMax: number, take: (message: Message) => boolean): number {
    let taken = 0
    for (const queue of [this.#replayed, this.#retried, this.#fresh]) {
      let at = 0
      let kept = 0
      for (; at < queue.length && taken < countMax; at += 1) {
        const message = queue[at] as Message
        if (take(message)) {
          taken += 1
          continue
        }
        queue[kept] = message
        kept += 1
      }
      if (kept < at) queue.splice(kept, at - kept)
    }
    return taken
  }

  /** Everything that waits. */
  *[Symbol.iterator](): Generator<Message> {
    yield* this.#replayed
    yield* this.#retried
    yield* this.#fresh
    yield* this.#delayed
    yield* this.parking
  }
}

/** Keeps the list in order; most come last. */
function insert(list: Message[], message: Message, order: (message: Message) => number): void {
  const own = order(message)
  let at = list.length
  while (at > 0 && order(list[at - 1] as Message) > own) at -= 1
  list.splice(at, 0, message)
}

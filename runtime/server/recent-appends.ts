// Appends without an exact expectation that came before, so that most repetitions are noticed. Best effort by design:
// the protocol promises no more, and neither does a restart.

import type { AppendOutcome, EventToAppend } from '../ports/event-store.ts'

/** Appends of one generation. The generation before is kept too. */
const generationMax = 5_000

interface Append {
  readonly stream: string
  readonly ids: readonly string[]
  readonly outcome: Promise<AppendOutcome>
}

/** At least the last 5,000 appends by the id of their first event. */
export class RecentAppends {
  #present = new Map<string, Append>()
  #before = new Map<string, Append>()

  /** The outcome of the same append, if it was written; else that of `append`. */
  once(
    stream: string,
    events: readonly EventToAppend[],
    append: () => Promise<AppendOutcome>,
  ): Promise<AppendOutcome> {
    const ids = events.map(({ id }) => id)
    const key = ids[0] as string
    const known = this.#present.get(key) ?? this.#before.get(key)
    const first = () => this.#keep(key, { stream, ids, outcome: append() })
    if (known?.stream !== stream || !sameTexts(known.ids, ids)) return first()
    return known.outcome.then((outcome) => (outcome.outcome === 'committed' ? outcome : first()))
  }

  /** The stream was deleted: the same events may be written again. */
  forget(stream: string): void {
    for (const generation of [this.#present, this.#before]) {
      for (const [key, append] of generation) if (append.stream === stream) generation.delete(key)
    }
  }

  // Whole generations go, since taking the oldest out of a map one by one gets slower with every one taken.
  #keep(key: string, append: Append): Promise<AppendOutcome> {
    if (this.#present.size === generationMax) {
      this.#before = this.#present
      this.#present = new Map()
    }
    this.#present.set(key, append)
    return append.outcome
  }
}

const sameTexts = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((text, index) => text === right[index])

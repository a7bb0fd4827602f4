// Appends without an exact expectation that came before, so that most repetitions are noticed. Best effort by design:
// the protocol promises no more, and neither does a restart.

import type { AppendOutcome, EventToAppend } from '../ports/event-store.ts'

const appendsMax = 10_000

interface Append {
  readonly stream: string
  readonly ids: readonly string[]
  readonly outcome: Promise<AppendOutcome>
}

/** The last 10,000 appends by the id of their first event. */
export class RecentAppends {
  readonly #appends = new Map<string, Append>()

  /** The outcome of the same append, if it was written; else that of `append`. */
  async once(
    stream: string,
    events: readonly EventToAppend[],
    append: () => Promise<AppendOutcome>,
  ): Promise<AppendOutcome> {
    const ids = events.map(({ id }) => id)
    const key = ids[0] as string
    const before = this.#appends.get(key)
    if (before?.stream === stream && sameTexts(before.ids, ids)) {
      const outcome = await before.outcome
      if (outcome.outcome === 'committed') return outcome
    }
    const outcome = append()
    this.#appends.delete(key)
    this.#appends.set(key, { stream, ids, outcome })
    if (this.#appends.size > appendsMax) {
      for (const oldest of this.#appends.keys()) {
        this.#appends.delete(oldest)
        break
      }
    }
    return outcome
  }

  /** The stream was deleted: the same events may be written again. */
  forget(stream: string): void {
    for (const [key, append] of this.#appends) {
      if (append.stream === stream) this.#appends.delete(key)
    }
  }
}

const sameTexts = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((text, index) => text === right[index])

// Waiting with an end: all that wait equally long share one timer.

import type { Clock, Timers } from '../runtime/core/clock.ts'

/** Something that waits. It is in one list at most. */
export interface Waiting {
  /** When the wait is over, by the monotonic clock. */
  dueMs: number
  earlier: Waiting | undefined
  later: Waiting | undefined
  /** The wait is over. */
  expire(): void
}

/** Waits of one length: the first is due first. */
interface Line {
  first: Waiting | undefined
  last: Waiting | undefined
  cancel: () => void
}

/** Ends waits. Beginning and ending one costs no timer of its own. */
export class Deadlines {
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #lines = new Map<number, Line>()

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock
    this.#timers = timers
  }

  /** Begins a wait of so many ms, and answers how long to keep it. */
  begin(waiting: Waiting, waitMs: number): void {
    waiting.dueMs = this.#clock.monotonic() + waitMs
    let line = this.#lines.get(waitMs)
    if (!line) {
      line = { first: undefined, last: undefined, cancel: () => {} }
      this.#lines.set(waitMs, line)
      this.#arm(line, waitMs, waitMs)
    }
    waiting.earlier = line.last
    if (line.last) line.last.later = waiting
    else line.first = waiting
    line.last = waiting
  }

  /** Ends a wait of so many ms before it is over. */
  end(waiting: Waiting, waitMs: number): void {
    const line = this.#lines.get(waitMs)
    if (!line || (line.first !== waiting && !waiting.earlier)) return
    if (waiting.earlier) waiting.earlier.later = waiting.later
    else line.first = waiting.later
    if (waiting.later) waiting.later.earlier = waiting.earlier
    else line.last = waiting.earlier
    waiting.earlier = undefined
    waiting.later = undefined
    if (line.first) return
    line.cancel()
    this.#lines.delete(waitMs)
  }

  #arm(line: Line, waitMs: number, delayMs: number): void {
    line.cancel = this.#timers.after(delayMs, () => this.#expire(line, waitMs))
  }

  #expire(line: Line, waitMs: number): void {
    for (let due = line.first; due && due.dueMs <= this.#clock.monotonic(); due = line.first) {
      this.end(due, waitMs)
      due.expire()
    }
    // A timer may be early, or meant for one that ended: the first of those left says when to look again.
    if (!line.first) return
    this.#arm(line, waitMs, Math.max(1, line.first.dueMs - this.#clock.monotonic()))
  }
}

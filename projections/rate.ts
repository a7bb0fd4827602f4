// Events a second, of the last few seconds.

import type { Clock } from '../runtime/core/clock.ts'

const windowMs = 5_000

export class Rate {
  readonly #clock: Clock
  #startedMs: number
  #count = 0
  #before: { readonly count: number; readonly ms: number } = { count: 0, ms: 0 }

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startedMs = clock.monotonic()
  }

  add(count: number): void {
    this.#turn()
    this.#count += count
  }

  /** Over the present window and the one before. */
  get perSecond(): number {
    this.#turn()
    const ms = this.#before.ms + this.#clock.monotonic() - this.#startedMs
    return ms <= 0 ? 0 : ((this.#before.count + this.#count) / ms) * 1_000
  }

  #turn(): void {
    const ms = this.#clock.monotonic() - this.#startedMs
    if (ms < windowMs) return
    // After a long silence the window before was empty.
    this.#before = ms < 2 * windowMs ? { count: this.#count, ms } : { count: 0, ms: windowMs }
    this.#startedMs += ms
    this.#count = 0
  }
}

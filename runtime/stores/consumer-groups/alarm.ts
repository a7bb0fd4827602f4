// One timer for many due times: it rings for the earliest.

import type { Ports } from '../../core/clock.ts'
import { timerMsMax } from '../../core/limits.ts'

/** What groups need of the ports. */
export type GroupPorts = Pick<Ports, 'clock' | 'timers'>

/** Rings once at the earliest time it was set to. */
export class Alarm {
  readonly #ports: GroupPorts
  readonly #ring: () => void
  #dueMs = Number.POSITIVE_INFINITY
  #cancel: (() => void) | undefined

  constructor(ports: GroupPorts, ring: () => void) {
    this.#ports = ports
    this.#ring = ring
  }

  /** By the monotonic clock. Later than what it is set to already changes nothing. */
  setTo(dueMs: number): void {
    if (dueMs >= this.#dueMs) return
    this.#cancel?.()
    this.#dueMs = dueMs
    const delayMs = Math.min(Math.max(0, dueMs - this.#ports.clock.monotonic()), timerMsMax)
    const ring = () => {
      this.#dueMs = Number.POSITIVE_INFINITY
      this.#ring()
    }
    this.#cancel = this.#ports.timers.after(delayMs, ring)
  }

  stop(): void {
    this.#cancel?.()
    this.#dueMs = Number.NEGATIVE_INFINITY
  }
}

// What steps depend on: a circuit breaker and a retry budget shared by all steps that name it.

import type { Clock } from '../../runtime/core/clock.ts'

/** A service that steps depend on. */
export interface DependencyOptions {
  /** Steps of the same name share one breaker and one budget in each worker. */
  readonly name: string
  /** Failures in a row that open the breaker. Default 10. */
  readonly failuresMax?: number
  /** How long it stays open before one attempt may try it, ms. Default 5,000. */
  readonly openMs?: number
  /**
   * Retries allowed for each first attempt, in the long run. Default 0.1. Beside these: ten in a row, one every `openMs`, and
   * one for each attempt that succeeds.
   */
  readonly retryRatio?: number
}

const tokensMax = 10

/** The present condition of one dependency. Not durable: after a restart it begins with trust. */
export class Dependency {
  readonly #clock: Clock
  readonly #failuresMax: number
  readonly #openMs: number
  readonly #retryRatio: number
  #tokens = tokensMax
  #filledMs: number
  #failures = 0
  #openUntilMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, options: DependencyOptions) {
    this.#clock = clock
    this.#failuresMax = options.failuresMax ?? 10
    this.#openMs = options.openMs ?? 5_000
    this.#retryRatio = options.retryRatio ?? 0.1
    this.#filledMs = clock.monotonic()
  }

  /** How long an attempt has to wait, ms; 0: it may begin. What it takes from the budget counts as used. */
  admit(isRetry: boolean): number {
    const nowMs = this.#clock.monotonic()
    if (nowMs < this.#openUntilMs) return this.#openUntilMs - nowMs
    if (this.#failures >= this.#failuresMax) {
      // Half open: this one tries, the others wait for what it finds.
      this.#openUntilMs = nowMs + this.#openMs
      return 0
    }
    // Time alone gives a little back, so that the last retries are late and not lost.
    this.#fill((nowMs - this.#filledMs) / this.#openMs)
    this.#filledMs = nowMs
    if (!isRetry) {
      this.#fill(this.#retryRatio)
      return 0
    }
    if (this.#tokens < 1) return this.#openMs
    this.#tokens -= 1
    return 0
  }

  #fill(tokens: number): void {
    this.#tokens = Math.min(tokensMax, this.#tokens + tokens)
  }

  /** The attempt reached it: it answered, whatever it said. */
  succeeded(): void {
    this.#failures = 0
    this.#openUntilMs = Number.NEGATIVE_INFINITY
    this.#fill(1)
  }

  /** The attempt failed. */
  failed(): void {
    this.#failures += 1
    if (this.#failures >= this.#failuresMax) {
      this.#openUntilMs = this.#clock.monotonic() + this.#openMs
    }
  }
}

/** The dependencies of one worker by name; the first step that names one says how it behaves. */
export class Dependencies {
  readonly #clock: Clock
  readonly #byName = new Map<string, Dependency>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get(options: DependencyOptions | undefined): Dependency | undefined {
    if (!options) return undefined
    let found = this.#byName.get(options.name)
    if (!found) {
      found = new Dependency(this.#clock, options)
      this.#byName.set(options.name, found)
    }
    return found
  }
}

// Delay schedules as data: how long to wait before the next attempt.

import type { Random } from './clock.ts'

/** Says how long to wait before the next attempt. `null` means give up. */
export interface RetryPolicy {
  /** `attempt` counts from 1. */
  delayMs(attempt: number): number | null
}

export interface ExponentialOptions {
  /** Delay before the second attempt, ms. */
  readonly delayMsMin: number
  /** Ceiling, ms. */
  readonly delayMsMax: number
  /** Attempts in all; `Infinity` never gives up. */
  readonly attemptsMax: number
}

/** Doubles up to a ceiling. Jitter belongs to the caller, which owns the random source. */
export const exponential = (options: ExponentialOptions): RetryPolicy => ({
  delayMs: (attempt) =>
    attempt < options.attemptsMax
      ? Math.min(options.delayMsMin * 2 ** (attempt - 1), options.delayMsMax)
      : null,
})

/** Full jitter: anywhere between nothing and the delay, so that rivals do not meet again. */
export const fullJitter = (random: Random, delayMs: number): number => random.next() * delayMs

// Delay schedules as data: how long to wait before the next attempt.

import type { Random } from './clock.ts'

/** Says how long to wait before the next attempt. `null` means give up. */
export interface RetryPolicy {
  /** `attempt` counts from 1. */
  delayMs(attempt: number): number | null
}

/** Options of {@link exponential}. */
export interface ExponentialOptions {
  /** Delay before the second attempt, ms. */
  readonly delayMsMin: number
  /** Ceiling, ms. */
  readonly delayMsMax: number
  /** Attempts in all; `Infinity` never gives up. */
  readonly attemptsMax: number
}

/**
 * Doubles up to a ceiling. Jitter belongs to the caller, which owns the random source.
 *
 * @example
 * ```ts
 * const retry = { transient: exponential({ delayMsMin: 100, delayMsMax: 10_000, attemptsMax: 12 }) }
 * const worker = runtime.work({ retry })
 * ```
 */
export const exponential = (options: ExponentialOptions): RetryPolicy => ({
  delayMs: (attempt) =>
    attempt < options.attemptsMax
      ? Math.min(options.delayMsMin * 2 ** (attempt - 1), options.delayMsMax)
      : null,
})

/**
 * Waits these delays, ms, then gives up: one attempt more than there are delays. `steps([])` never retries.
 *
 * @example
 * ```ts
 * const worker = runtime.work({ retry: { transient: steps([100, 1_000, 10_000]) } })
 * ```
 */
export const steps = (delaysMs: readonly number[]): RetryPolicy => ({
  delayMs: (attempt) => delaysMs[attempt - 1] ?? null,
})

/**
 * Never gives up: doubles up to a ceiling and stays there.
 *
 * @example
 * ```ts
 * const worker = runtime.work({ retry: { transient: forever({ delayMsMin: 100, delayMsMax: 60_000 }) } })
 * ```
 */
export const forever = (options: Omit<ExponentialOptions, 'attemptsMax'>): RetryPolicy =>
  exponential({ ...options, attemptsMax: Number.POSITIVE_INFINITY })

/** Schedules that are much in use. */
export const retryPresets = {
  /** 1, 2, 4 and 8 s: five attempts. */
  doubling: steps([1_000, 2_000, 4_000, 8_000]),
  /** 1, 5 and 15 s: four attempts. */
  widening: steps([1_000, 5_000, 15_000]),
} as const

/** Full jitter: anywhere between nothing and the delay, so that rivals do not meet again. */
export const fullJitter = (random: Random, delayMs: number): number => random.next() * delayMs

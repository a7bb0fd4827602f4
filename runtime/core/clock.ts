// Time, chance and waiting as ports: core code never touches the globals, so one seed repeats a run.

import { randomFillSync } from 'node:crypto'

/** Where time comes from. */
export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch. It may jump. */
  now(): number
  /** Milliseconds from an arbitrary start that never go back. For durations. */
  monotonic(): number
}

/** Where chance comes from. */
export interface Random {
  /** A number in [0, 1). */
  next(): number
  /** Fills the array with random bytes and returns it. */
  fill(bytes: Uint8Array): Uint8Array
}

/** Waiting. */
export interface Timers {
  /**
   * Calls back once after `delayMs` (at most 2^31-1) unless the returned function is called before. A
   * `background` timer does not keep the process alive.
   */
  after(
    delayMs: number,
    callback: () => void,
    options?: { readonly background?: boolean },
  ): () => void
  /** Resolves after other pending work of the process had its turn. */
  turn(): Promise<void>
}

/** The three ports together. */
export interface Ports {
  /** Where time comes from. */
  readonly clock: Clock
  /** Where chance comes from. */
  readonly random: Random
  /** What waits. */
  readonly timers: Timers
}

const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}

const systemRandom: Random = {
  next: () => Math.random(),
  fill: (bytes) => randomFillSync(bytes),
}

const systemTimers: Timers = {
  after: (delayMs, callback, options) => {
    const timer = setTimeout(callback, delayMs)
    if (options?.background) timer.unref()
    return () => clearTimeout(timer)
  },
  turn: () => new Promise((resolve) => setImmediate(resolve)),
}

/** The real clock, chance and timers. */
export const systemPorts: Ports = { clock: systemClock, random: systemRandom, timers: systemTimers }

/** Waits. */
export const sleep = (
  timers: Timers,
  delayMs: number,
  options?: { readonly background?: boolean },
): Promise<void> =>
  new Promise((resolve) => {
    timers.after(delayMs, resolve, options)
  })

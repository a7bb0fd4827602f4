// What a worker can be told, and what it says of itself.

import { type ErrorCode, ReenactError } from '../runtime/core/errors.ts'

/** What a worker is doing. */
export type WorkerState =
  /** Another worker of this name has the turn, or it has just begun. */
  | 'waiting'
  | 'catching-up'
  /** It handled everything there was. */
  | 'live'
  | 'paused'
  /** Something failed that may pass; it tries again. */
  | 'retrying'
  /** It will not go on by itself: see the error. */
  | 'stopped'

/** What went wrong in a worker. */
export interface WorkerError {
  /** Of a `ReenactError`. */
  readonly code: ErrorCode | undefined
  /** The error's message. */
  readonly message: string
  /** ms since the epoch. */
  readonly at: number
  /** What was thrown. */
  readonly error: unknown
}

/** How projections are run. */
export interface WorkerOptions {
  /** Events in one transaction at most. Default 1,024. */
  readonly batchMax: number
  /** A transaction is also committed when its handlers took so long, ms. Default 200. */
  readonly batchMs: number
  /** What to do with an event whose handler keeps failing. Default `stop`. */
  readonly poison: 'stop' | 'park'
  /** How often a failing handler is tried. Default 3. */
  readonly attemptsMax: number
  /** How often a waiting worker asks for its turn, ms. Default 500. */
  readonly turnMs: number
}

const defaults: { -readonly [Name in keyof WorkerOptions]: WorkerOptions[Name] } = {
  batchMax: 1_024,
  batchMs: 200,
  poison: 'stop',
  attemptsMax: 3,
  turnMs: 500,
}

/** Fills in what is not given. Throws `InvalidOption`. */
export function readWorkerOptions(given: Partial<WorkerOptions>): WorkerOptions {
  const options = { ...defaults }
  for (const name of ['batchMax', 'batchMs', 'attemptsMax', 'turnMs'] as const) {
    const value = given[name] ?? options[name]
    if (!Number.isInteger(value) || value < 1 || value > 1_000_000) {
      throw invalid(name, value, 'give a whole number from 1 to 1,000,000')
    }
    options[name] = value
  }
  const { poison = options.poison } = given
  if (poison !== 'stop' && poison !== 'park')
    throw invalid('poison', poison, "give 'stop' or 'park'")
  return { ...options, poison }
}

const invalid = (option: string, value: unknown, fix: string): ReenactError =>
  new ReenactError('InvalidOption', `'${option}' is ${String(value)}: ${fix}.`, { option, fix })

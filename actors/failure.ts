// Why a posted command failed, and how often it is tried again.

import {
  type ErrorCode,
  isReenactError,
  messageOf,
  type ReenactError,
} from '../runtime/core/errors.ts'
import { exponential, type RetryPolicy } from '../runtime/core/retry-policy.ts'

/**
 * Classes of failures:
 * - `transient`: the same may succeed later: a full disk, other writers, no answer.
 * - `busy`: a queue was full.
 * - `permanent`: this command can never succeed: it fails its schema, or its id was used for another.
 * - `poison`: handling it fails: a guard throws, the actor's log cannot be replayed, or the process dies.
 */
export type FailureClass = 'transient' | 'busy' | 'permanent' | 'poison'

/** How often and when each class is tried again before the command is parked. */
export type RetryPolicies = Readonly<Record<FailureClass, RetryPolicy>>

/** An error as dead letters keep it. */
export interface FailureRecord {
  /** Of a `ReenactError`; else the name of the error. */
  readonly code: string
  /** What went wrong, in at most 8,192 characters. */
  readonly message: string
  /** Stack of the cause, or of the error where it has none; at most 8,192 characters. */
  readonly stack?: string
  /** The message of what caused it. */
  readonly cause?: string
}

export const retryDefaults: RetryPolicies = {
  transient: exponential({ delayMsMin: 100, delayMsMax: 10_000, attemptsMax: 12 }),
  busy: exponential({ delayMsMin: 50, delayMsMax: 2_000, attemptsMax: Number.POSITIVE_INFINITY }),
  permanent: { delayMs: () => null },
  poison: exponential({ delayMsMin: 100, delayMsMax: 1_000, attemptsMax: 3 }),
}

const classes: Partial<Record<ErrorCode, FailureClass>> = {
  Overloaded: 'busy',
  Conflict: 'transient',
  Timeout: 'transient',
  UnknownOutcome: 'transient',
  DiskFull: 'transient',
  StoreFailed: 'transient',
  StoreUnavailable: 'transient',
  WrongExpectedRevision: 'transient',
  InvalidCommand: 'permanent',
  InvalidPayload: 'permanent',
  InvalidOption: 'permanent',
  IdempotencyMismatch: 'permanent',
  OutOfOrder: 'permanent',
  TooFarAhead: 'permanent',
  TooLarge: 'permanent',
  StreamFull: 'permanent',
  StreamDeleted: 'permanent',
  HistoryTruncated: 'permanent',
}

/** The class of whatever was thrown. What nobody foresaw is a bug, so it is poison. */
export const classOf = (error: unknown): FailureClass =>
  (isReenactError(error) && classes[error.code]) || 'poison'

// Troubles of the store, which say nothing about a stream.
const passing: ReadonlySet<string> = new Set(['Closed', 'StoreFailed', 'StoreUnreadable'])

/** Whether it is the store that cannot be read, not one actor's log. */
export const isPassing = ({ code }: ReenactError): boolean => passing.has(code)

const stackMax = 8_192

/** An error as data. */
export function failureRecord(error: unknown): FailureRecord {
  const { cause = undefined } = error instanceof Error ? error : {}
  // What was thrown first shows the place to mend.
  const { stack = undefined } = cause instanceof Error ? cause : error instanceof Error ? error : {}
  return {
    code: isReenactError(error) ? error.code : error instanceof Error ? error.name : 'Error',
    message: messageOf(error).slice(0, stackMax),
    ...(stack === undefined ? {} : { stack: stack.slice(0, stackMax) }),
    ...(cause === undefined ? {} : { cause: messageOf(cause).slice(0, stackMax) }),
  }
}

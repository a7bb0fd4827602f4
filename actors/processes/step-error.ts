// Why a step did not succeed, as the machine of a process gets it.

import { messageOf } from '../../runtime/core/errors.ts'

/**
 * What `onError` receives as `event.error`. Plain data: it is part of the log.
 *
 * - `rejected`: the aggregate said no. Never retried.
 * - `failed`: the last attempt threw, or a `TerminalError` said that no further one can help.
 * - `timeout`: the last attempt took too long.
 * - `cancelled`: somebody ended it by `runtime.processes.cancel` with its `step`.
 */
export interface StepError {
  /** Why, in one word. */
  readonly kind: 'rejected' | 'failed' | 'timeout' | 'cancelled'
  /** Why, in a sentence. */
  readonly message: string
  /** Code of a `ReenactError`, or the error's name. */
  readonly code?: string
  /** Of a rejection: the reason that its `reject` action gave. */
  readonly reason?: string
  /** Of a rejection: details that its `reject` action gave. */
  readonly details?: unknown
  /** Of a rejection: the guards that refused, by name. */
  readonly guards?: readonly string[]
  /** Attempts that were made. */
  readonly attempts: number
}

/**
 * Whether a value, such as `event.error` of `onError`, is a {@link StepError}; with a kind, one of that kind.
 *
 * @example
 * ```ts
 * guards: { soldOut: ({ event }) => 'error' in event && isStepError(event.error, 'rejected') }
 * ```
 */
export function isStepError(error: unknown, kind?: StepError['kind']): error is StepError {
  const found = (error as { kind?: unknown } | null | undefined)?.kind
  const isOne = typeof found === 'string' && kinds.has(found)
  return isOne && (kind === undefined || found === kind)
}

const kinds: ReadonlySet<string> = new Set(['rejected', 'failed', 'timeout', 'cancelled'])

const mark = Symbol.for('reenact.terminal-error')

/**
 * Thrown by an activity when no further attempt can help, and when it is certain that it had no effect.
 *
 * @example
 * ```ts
 * activity(async ({ input }) => {
 *   if (input.card === '') throw new TerminalError('there is no card')
 * })
 * ```
 */
export class TerminalError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'TerminalError'
    Object.defineProperty(this, mark, { value: true })
  }
}

/** Whether whatever was thrown is a {@link TerminalError} of any copy of the package. */
export const isTerminalError = (error: unknown): error is TerminalError =>
  error instanceof Error && mark in error

/** An error as steps keep it: what was thrown, without its stack. */
export const textOfError = (error: unknown): string => messageOf(error).slice(0, 2_048)

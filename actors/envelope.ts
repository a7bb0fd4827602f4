// A command on its way through an actor, and the promise of its outcome.

import type { Timers } from '../runtime/core/clock.ts'
import { ReenactError } from '../runtime/core/errors.ts'
import type { CheckedCommand } from './command.ts'
import type { RawOutcome } from './outcome.ts'

/** One waiting command. It is settled exactly once. */
export class Envelope {
  readonly checked: CheckedCommand
  readonly outcome: Promise<RawOutcome>
  /** Set when deciding begins: from then on giving up means the outcome is unknown. */
  begun = false
  #settled = false
  #resolve: (outcome: RawOutcome) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  #release: (() => void) | undefined

  constructor(checked: CheckedCommand) {
    this.checked = checked
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get settled(): boolean {
    return this.#settled
  }

  /** Gives up after a time or on a signal; `leave` takes a command that was not begun out of the queue. */
  limit(timers: Timers, actor: string, timeoutMs: number, leave: () => void): void {
    const { signal } = this.checked.options
    const giveUp = (notBegun: () => ReenactError) => {
      if (this.#settled) return
      this.fail(this.begun ? this.unknown(actor) : notBegun())
      leave()
    }
    const cancel = Number.isFinite(timeoutMs)
      ? timers.after(timeoutMs, () => giveUp(() => timedOut(actor, timeoutMs)))
      : () => {}
    const abort = () => giveUp(() => aborted(actor))
    signal?.addEventListener('abort', abort, { once: true })
    this.#release = () => {
      cancel()
      signal?.removeEventListener('abort', abort)
    }
    if (signal?.aborted) abort()
  }

  succeed(outcome: RawOutcome): void {
    if (this.#settle()) this.#resolve(outcome)
  }

  fail(error: unknown): void {
    if (this.#settle()) this.#reject(error)
  }

  /** What the caller hears when the answer is not known. */
  unknown(actor: string, cause?: unknown): ReenactError {
    const { commandId } = this.checked
    return new ReenactError(
      'UnknownOutcome',
      `It is not known whether the command for ${actor} was applied. Send it again with commandId '${commandId}': it is applied at most once.`,
      { actor, commandId },
      cause,
    )
  }

  #settle(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#release?.()
    return true
  }
}

const timedOut = (actor: string, timeoutMs: number): ReenactError =>
  new ReenactError(
    'Timeout',
    `The command for ${actor} was not started within ${timeoutMs} ms. It was not applied; send it again.`,
    { actor, timeoutMs },
  )

const aborted = (actor: string): ReenactError =>
  new ReenactError(
    'Aborted',
    `The command for ${actor} was aborted before it started. It was not applied.`,
    {
      actor,
    },
  )

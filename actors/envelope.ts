// A command on its way through an actor, and whoever waits for its outcome.

import { ReenactError } from '../runtime/core/errors.ts'
import type { ActorDeps } from './actor-deps.ts'
import type { CheckedCommand } from './command.ts'
import type { Waiting } from './deadlines.ts'
import type { RawOutcome } from './outcome.ts'

/** The actor a command was sent to. */
interface Recipient {
  readonly stream: string
  /** Takes a command that was not begun out of the queue. */
  leave(envelope: Envelope): void
}

/** What waiting needs. */
type WaitDeps = Pick<ActorDeps, 'deadlines' | 'metrics' | 'limits'>

/** One waiting command. It is settled exactly once. */
export class Envelope implements Waiting {
  readonly checked: CheckedCommand
  /** Set when deciding begins: from then on giving up means the outcome is unknown. */
  begun = false
  dueMs = 0
  earlier: Waiting | undefined = undefined
  later: Waiting | undefined = undefined
  readonly #answer: (outcome: RawOutcome) => void
  readonly #refuse: (error: unknown) => void
  #settled = false
  #deps: WaitDeps | undefined
  #recipient: Recipient | undefined
  #timeoutMs = Number.POSITIVE_INFINITY
  #abort: (() => void) | undefined

  constructor(
    checked: CheckedCommand,
    answer: (outcome: RawOutcome) => void,
    refuse: (error: unknown) => void,
  ) {
    this.checked = checked
    this.#answer = answer
    this.#refuse = refuse
  }

  get settled(): boolean {
    return this.#settled
  }

  /** Waits for the outcome, so long as its options say. */
  wait(recipient: Recipient, deps: WaitDeps): void {
    const { timeoutMs = deps.limits.timeoutMs, signal } = this.checked.options
    this.#recipient = recipient
    this.#deps = deps
    this.#timeoutMs = timeoutMs
    deps.metrics.pending += 1
    if (timeoutMs !== Number.POSITIVE_INFINITY) deps.deadlines.begin(this, timeoutMs)
    if (!signal) return
    this.#abort = () => this.#giveUp(aborted(recipient.stream))
    signal.addEventListener('abort', this.#abort, { once: true })
    if (signal.aborted) this.#abort()
  }

  expire(): void {
    this.#giveUp(timedOut(this.#recipient?.stream ?? '', this.#timeoutMs))
  }

  succeed(outcome: RawOutcome): void {
    if (this.#settle()) this.#answer(outcome)
  }

  fail(error: unknown): void {
    if (this.#settle()) this.#refuse(error)
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

  #giveUp(notBegun: ReenactError): void {
    if (this.#settled || !this.#recipient) return
    if (this.#deps) this.#deps.metrics.failed += 1
    this.fail(this.begun ? this.unknown(this.#recipient.stream) : notBegun)
    this.#recipient.leave(this)
  }

  #settle(): boolean {
    if (this.#settled) return false
    this.#settled = true
    if (!this.#deps) return true
    this.#deps.metrics.pending -= 1
    if (this.#timeoutMs !== Number.POSITIVE_INFINITY) {
      this.#deps.deadlines.end(this, this.#timeoutMs)
    }
    if (this.#abort) this.checked.options.signal?.removeEventListener('abort', this.#abort)
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

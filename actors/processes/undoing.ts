// Undoing what a process did: the last first, each until it is done, what is unknown resolved before.

import { exponential, fullJitter } from '../../runtime/core/retry-policy.ts'
import { InFlight } from './in-flight.ts'
import type { Entry } from './process-entry.ts'
import type { ProcessInstance, Tell } from './process-instance.ts'
import { machineOf, type ProcessModel } from './process-model.ts'
import {
  compensation,
  type DoneStep,
  isHeld,
  type ProcessState,
  type StepState,
  undoOwed,
} from './process-state.ts'
import {
  type AttemptDeps,
  type AttemptResult,
  attemptStep,
  attemptUndo,
  never,
} from './step-attempt.ts'
import { type StepError, textOfError } from './step-error.ts'

/** Undoing is never given up; after so many attempts somebody is told. */
const alertAfter = 10
const backoff = exponential({
  delayMsMin: 1_000,
  delayMsMax: 60_000,
  attemptsMax: Number.POSITIVE_INFINITY,
})

/** What undoing needs of its process. */
export interface UndoingOf {
  readonly instance: ProcessInstance
  /** Tells it, and answers its state then. */
  readonly tell: (tell: Tell) => Promise<ProcessState | undefined>
  /** Resolves when no attempt of the step is under way. */
  readonly settled: (key: string) => Promise<void>
  readonly isStopping: () => boolean
}

/** The undoing of one process. */
export class Undoing {
  /** Not before; ms since the epoch. */
  retryAt = 0
  readonly #model: ProcessModel
  #active = false
  #attempts = 0
  #attempted = ''
  #urgedAt = 0
  /** What was refused: trying again gives the same answer. */
  #refused = ''

  constructor(model: ProcessModel) {
    this.#model = model
  }

  get active(): boolean {
    return this.#active
  }

  /** Whether there is anything to do, a compensation to end included. */
  owed(state: ProcessState): boolean {
    // What succeeds late is undone only where a compensation had begun.
    if (this.#active || !state.compensated) return false
    const { resolve, undo } = undoOwed(state)
    const next = resolve.at(-1)?.key ?? undo[0]?.step.key
    if (next === undefined) return compensation(state) !== undefined
    return next !== this.#refused || !state.stuck
  }

  /** Somebody wants it tried again now, with all its attempts. */
  heed({ urgedAt }: ProcessState): void {
    if (urgedAt === this.#urgedAt) return
    this.#urgedAt = urgedAt
    this.retryAt = 0
    this.#attempts = 0
  }

  begin(): boolean {
    if (this.#active) return false
    this.#active = true
    return true
  }

  end(): void {
    this.#active = false
  }

  /** Goes on until all is done or something has to be waited for. */
  async run(deps: AttemptDeps, of: UndoingOf): Promise<void> {
    for (let state = of.instance.state; state && !isHeld(state) && !of.isStopping(); ) {
      const { resolve, undo } = undoOwed(state)
      const unknown = resolve.at(-1)
      const [done] = undo
      const before = state
      if (unknown) {
        if (!(await this.#resolve(deps, of, state, unknown))) return
      } else if (done) {
        if (!(await this.#undo(deps, of, state, done))) return
      } else {
        await this.#finish(of, state)
        return
      }
      state = of.instance.state
      // Nothing could be written: it comes again.
      if (state === before) return
    }
  }

  async #finish({ tell }: UndoingOf, before: ProcessState): Promise<void> {
    const step = compensation(before)
    if (!step) return
    await tell((state): Entry | undefined => {
      // Something may have succeeded in the meantime.
      const { resolve, undo } = undoOwed(state)
      if (compensation(state)?.key !== step.key || resolve.length + undo.length > 0)
        return undefined
      return { type: 'reenact.StepCompleted', step: step.key, output: { undone: state.undone } }
    })
  }

  /** A command is sent again under its id: then it is definite. */
  async #resolve(deps: AttemptDeps, of: UndoingOf, state: ProcessState, step: StepState) {
    await of.settled(step.key)
    // What was under way may have told it.
    if (!of.instance.state?.unresolved.some(({ key }) => key === step.key)) return true
    const result = await attemptStep(deps, this.#attempt(of, state, step))
    if (result.outcome === 'closed') return false
    const happened = result.outcome === 'completed'
    if (!happened && result.unknown) return this.#again(of, step, result)
    const output = happened ? result.output : null
    await of.tell(({ unresolved }): Entry | undefined =>
      unresolved.some(({ key }) => key === step.key)
        ? { type: 'reenact.StepResolved', step: step.key, happened, output }
        : undefined,
    )
    return true
  }

  async #undo(deps: AttemptDeps, of: UndoingOf, state: ProcessState, done: DoneStep) {
    const { step } = done
    await of.settled(step.key)
    this.#count(state, step.key)
    const counted = { ...step, attempts: this.#attempts }
    const attempt = this.#attempt(of, state, counted)
    const result = await attemptUndo(deps, attempt, done).catch(thrown(counted))
    if (result.outcome === 'closed') return false
    if (result.outcome === 'failed') return this.#again(of, step, result)
    // Where it became known meanwhile that it had its effect, what was undone was perhaps nothing: it is undone again.
    await of.tell(({ undoable }): Entry | undefined =>
      undoable.some((one) => one.step.key === step.key && one.known === done.known)
        ? { type: 'reenact.StepUndone', step: step.key }
        : undefined,
    )
    this.#attempts = 0
    return true
  }

  #attempt({ instance }: UndoingOf, state: ProcessState, step: StepState) {
    return { stream: instance.stream, state, step, flight: new InFlight(), onLate: () => {} }
  }

  async #again(
    of: UndoingOf,
    { key }: StepState,
    { error, retry }: Extract<AttemptResult, { outcome: 'failed' }>,
  ): Promise<boolean> {
    if (of.instance.state) this.#count(of.instance.state, key)
    this.#attempts += 1
    const { clock, random } = of.instance.ports
    if (retry === never) {
      this.#refused = key
      return this.#stuck(of, key, error)
    }
    this.retryAt = clock.now() + fullJitter(random, backoff.delayMs(this.#attempts) ?? 0)
    if (this.#attempts >= alertAfter) return this.#stuck(of, key, error)
    const attempt = this.#attempts
    await of.tell((): Entry => ({ type: 'reenact.UndoAttemptFailed', step: key, attempt, error }))
    return false
  }

  /** Begins to count attempts at this step; those of workers before this one are in the log. */
  #count({ undoFailed }: ProcessState, key: string): void {
    if (this.#attempted === key) return
    this.#attempted = key
    this.#attempts = undoFailed?.step === key ? undoFailed.attempts : 0
  }

  /** No further attempt helps, or so it looks: said to the machine if it takes it, else shown until somebody acts. */
  async #stuck(of: UndoingOf, key: string, error: StepError): Promise<boolean> {
    await of.tell((state): Entry | undefined => {
      const step = compensation(state)
      if (step && state.snapshot && this.#refused === key) {
        const { invokeId } = step
        const event = { type: `xstate.error.actor.${invokeId}`, error, actorId: invokeId }
        const machine = machineOf(this.#model, state.id, state.version)
        if (machine.takes(state.snapshot, event)) {
          return { type: 'reenact.StepFailed', step: step.key, error, unknown: false }
        }
      }
      if (state.stuck) return undefined
      const warning = `Compensation of ${of.instance.stream} does not get on: ${error.message}`
      process.emitWarning(warning, { code: 'REENACT_COMPENSATION_STUCK' })
      return { type: 'reenact.CompensationStuck', step: key, attempts: this.#attempts, error }
    })
    return false
  }
}

/** The function that makes the undo threw: trying again gives the same. */
const thrown =
  (step: StepState) =>
  (error: unknown): AttemptResult => ({
    outcome: 'failed',
    error: { kind: 'failed', message: textOfError(error), attempts: step.attempts + 1 },
    unknown: true,
    retry: never,
  })

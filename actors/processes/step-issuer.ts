// Attempts of steps and undoings: so many at a time, each told to its process when it is over.

import { fullJitter } from '../../runtime/core/retry-policy.ts'
import { Isolation } from '../isolation.ts'
import { Dependencies } from './dependency.ts'
import { InFlight } from './in-flight.ts'
import type { Entry } from './process-entry.ts'
import type { ProcessInstance, Tell } from './process-instance.ts'
import type { ProcessMetrics } from './process-metrics.ts'
import { isHeld, liveStep, type ProcessState, type StepState } from './process-state.ts'
import { type AttemptDeps, type AttemptResult, attemptStep } from './step-attempt.ts'
import { delayOf } from './step-options.ts'
import type { Undoing } from './undoing.ts'

/** A process in memory. */
export interface Resident {
  readonly instance: ProcessInstance
  /** Attempts by step. */
  readonly inFlight: Map<string, InFlight>
  /** Steps that wait for their dependency: until when. */
  heldBack: Map<string, number> | undefined
  readonly undoing: Undoing
  /** The store did not do what it should: nothing is begun before. */
  notBefore: number
  /** It cannot be replayed: it stands still, the others go on. */
  fault: unknown
}

/** An attempt of a step, or an undoing, that waits for its turn. */
interface Work {
  readonly resident: Resident
  readonly attempt: { readonly step: StepState; readonly flight: InFlight } | 'undo'
}

/** What issuing needs. */
export interface IssuerOptions {
  readonly deps: AttemptDeps
  /** Attempts at the same time. */
  readonly concurrency: number
  readonly metrics: ProcessMetrics
  /** Tells a process. What cannot be told now is owed still and comes again. */
  readonly tell: (id: string, tell: Tell) => Promise<void>
  /** Something is over: there may be more to do. */
  readonly pump: (resident: Resident) => void
}

/** Crashes with a step under way after which it is attempted alone: it may be what causes them. */
const suspectAfter = 2
/** Crashes after which it is not attempted any more. */
const interruptedMax = 5

export const isSuspect = ({ interrupted }: StepState): boolean => interrupted >= suspectAfter

/** Counts a crash with the step under way; of a suspect before it is attempted. */
export const interrupted =
  ({ key }: StepState): Tell =>
  (state) => {
    const live = liveStep(state, key)
    if (!live || isHeld(state)) return undefined
    return { type: 'reenact.StepInterrupted', step: key, attempt: live.interrupted + 1 }
  }

/** Issues what processes owe. */
export class StepIssuer {
  readonly #options: IssuerOptions
  readonly #deps: AttemptDeps
  readonly #dependencies: Dependencies
  readonly #isolation = new Isolation()
  readonly #ready: Work[] = []
  #waiting: (() => void)[] = []
  #running = 0
  #stopping = false
  #idle: (() => void) | undefined

  constructor(options: IssuerOptions) {
    this.#options = options
    this.#deps = options.deps
    this.#dependencies = new Dependencies(options.deps.directory.deps.ports.clock)
  }

  /** Attempts that wait for their turn. */
  get backlog(): number {
    return this.#ready.length
  }

  /** Resolves when fewer attempts wait than may run at the same time. */
  room(): Promise<void> | undefined {
    if (this.#ready.length < this.#options.concurrency || this.#stopping) return undefined
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Begins nothing more. Resolves when what has begun is over. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#ready.length = 0
    this.#letIn()
    if (this.#running === 0) return
    await new Promise<void>((resolve) => {
      this.#idle = resolve
    })
  }

  /** Begins an attempt of a step as soon as there is room. */
  begin(resident: Resident, step: StepState): void {
    const flight = new InFlight()
    resident.inFlight.set(step.key, flight)
    this.#ready.push({ resident, attempt: { step, flight } })
    this.#work()
  }

  async #attempt(resident: Resident, given: StepState, flight: InFlight): Promise<void> {
    try {
      const step = this.#admitted(resident, given, flight)
      // Whoever begins it is not done yet with looking at what else is owed.
      if (!step) return await undefined
      const result =
        step.interrupted >= interruptedMax
          ? killed(step)
          : await this.#attemptNow(resident, step, flight)
      await this.#settle(resident, step, result)
    } finally {
      resident.inFlight.delete(given.key)
      flight.end()
      this.#options.pump(resident)
      this.#over()
    }
  }

  /** The step as it is now; `undefined`: it is not to be attempted, or not yet. */
  #admitted(resident: Resident, { key }: StepState, flight: InFlight): StepState | undefined {
    const { state } = resident.instance
    const step = state && liveStep(state, key)
    if (!step || flight.aborted || isHeld(state)) return undefined
    if (step.interrupted >= interruptedMax) return step
    const dependency = this.#dependencies.get(step.definition.options.dependency)
    const waitMs = dependency?.admit(step.attempts > 0) ?? 0
    if (waitMs === 0) {
      resident.heldBack?.delete(key)
      return step
    }
    resident.heldBack ??= new Map()
    resident.heldBack.set(key, this.#deps.directory.deps.ports.clock.now() + waitMs)
    return undefined
  }

  async #attemptNow(resident: Resident, step: StepState, flight: InFlight): Promise<AttemptResult> {
    const { state, stream, id } = resident.instance
    this.#options.metrics.attempts += 1
    const onLate = (output: unknown) => void this.#options.tell(id, completed(step, output))
    const suspect = isSuspect(step)
    const waiting = this.#isolation.enter(suspect)
    if (waiting !== undefined) await waiting
    let result: AttemptResult
    try {
      const attempt = { stream, state: state as ProcessState, step, flight, onLate }
      result = suspect
        ? await this.#attemptSuspect(resident, step, () => attemptStep(this.#deps, attempt))
        : await attemptStep(this.#deps, attempt)
    } finally {
      this.#isolation.leave()
    }
    flight.answered()
    const dependency = this.#dependencies.get(step.definition.options.dependency)
    if (!dependency || result.outcome === 'closed') return result
    // What is definite is an answer, whatever it says.
    if (result.outcome === 'completed' || !result.unknown) dependency.succeeded()
    else dependency.failed()
    return result
  }

  /** Counted before the attempt: should this end the process, nothing else is to blame. */
  async #attemptSuspect(
    { instance }: Resident,
    step: StepState,
    attempt: () => Promise<AttemptResult>,
  ): Promise<AttemptResult> {
    await this.#options.tell(instance.id, interrupted(step))
    const { state } = instance
    const counted = state && liveStep(state, step.key)
    // Held or left in the meantime, or it could not be written: it comes again.
    if (!counted || counted.interrupted <= step.interrupted) return { outcome: 'closed' }
    return attempt()
  }

  #settle(
    { instance }: Resident,
    step: StepState,
    result: AttemptResult,
  ): Promise<void> | undefined {
    if (result.outcome === 'closed') return undefined
    const { metrics } = this.#options
    if (result.outcome === 'completed') {
      metrics.completed += 1
      return this.#options.tell(instance.id, completed(step, result.output))
    }
    const { error, unknown, retry } = result
    const delayMs = delayOf(step.name, retry, step.attempts + 1)
    return this.#options.tell(instance.id, (state): Entry | undefined => {
      const { key } = step
      const isLive = liveStep(state, key) !== undefined
      if (isLive && delayMs !== null) {
        metrics.retried += 1
        const { random } = this.#deps.directory.deps.ports
        const retryAt = this.#deps.directory.deps.ports.clock.now() + fullJitter(random, delayMs)
        return {
          type: 'reenact.StepAttemptFailed',
          step: key,
          attempt: step.attempts + 1,
          error,
          retryAt,
        }
      }
      // Of what nobody waits for, only a definite answer is worth keeping.
      if (!isLive && (unknown || !isOpen(state, key))) return undefined
      metrics.failed += 1
      return { type: 'reenact.StepFailed', step: key, error, unknown }
    })
  }

  /** Begins undoing as soon as there is room. */
  undo(resident: Resident): void {
    if (!resident.undoing.begin()) return
    this.#ready.push({ resident, attempt: 'undo' })
    this.#work()
  }

  async #undo(resident: Resident): Promise<void> {
    const { undoing, instance, inFlight } = resident
    const tell = async (make: Tell) => {
      await this.#options.tell(instance.id, make)
      return instance.state
    }
    const settled = async (key: string) => inFlight.get(key)?.whenOver()
    try {
      await undoing.run(this.#deps, { instance, tell, settled, isStopping: () => this.#stopping })
    } finally {
      undoing.end()
      this.#options.pump(resident)
      this.#over()
    }
  }

  #letIn(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  #work(): void {
    while (this.#running < this.#options.concurrency && !this.#stopping) {
      const work = this.#ready.shift()
      if (this.#ready.length < this.#options.concurrency) this.#letIn()
      if (!work) return
      this.#running += 1
      const { resident, attempt } = work
      if (attempt === 'undo') void this.#undo(resident)
      else void this.#attempt(resident, attempt.step, attempt.flight)
    }
  }

  #over(): void {
    this.#running -= 1
    if (this.#stopping && this.#running === 0) this.#idle?.()
    this.#work()
  }
}

/** Whether anybody still wants to know what became of a step. */
const isOpen = ({ unresolved, undoable, undoneUnknown }: ProcessState, wanted: string): boolean =>
  unresolved.some(({ key }) => key === wanted) ||
  undoneUnknown.some(({ key }) => key === wanted) ||
  undoable.some(({ step, known }) => step.key === wanted && !known)

const completed =
  ({ key }: StepState, output: unknown): Tell =>
  (state) =>
    liveStep(state, key) || isOpen(state, key)
      ? { type: 'reenact.StepCompleted', step: key, output }
      : undefined

const killed = ({ name, interrupted, attempts }: StepState): AttemptResult => ({
  outcome: 'failed',
  error: {
    kind: 'failed',
    message: `The process ended ${interrupted} times while step '${name}' was under way.`,
    code: 'Interrupted',
    attempts,
  },
  unknown: true,
  retry: { delayMs: () => null },
})

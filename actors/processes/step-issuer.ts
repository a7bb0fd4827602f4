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
import type { Undoing } from './undoing.ts'

/** A process in memory. */
export interface Resident {
  readonly instance: ProcessInstance
  /** Attempts by step. */
  readonly inFlight: Map<string, InFlight>
  /** Steps that wait for their dependency: until when. */
  readonly heldBack: Map<string, number>
  readonly undoing: Undoing
  /** The store did not do what it should: nothing is begun before. */
  notBefore: number
  /** It cannot be replayed: it stands still, the others go on. */
  fault: unknown
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
  readonly #ready: (() => Promise<void>)[] = []
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
    this.#enqueue(async () => {
      try {
        await this.#attempt(resident, step, flight)
      } finally {
        resident.inFlight.delete(step.key)
        flight.end()
        this.#options.pump(resident)
      }
    })
  }

  async #attempt(resident: Resident, given: StepState, flight: InFlight): Promise<void> {
    const { state, stream, id } = resident.instance
    const step = state && liveStep(state, given.key)
    if (!step || flight.aborted || isHeld(state)) return
    if (step.interrupted >= interruptedMax) {
      await this.#settle(resident, step, killed(step))
      return
    }
    const dependency = this.#dependencies.get(step.definition.options.dependency)
    const waitMs = dependency?.admit(step.attempts > 0) ?? 0
    if (waitMs > 0) {
      resident.heldBack.set(step.key, this.#deps.directory.deps.ports.clock.now() + waitMs)
      return
    }
    resident.heldBack.delete(step.key)
    this.#options.metrics.attempts += 1
    const onLate = (output: unknown) => void this.#options.tell(id, completed(step, output))
    const attempt = () => attemptStep(this.#deps, { stream, state, step, flight, onLate })
    const result = await (isSuspect(step)
      ? this.#isolation.alone(() => this.#attemptSuspect(resident, step, attempt))
      : this.#isolation.beside(attempt))
    flight.answered()
    if (result.outcome === 'closed') return
    if (result.outcome === 'completed' || result.error.kind === 'rejected') dependency?.succeeded()
    else dependency?.failed()
    await this.#settle(resident, step, result)
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

  async #settle({ instance }: Resident, step: StepState, result: AttemptResult): Promise<void> {
    if (result.outcome === 'closed') return
    const { metrics } = this.#options
    if (result.outcome === 'completed') {
      metrics.completed += 1
      await this.#options.tell(instance.id, completed(step, result.output))
      return
    }
    const { error, unknown, retry } = result
    const delayMs = retry.delayMs(step.attempts + 1)
    await this.#options.tell(instance.id, (state): Entry | undefined => {
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
    const { undoing, instance } = resident
    if (!undoing.begin()) return
    this.#enqueue(async () => {
      const tell = async (make: Tell) => {
        await this.#options.tell(instance.id, make)
        return instance.state
      }
      const settled = async (key: string) => resident.inFlight.get(key)?.whenOver()
      try {
        await undoing.run(this.#deps, { instance, tell, settled, isStopping: () => this.#stopping })
      } finally {
        undoing.end()
        this.#options.pump(resident)
      }
    })
  }

  #enqueue(work: () => Promise<void>): void {
    this.#ready.push(work)
    this.#work()
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
      void work().finally(() => {
        this.#running -= 1
        if (this.#stopping && this.#running === 0) this.#idle?.()
        this.#work()
      })
    }
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

// The processes of one worker: issues what they owe, and tells them what came of it.

import { isReenactError, messageOf } from '../../runtime/core/errors.ts'
import type { InFlight } from './in-flight.ts'
import { faults } from './process-errors.ts'
import { ProcessInstance, type Tell } from './process-instance.ts'
import type { ProcessMetrics } from './process-metrics.ts'
import type { ProcessModel } from './process-model.ts'
import { isEnded, isHeld, liveStep, owesUndoing, type ProcessState } from './process-state.ts'
import type { AttemptDeps } from './step-attempt.ts'
import { interrupted, isSuspect, type Resident, StepIssuer } from './step-issuer.ts'
import { Undoing } from './undoing.ts'
import { type WakeLimits, WakeQueue } from './wake-queue.ts'

/** What running processes needs. */
export interface RunnerDeps extends AttemptDeps {
  readonly model: ProcessModel
  /** Attempts at the same time. */
  readonly concurrency: number
  /** How many timers fire at once. */
  readonly wakes: WakeLimits
  readonly metrics: ProcessMetrics
}

const residentMax = 10_000
/** The store did not do what it should: try again after so long. */
const againMs = 1_000

/** Runs processes of one kind. */
export class ProcessRunner {
  /** Processes that have not ended. */
  readonly open = new Set<string>()
  /** Processes that have ended, and something they did has to be undone still. */
  readonly owing = new Set<string>()
  /** Open ones that need somebody. */
  readonly parked = new Set<string>()
  readonly #deps: RunnerDeps
  readonly #wakes: WakeQueue
  readonly #issuer: StepIssuer
  // In order of use: the first is the least recently used.
  readonly #residents = new Map<string, Resident>()
  #stopping = false

  constructor(deps: RunnerDeps) {
    this.#deps = deps
    const { ports } = deps.directory.deps
    const tell = (id: string, make: Tell) => this.#try(id, make)
    const pump = (resident: Resident) => this.pump(resident)
    this.#issuer = new StepIssuer({ ...deps, deps, tell, pump })
    this.#wakes = new WakeQueue(ports, deps.wakes, (id) => void this.wake(id))
  }

  /** Attempts that wait for their turn. */
  get backlog(): number {
    return this.#issuer.backlog
  }

  /** Resolves when few attempts wait for their turn: there is room for more processes. */
  room(): Promise<void> | undefined {
    return this.#issuer.room()
  }

  get residents(): number {
    return this.#residents.size
  }

  /** Tells a process something, then has it do what it owes. */
  async tell(id: string, tell: Tell): Promise<ProcessState> {
    const resident = this.#resident(id)
    try {
      const state = await resident.instance.tell(tell)
      this.#told(resident)
      return state
    } catch (error) {
      this.#failed(resident, error)
      throw error
    }
  }

  #told(resident: Resident): void {
    const { id, revision } = resident.instance
    if (revision === -1) this.#residents.delete(id)
    else this.pump(resident)
  }

  /** Reads a process anew: somebody else wrote to it. */
  async refresh(id: string, revision: number): Promise<void> {
    const known = this.#residents.get(id)
    if (known && known.instance.revision >= revision) return
    known?.instance.outdated()
    this.open.add(id)
    await this.wake(id)
  }

  /**
   * Reads a process after a restart. What was under way in a crash counts as interrupted; a suspect is counted where it is
   * attempted, so that of all of them only the one that kills is counted on.
   */
  async recover(id: string, afterCrash: boolean): Promise<void> {
    const state = await this.#peek(id)
    // What cannot be read now stays open: it is neither lost nor over.
    if (!state) return
    if (isEnded(state)) this.open.delete(id)
    if (state.startedAt === 0 || (isEnded(state) && !owesUndoing(state))) {
      this.#forget(id)
      return
    }
    if (state.held.length > 0 && !isHeld(state)) {
      const act = { by: 'reenact', reason: 'it can be replayed again' }
      await this.#try(id, () => ({ type: 'reenact.ProcessResumed', ...act }))
    }
    const nowMs = this.#now()
    for (const step of afterCrash && !isHeld(state) ? state.steps.values() : []) {
      if (step.definition.kind === 'compensate' || step.retryAt > nowMs) continue
      if (!isSuspect(step)) await this.#try(id, interrupted(step))
    }
    // Its timers, however late, wait for their turn among all that are due.
    const resident = this.#residents.get(id)
    if (resident) this.pump(resident)
  }

  /** Fires what is due and does what is owed. */
  async wake(id: string): Promise<void> {
    if (this.#stopping) return
    const state = await this.#peek(id)
    const nowMs = this.#now()
    const due = state && !isHeld(state) ? [...state.timers.values()] : []
    due.sort((a, b) => a.dueAt - b.dueAt)
    for (const { key, dueAt } of due) {
      if (dueAt > nowMs) break
      this.#deps.metrics.timersFired += 1
      await this.#try(id, (now) =>
        now.timers.has(key) && !isHeld(now)
          ? { type: 'reenact.TimerFired', timer: key }
          : undefined,
      )
    }
    const resident = this.#residents.get(id)
    if (resident) this.pump(resident)
  }

  /** Begins nothing more and waits for what has begun. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#wakes.stop()
    await this.#issuer.stop()
  }

  /** Begins nothing more and waits for nothing: another worker took over, or time is up. */
  abort(): void {
    this.#stopping = true
    this.#wakes.stop()
    void this.#issuer.stop()
    for (const { inFlight } of this.#residents.values()) {
      for (const flight of inFlight.values()) flight.abort()
    }
  }

  /** Issues what a process owes and was not issued yet. */
  pump(resident: Resident): void {
    const { instance, inFlight, undoing } = resident
    const { state } = instance
    if (!state || this.#stopping || resident.fault) return
    if (inFlight.size > 0) {
      for (const [key, flight] of inFlight) if (!liveStep(state, key)) flight.abort()
    }
    if (!isEnded(state)) this.open.add(instance.id)
    else if (this.open.delete(instance.id)) this.#deps.metrics.ended += 1
    if (isEnded(state) && owesUndoing(state)) this.owing.add(instance.id)
    else if (this.owing.size > 0) this.owing.delete(instance.id)
    if (state.parked || state.stuck) this.parked.add(instance.id)
    else if (this.parked.size > 0) this.parked.delete(instance.id)
    const nowMs = this.#now()
    let wakeAt = Number.POSITIVE_INFINITY
    if (resident.notBefore > nowMs) wakeAt = resident.notBefore
    else if (!isHeld(state)) {
      for (const step of state.steps.values()) {
        if (step.definition.kind === 'compensate' || inFlight.has(step.key)) continue
        const notBefore = Math.max(step.retryAt, resident.heldBack?.get(step.key) ?? 0)
        if (notBefore > nowMs) wakeAt = Math.min(wakeAt, notBefore)
        else this.#issuer.begin(resident, step)
      }
      for (const { dueAt } of state.timers.values()) wakeAt = Math.min(wakeAt, dueAt)
      undoing.heed(state)
      if (undoing.retryAt > nowMs) wakeAt = Math.min(wakeAt, undoing.retryAt)
      else if (undoing.owed(state)) this.#issuer.undo(resident)
    }
    this.#wakes.set(instance.id, wakeAt)
    this.#forgetIfOver(resident, state)
  }

  /** Tells; what cannot be told now is owed still and comes again. */
  async #try(id: string, tell: Tell): Promise<void> {
    const resident = this.#resident(id)
    try {
      await resident.instance.tell(tell)
      this.#told(resident)
    } catch (error) {
      this.#failed(resident, error)
    }
  }

  async #peek(id: string): Promise<ProcessState | undefined> {
    const resident = this.#resident(id)
    if (resident.fault) return undefined
    try {
      return await resident.instance.tell(() => undefined)
    } catch (error) {
      this.#failed(resident, error)
      return undefined
    }
  }

  #failed(resident: Resident, error: unknown): void {
    if (this.#stopping || isReenactError(error, 'Closed')) return
    const { id } = resident.instance
    // Somebody deleted it: it is over. What still comes for it becomes a dead letter.
    if (isReenactError(error, 'StreamDeleted')) {
      this.#forget(id)
      return
    }
    const isFault = isReenactError(error) && faults.has(error.code)
    if (!isFault) {
      resident.notBefore = this.#now() + againMs
      this.#wakes.set(id, resident.notBefore)
      return
    }
    if (!resident.fault) {
      process.emitWarning(`${messageOf(error)}`, { code: 'REENACT_PROCESS' })
    }
    resident.fault = error
    this.parked.add(id)
    this.#wakes.set(id, Number.POSITIVE_INFINITY)
  }

  #resident(id: string): Resident {
    let resident = this.#residents.get(id)
    if (resident) this.#residents.delete(id)
    else {
      this.#makeRoom()
      const instance = new ProcessInstance(this.#deps.directory.deps, this.#deps.model, id)
      const undoing = new Undoing(this.#deps.model)
      const inFlight = new Map<string, InFlight>()
      resident = {
        instance,
        inFlight,
        heldBack: undefined,
        undoing,
        notBefore: 0,
        fault: undefined,
      }
    }
    this.#residents.set(id, resident)
    return resident
  }

  #makeRoom(): void {
    if (this.#residents.size < residentMax) return
    let looked = 0
    for (const [id, { instance, inFlight, undoing }] of this.#residents) {
      looked += 1
      if (inFlight.size === 0 && instance.idle && !undoing.active) {
        this.#residents.delete(id)
        return
      }
      if (looked === 64) return // All of these are busy: there may be a few more than wanted.
    }
  }

  #forgetIfOver({ instance, inFlight, undoing }: Resident, state: ProcessState): void {
    const isOver = isEnded(state) && inFlight.size === 0 && !undoing.active && !undoing.owed(state)
    if (isOver) this.#forget(instance.id)
  }

  #forget(id: string): void {
    this.open.delete(id)
    this.owing.delete(id)
    this.parked.delete(id)
    this.#residents.delete(id)
    this.#wakes.set(id, Number.POSITIVE_INFINITY)
  }

  #now(): number {
    return this.#deps.directory.deps.ports.clock.now()
  }
}

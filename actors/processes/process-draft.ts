// The next state of a process in the making: what the machine is given, and what it calls for.

import type { AnyMachineSnapshot, EventObject } from 'xstate'
import { decode, encode, type JsonObject, settled } from '../../runtime/codec/codec.ts'
import { ReenactError } from '../../runtime/core/errors.ts'
import type { InputEntry } from './process-entry.ts'
import type { Effect, Moved } from './process-machine.ts'
import { machineOf, type ProcessModel } from './process-model.ts'
import {
  deadlineTimer,
  isEnded,
  isLate,
  liveStep,
  type ProcessState,
  type StepState,
  type TimerState,
} from './process-state.ts'
import type { StepDefinition } from './step-logic.ts'

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** Where an entry is: its own revision in the stream, and its time. */
export interface EntryPlace {
  readonly revision: number
  readonly time: number
}

/** A copy of a state that one entry changes. */
export class ProcessDraft {
  readonly model: ProcessModel
  readonly at: EntryPlace
  readonly state: Mutable<ProcessState>
  readonly steps: Map<string, StepState>
  /** Domain events of the process itself. */
  readonly emitted: (JsonObject & { type: string })[] = []
  readonly #prefix: string
  readonly #before: ProcessState['timers']
  #timers: Map<string, TimerState> | undefined
  /** Of the input that is fed. */
  #hops = 0
  #delays = 0

  constructor(model: ProcessModel, before: ProcessState, at: EntryPlace) {
    this.model = model
    this.at = at
    this.#prefix = `${at.revision}/`
    this.steps = new Map(before.steps)
    this.#before = before.timers
    this.state = { ...before, time: at.time, steps: this.steps }
    if (before.startedAt === 0) this.state.startedAt = at.time
  }

  /** Whether timers were looked at to be changed. */
  get changedTimers(): boolean {
    return this.#timers !== undefined
  }

  /** Timers to be changed: copied when they are first asked for, since most entries change none. */
  get timers(): Map<string, TimerState> {
    this.#timers ??= new Map(this.#before)
    this.state.timers = this.#timers
    return this.#timers
  }

  /** Whether this entry began a step or a timer. */
  isNew(key: string): boolean {
    return key.startsWith(this.#prefix)
  }

  /** Remembers what came last, so that it is taken once. */
  seen(entry: InputEntry): void {
    const state = this.state
    if (entry.type !== 'reenact.Triggered') return
    if (state.correlationId === '') state.correlationId = entry.correlationId
    if (entry.position === null) return
    state.lastTrigger = Math.max(state.lastTrigger, entry.position)
  }

  /** What became of a step that nobody waits for any more. */
  late(entry: Extract<InputEntry, { step: string }>): void {
    const state = this.state
    const found =
      state.unresolved.find(({ key }) => key === entry.step) ??
      state.undoable.find(({ step, known }) => step.key === entry.step && !known)?.step ??
      state.undoneUnknown.find(({ key }) => key === entry.step)
    if (!found || (entry.type === 'reenact.StepFailed' && entry.unknown)) return
    state.unresolved = state.unresolved.filter((step) => step !== found)
    state.undoneUnknown = state.undoneUnknown.filter((step) => step !== found)
    state.undoable = state.undoable.filter(({ step }) => step !== found)
    if (entry.type === 'reenact.StepFailed') return
    this.succeeded(found, entry.output)
  }

  /** A step that nobody waits for had its effect. What began after the last compensation waits for the next one. */
  succeeded(step: StepState, output: unknown): void {
    this.completed(step, { output, known: true, late: isLate(this.state, step) })
  }

  /** Gives an input to the machine. `false`, and nothing changed: nothing takes this failure. */
  feed(entry: InputEntry): boolean {
    const state = this.state
    this.seen(entry)
    const event = this.#eventOf(entry)
    this.#hops = this.#hopsOf(entry)
    if (!event || isEnded(state)) return true
    if (state.status === 'cancelling') {
      this.over(entry)
      return true
    }
    if (!state.snapshot && entry.type === 'reenact.Triggered') state.version = entry.machine ?? 1
    const machine = machineOf(this.model, state.id, state.version)
    const isDeadline = entry.type === 'reenact.TimerFired' && entry.timer === deadlineTimer
    const mustBeTaken = entry.type === 'reenact.StepFailed' || isDeadline
    if (mustBeTaken && state.snapshot && !machine.takes(state.snapshot, event)) return false
    this.over(entry)
    let { snapshot } = state
    if (!snapshot) {
      snapshot = this.#take(machine.begin({ id: state.id, event }))
      const dueAt = this.at.time + this.model.deadlineMs
      const deadline = { type: 'reenact.deadline' }
      this.timers.set(deadlineTimer, { key: deadlineTimer, id: undefined, event: deadline, dueAt })
    }
    if (snapshot.status === 'active') this.#take(machine.next(snapshot, event))
    return true
  }

  /** The event the machine takes. `undefined`: what began it is over. */
  #eventOf(entry: InputEntry): EventObject | undefined {
    if (entry.type === 'reenact.Triggered') return entry.event
    if (entry.type === 'reenact.TimerFired') return this.state.timers.get(entry.timer)?.event
    const actorId = liveStep(this.state, entry.step)?.invokeId
    if (actorId === undefined) return undefined
    const event =
      entry.type === 'reenact.StepFailed'
        ? { type: `xstate.error.actor.${actorId}`, error: entry.error, actorId }
        : { type: `xstate.done.actor.${actorId}`, output: entry.output, actorId }
    return event
  }

  #hopsOf(entry: InputEntry): number {
    if (entry.type === 'reenact.Triggered') return entry.hops ?? 0
    return ('step' in entry && liveStep(this.state, entry.step)?.hops) || 0
  }

  /** What the input is the end of is live no more. */
  over(entry: InputEntry): void {
    if (entry.type === 'reenact.Triggered') return
    if (entry.type === 'reenact.TimerFired') {
      this.timers.delete(entry.timer)
      return
    }
    const step = liveStep(this.state, entry.step)
    if (!step) return
    this.steps.delete(step.invokeId)
    if (entry.type === 'reenact.StepCompleted') {
      this.completed(step, { output: entry.output, known: true })
    } else if (entry.unknown) this.leave(step)
  }

  #take({ snapshot, effects }: Moved): AnyMachineSnapshot {
    this.state.snapshot = snapshot
    for (const effect of effects) this.#effect(effect)
    return snapshot
  }

  #effect(effect: Effect): void {
    switch (effect.kind) {
      case 'invoke':
        this.request(effect.id, effect.name, effect.step, effect.input)
        return
      case 'stop': {
        const step = this.steps.get(effect.id)
        this.steps.delete(effect.id)
        if (step) this.leave(step)
        return
      }
      case 'delay': {
        const { id, event, delayMs } = effect
        if (id !== undefined) this.#cancelTimer(id)
        const key = `${this.at.revision}/${this.#delays}`
        this.#delays += 1
        this.timers.set(key, { key, id, event, dueAt: this.at.time + delayMs })
        return
      }
      case 'cancel':
        this.#cancelTimer(effect.id)
        return
      case 'emit':
        this.emitted.push(this.#domainEvent(effect.event))
    }
  }

  /** Begins a step. */
  request(invokeId: string, name: string, step: StepDefinition, given: unknown): void {
    const { revision, time } = this.at
    this.steps.set(invokeId, {
      key: `${revision}/${invokeId}`,
      invokeId,
      name,
      definition: step,
      input: settled(given, `The input of step '${name}'`),
      requestedAt: time,
      hops: this.#hops,
      attempts: 0,
      interrupted: 0,
      retryAt: 0,
      error: undefined,
    })
    if (step.kind !== 'compensate') return
    this.state.compensated = true
    this.state.compensatedAt = revision
  }

  /** A step is left without an outcome. What was never begun has none to wait for. */
  leave(step: StepState): void {
    const isConfirm = step.definition.kind === 'command' && step.definition.confirms
    if ((!step.definition.undo && !isConfirm) || this.isNew(step.key)) return
    if (step.definition.kind === 'activity') {
      this.completed(step, { output: undefined, known: false })
    } else this.state.unresolved = [...this.state.unresolved, step]
  }

  /** A step had its effect: from now on it can be undone. */
  completed(
    step: StepState,
    done: { readonly output: unknown; readonly known: boolean; readonly late?: boolean },
  ): void {
    const { definition } = step
    if (definition.kind === 'command' && definition.confirms) {
      this.#confirm(definition.confirms.tried, step.input)
    }
    if (!definition.undo) return
    const others = this.state.undoable.filter((one) => one.step.key !== step.key)
    this.state.undoable = [...others, { step, late: false, ...done }]
  }

  /** What was tried with this input is final. */
  #confirm(tried: StepDefinition, input: unknown): void {
    const state = this.state
    const text = JSON.stringify(input)
    const isConfirmed = ({ definition, input }: StepState) =>
      definition === tried && JSON.stringify(input) === text
    state.undoable = state.undoable.filter(({ step }) => !isConfirmed(step))
  }

  #cancelTimer(id: string): void {
    for (const timer of this.state.timers.values())
      if (timer.id === id) this.timers.delete(timer.key)
  }

  #domainEvent(event: EventObject): JsonObject & { type: string } {
    if (!event.type.startsWith('reenact.') && !event.type.startsWith('$')) {
      return decode(encode(event, { what: `Event '${event.type}'` })) as JsonObject & {
        type: string
      }
    }
    const fix = 'rename it'
    throw new ReenactError(
      'InvalidEvent',
      `Process '${this.model.name}' emits '${event.type}', a reserved name: ${fix}.`,
      { aggregate: this.model.name, type: event.type, issues: ['reserved name'] },
    )
  }

  /** Changes a live step. */
  change(key: string, change: Partial<StepState>): void {
    const step = liveStep(this.state, key)
    if (step) this.steps.set(step.invokeId, { ...step, ...change })
  }
}

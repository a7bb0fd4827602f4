// What an entry makes of a state, and what that calls for. Pure; replay and life share it.

import { decode, encode, settled } from '../../runtime/codec/codec.ts'
import { type EntryPlace, ProcessDraft } from './process-draft.ts'
import { asTold, type Entry, type InputEntry, type Intention, isInput } from './process-entry.ts'
import type { ProcessModel } from './process-model.ts'
import {
  deadlinePassed,
  deadlineTimer,
  isEarly,
  isEnded,
  isHeld,
  liveStep,
  owesUndoing,
  type ProcessState,
} from './process-state.ts'
import { compensate, type StepDefinition, stepOf } from './step-logic.ts'

/** What an entry comes to. */
export interface Plan {
  readonly state: ProcessState
  /** The entry as it is written. */
  readonly entry: Entry
  readonly intentions: readonly Intention[]
  /** A step failed and nothing in the machine takes its error. The plan must not be used. */
  readonly unhandled: boolean
}

/** What an entry makes of a state. Throws what the machine's functions throw. */
export function plan(
  model: ProcessModel,
  before: ProcessState,
  entry: Entry,
  at: EntryPlace,
): Plan {
  return new Planning(model, before, at).plan(entry)
}

class Planning {
  readonly #draft: ProcessDraft
  #unhandled = false

  constructor(model: ProcessModel, before: ProcessState, at: EntryPlace) {
    this.#draft = new ProcessDraft(model, before, at)
  }

  plan(given: Entry): Plan {
    const { state, emitted } = this.#draft
    const wasEnded = isEnded(state)
    const entry = this.#apply(given)
    const ended = !wasEnded && this.#end()
    const intentions: Intention[] = emitted
    this.#requested(intentions)
    this.#scheduled(intentions)
    if (ended) intentions.push(ended)
    return { state, entry, intentions, unhandled: this.#unhandled }
  }

  #apply(entry: Entry): Entry {
    const state = this.#draft.state
    if (isInput(entry)) return this.#input(entry)
    switch (entry.type) {
      case 'reenact.StepAttemptFailed':
        this.#draft.change(entry.step, {
          attempts: entry.attempt,
          retryAt: entry.retryAt,
          error: entry.error,
          // It came to an answer: whatever ended the process before, it was not this.
          interrupted: 0,
        })
        break
      case 'reenact.StepInterrupted':
        this.#draft.change(entry.step, { interrupted: entry.attempt })
        break
      case 'reenact.StepUndone': {
        const found = state.undoable.find(({ step }) => step.key === entry.step)
        state.undoable = state.undoable.filter((one) => one !== found)
        if (found && !found.known) state.undoneUnknown = [...state.undoneUnknown, found.step]
        state.undone += 1
        state.stuck = undefined
        state.undoFailed = undefined
        break
      }
      case 'reenact.StepResolved': {
        const found = state.unresolved.find(({ key }) => key === entry.step)
        state.unresolved = state.unresolved.filter((step) => step !== found)
        if (found && entry.happened) this.#draft.succeeded(found, entry.output)
        break
      }
      case 'reenact.UndoAttemptFailed':
        state.undoFailed = { step: entry.step, attempts: entry.attempt }
        break
      case 'reenact.CompensationStuck':
        state.stuck = { step: entry.step, error: entry.error }
        break
      case 'reenact.ProcessParked':
        if (entry.input) this.#hold(entry.input, isEarly(state))
        if (state.status === 'running' || state.status === 'cancelling')
          state.resumeTo = state.status
        state.status = 'parked'
        state.parked = { why: entry.why, step: entry.step, error: entry.error }
        // It has fired: what is left of it is that somebody has to look.
        if (entry.why === 'deadline') this.#draft.timers.delete(deadlineTimer)
        break
      case 'reenact.ProcessPaused':
        if (state.status === 'running' || state.status === 'cancelling')
          state.resumeTo = state.status
        if (state.status !== 'parked') state.status = 'paused'
        break
      case 'reenact.ProcessResumed':
        this.#again(state.parked?.step ?? undefined)
        this.#resume()
        break
      case 'reenact.StepRetried':
        this.#again(entry.step)
        if (state.status === 'parked') this.#resume()
        break
      case 'reenact.StepSkipped':
        this.#skip(entry.step, entry.output)
        break
      case 'reenact.StepCancelled':
        this.#cancelStep(entry)
        break
      case 'reenact.ProcessCancelled':
        this.#cancel()
        break
    }
    return entry
  }

  #input(given: InputEntry & { readonly held?: true; readonly late?: true }): Entry {
    const state = this.#draft.state
    const entry = given.held || given.late ? asTold(given) : given
    if (given.held || isHeld(state)) {
      const starts = entry.type === 'reenact.Triggered' && (!given.held || entry.starts === true)
      this.#hold(entry, starts && isEarly(state))
      if (given.held || isHeld(state)) return { ...entry, held: true }
      this.#resume()
      return entry
    }
    if (entry.type === 'reenact.StepCompleted' || entry.type === 'reenact.StepFailed') {
      if (!liveStep(state, entry.step)) {
        this.#draft.late(entry)
        return { ...entry, late: true }
      }
    }
    this.#unhandled = !this.#draft.feed(entry)
    return entry
  }

  /** `begins`: what came early follows it, and the process is parked no more. */
  #hold(entry: InputEntry, begins: boolean): void {
    const state = this.#draft.state
    const position = entry.type === 'reenact.Triggered' ? entry.position : null
    // Written by somebody who could not replay the process, and so could not see that it was there.
    if (position !== null && position <= state.lastTrigger) return
    // The conversation is that of the event it begins with, whatever came before.
    if (begins) state.correlationId = ''
    this.#draft.seen(entry)
    state.held = begins ? [entry, ...state.held] : [...state.held, entry]
    if (!begins) return
    state.status = 'running'
    state.parked = undefined
  }

  #again(key: string | undefined): void {
    if (key !== undefined) this.#draft.change(key, { attempts: 0, interrupted: 0, retryAt: 0 })
    this.#draft.state.stuck = undefined
    this.#draft.state.undoFailed = undefined
    this.#draft.state.urgedAt = this.#draft.at.revision
  }

  /** Goes on, with everything that was held. */
  #resume(): void {
    const state = this.#draft.state
    // Nothing but an event that starts it lets it begin.
    if (isEarly(state) || (!isHeld(state) && state.held.length === 0)) return
    if (isHeld(state)) state.status = state.resumeTo
    state.parked = undefined
    const { held } = state
    state.held = []
    for (const [index, entry] of held.entries()) {
      if ('step' in entry && !liveStep(state, entry.step)) this.#draft.late(entry)
      else if (!this.#draft.feed(entry)) {
        this.#park(entry)
        state.held = held.slice(index + 1)
        return
      }
    }
  }

  /** A failure that nothing takes: the step is not over after all, and waits for somebody. */
  #park(entry: InputEntry): void {
    const state = this.#draft.state
    state.status = 'parked'
    if (entry.type === 'reenact.StepFailed') {
      state.parked = { why: 'step', step: entry.step, error: entry.error }
    } else {
      this.#draft.over(entry)
      state.parked = { why: 'deadline', step: null, error: deadlinePassed }
    }
  }

  #skip(key: string, output: unknown): void {
    const state = this.#draft.state
    const undone = state.undoable.find(({ step }) => step.key === key)
    const step = liveStep(state, key)
    state.stuck = undefined
    if (!step) {
      if (undone) state.undoable = state.undoable.filter((one) => one !== undone)
      state.unresolved = state.unresolved.filter((one) => one.key !== key)
      return
    }
    if (isHeld(state)) {
      state.held = [{ type: 'reenact.StepCompleted', step: key, output }, ...state.held]
      this.#resume()
    } else {
      this.#draft.feed({ type: 'reenact.StepCompleted', step: key, output })
    }
    // It had no effect that anybody knows of.
    state.undoable = state.undoable.filter((one) => one.step.key !== key)
  }

  /** A failure by somebody's word, and whatever an attempt under way came to is not known. */
  #cancelStep({ step: key, by, reason }: Extract<Entry, { type: 'reenact.StepCancelled' }>): void {
    const state = this.#draft.state
    const step = liveStep(state, key)
    if (!step) return
    const error = {
      kind: 'cancelled',
      message: `${reason} (${by})`,
      attempts: step.attempts,
    } as const
    const failed = { type: 'reenact.StepFailed', step: key, error, unknown: true } as const
    if (isHeld(state)) {
      state.held = [failed, ...state.held]
      this.#resume()
    } else if (!this.#draft.feed(failed)) this.#park(failed)
  }

  /** Leaves the machine where it is and undoes what it did. */
  #cancel(): void {
    const state = this.#draft.state
    // What came while it was held says what became of its steps.
    for (const entry of state.held) {
      if ('step' in entry && !liveStep(state, entry.step)) this.#draft.late(entry)
      else this.#draft.over(entry)
    }
    for (const step of [...this.#draft.steps.values()]) {
      this.#draft.steps.delete(step.invokeId)
      this.#draft.leave(step)
    }
    this.#draft.timers.clear()
    const hasBegun = !isEarly(state)
    state.status = 'cancelling'
    state.resumeTo = 'cancelling'
    state.parked = undefined
    state.held = []
    if (hasBegun)
      this.#draft.request('reenact.cancel', 'cancel', stepOf(compensate) as StepDefinition, null)
  }

  #end(): Intention | undefined {
    const state = this.#draft.state
    if (state.status === 'cancelling' && this.#draft.steps.size === 0) {
      state.status = 'cancelled'
      return { type: 'reenact.ProcessEnded', status: 'cancelled', output: null }
    }
    if (state.snapshot?.status !== 'done' || state.status !== 'running') return undefined
    for (const step of this.#draft.steps.values()) this.#draft.leave(step)
    this.#draft.steps.clear()
    this.#draft.timers.clear()
    state.status = 'done'
    const what = `The output of process '${this.#draft.model.name}'`
    state.output = settled(state.snapshot.output, what)
    const owes = owesUndoing(state) && ({ owes: true } as const)
    return { type: 'reenact.ProcessEnded', status: 'done', output: state.output, ...owes }
  }

  /** Steps begun by this entry. */
  #requested(intentions: Intention[]): void {
    for (const { key, name, definition, input } of this.#draft.steps.values()) {
      if (!this.#draft.isNew(key)) continue
      const { kind } = definition
      const actor = kind === 'command' ? definition.model.name : null
      intentions.push({ type: 'reenact.StepRequested', step: key, name, kind, actor, input })
    }
  }

  #scheduled(intentions: Intention[]): void {
    if (!this.#draft.changedTimers) return
    for (const { key, event, dueAt } of this.#draft.state.timers.values()) {
      if (!this.#draft.isNew(key)) continue
      const data = decode(encode(event, { what: `Event '${event.type}'` }))
      intentions.push({ type: 'reenact.TimerScheduled', timer: key, event: data, dueAt })
    }
  }
}

// Given what happened, what does a process owe now: its rules without runtime, store or clock; time passes when told.

import { planOrPark } from '../../actors/processes/plan-or-park.ts'
import type { Entry, Intention, TriggerEntry } from '../../actors/processes/process-entry.ts'
import { isIntention } from '../../actors/processes/process-entry.ts'
import type { ProcessInfo } from '../../actors/processes/process-info.ts'
import {
  type AnyProcessManager,
  type ProcessEventOf,
  processModelOf,
} from '../../actors/processes/process-manager.ts'
import type { ProcessModel } from '../../actors/processes/process-model.ts'
import {
  isHeld,
  type ProcessState,
  type ProcessStatus,
  type StepState,
  unborn,
  undoOwed,
} from '../../actors/processes/process-state.ts'
import type { StepError } from '../../actors/processes/step-error.ts'
import { told } from '../../actors/processes/trigger.ts'
import { decode, encode, type JsonObject, settled } from '../codec/codec.ts'
import { ReenactError } from '../core/errors.ts'

/** A step a process waits for. */
export interface OwedStep {
  /** As the machine names it. */
  readonly step: string
  /** What it is made by. */
  readonly kind: 'command' | 'activity' | 'compensate'
  /** What it was invoked with; of a command the id of the actor and the command. */
  readonly input: unknown
  /**
   * Of `compensate`: what it undoes, in this order; of a command also the command that does it. Of what is `unknown` it
   * finds out first whether there is anything to undo.
   */
  readonly undoes?: readonly {
    readonly step: string
    readonly command?: unknown
    readonly unknown?: true
  }[]
}

/** A process in the middle of its life. It never changes: whatever happens makes a new one. */
export interface ProcessScenario<P extends AnyProcessManager = AnyProcessManager> {
  /** How far it has come. */
  readonly status: ProcessStatus
  /** The machine's state value; `undefined` before it was started. */
  readonly value: ProcessInfo<P>['value']
  /** The machine's context; `undefined` before it was started. */
  readonly context: ProcessInfo<P>['context']
  /** Steps it waits for. */
  readonly owed: readonly OwedStep[]
  /** Timers it waits for, the earliest first; `inMs` from now. */
  readonly timers: readonly { readonly event: string; readonly inMs: number }[]
  /** Domain events it emitted so far. */
  readonly emitted: readonly { readonly type: string }[]
  /** Why it was parked. */
  readonly parked?: { readonly why: string; readonly error: StepError }
  /** Of a process that is done. */
  readonly output?: unknown
  /** These events come. One that does not start a process is passed over, or held, while there is none, as in life. */
  given(...events: readonly ProcessEventOf<P>[]): ProcessScenario<P>
  /**
   * A step it waits for succeeds. `compensate` needs no output: everything it undoes is undone.
   *
   * @throws `InvalidOption` when it waits for no step of this name; `InvalidPayload` for what could not be stored
   */
  completed(step: string, output?: unknown): ProcessScenario<P>
  /**
   * A step fails for good, all attempts spent. What is left out of the error is filled in: kind `failed`, unless said
   * otherwise.
   *
   * @throws `InvalidOption` when it waits for no step of this name
   */
  failed(step: string, error?: Partial<StepError>): ProcessScenario<P>
  /** Time passes: what falls due fires, the earliest first. */
  after(ms: number): ProcessScenario<P>
}

/**
 * Begins a test of a process manager's rules. Pure: what goes in and out is encoded and decoded as in the log, and no step
 * is carried out; the test says what came of each.
 *
 * @param options - `id` of the process, default `scenario`
 * @example
 * ```ts
 * const placed = processScenario(OrderProcess).given({ type: 'order.Placed', item: 'lamp', units: 1 })
 * assert.deepEqual(placed.owed[0]?.input, { id: 'lamp', command: { type: 'reserve', units: 1 } })
 *
 * assert.equal(placed.failed('reserve', { kind: 'rejected' }).value, 'cancelled')
 * assert.equal(placed.after(24 * 3_600_000).value, 'undoing')
 * ```
 */
export function processScenario<P extends AnyProcessManager>(
  process: P,
  { id = 'scenario' }: { readonly id?: string } = {},
): ProcessScenario<P> {
  const timeMs = Date.UTC(2026, 0, 1)
  return new Given<P>({
    model: processModelOf(process),
    state: unborn(id),
    revision: -1,
    timeMs,
    emitted: [],
  })
}

interface Moment {
  readonly model: ProcessModel
  readonly state: ProcessState
  readonly revision: number
  readonly timeMs: number
  readonly emitted: readonly { readonly type: string }[]
}

class Given<P extends AnyProcessManager> implements ProcessScenario<P> {
  readonly status: ProcessStatus
  readonly value: ProcessScenario<P>['value']
  readonly context: ProcessScenario<P>['context']
  readonly owed: readonly OwedStep[]
  readonly timers: ProcessScenario<P>['timers']
  readonly emitted: ProcessScenario<P>['emitted']
  readonly parked?: { readonly why: string; readonly error: StepError }
  readonly output?: unknown
  readonly #now: Moment

  constructor(now: Moment) {
    this.#now = now
    const { state, timeMs, emitted } = now
    this.status = state.status
    this.value = state.snapshot?.value as ProcessScenario<P>['value']
    this.context = state.snapshot?.context as ProcessScenario<P>['context']
    this.owed = [...state.steps.values()].map((step) => owedOf(state, step))
    const timers = dueOf(state).map(({ event, dueAt }) => ({
      event: event.type,
      inMs: dueAt - timeMs,
    }))
    this.timers = timers
    this.emitted = emitted
    if (state.parked) this.parked = { why: state.parked.why, error: state.parked.error }
    if (state.status === 'done') this.output = state.output
  }

  given(...events: readonly ProcessEventOf<P>[]): ProcessScenario<P> {
    let now = this.#now
    for (const given of events) {
      const event = decode(encode(given, { what: 'The event' })) as JsonObject & { type: string }
      const { state, model } = now
      // What it is not fed by starts it by hand.
      const rule = model.triggers.get(event.type) ?? { starts: true, early: false }
      const position = state.lastTrigger + 1
      const eventId = `${state.id}-${position}`
      const about = { eventId, position, correlationId: eventId }
      const trigger: TriggerEntry = { type: 'reenact.Triggered', event, ...about }
      const entry = told(model, { rule, entry: trigger }, now)
      if (entry) now = tell(now, entry)
    }
    return new Given(now)
  }

  completed(name: string, given?: unknown): ProcessScenario<P> {
    const step = this.#step(name)
    const isUndoing = step.definition.kind === 'compensate'
    const now = isUndoing ? undoAll(this.#now) : this.#now
    const output = isUndoing
      ? { undone: now.state.undone }
      : settled(given, `The output of step '${name}'`)
    return new Given(tell(now, { type: 'reenact.StepCompleted', step: step.key, output }))
  }

  failed(name: string, given: Partial<StepError> = {}): ProcessScenario<P> {
    const step = this.#step(name)
    const whole = { kind: 'failed', message: `step '${name}' failed`, attempts: 1, ...given }
    const error = settled(whole, `The error of step '${name}'`) as unknown as StepError
    const unknown = error.kind === 'timeout'
    return new Given(
      tell(this.#now, { type: 'reenact.StepFailed', step: step.key, error, unknown }),
    )
  }

  after(ms: number): ProcessScenario<P> {
    let now = this.#now
    const untilMs = now.timeMs + ms
    for (
      let [timer] = dueOf(now.state);
      timer && timer.dueAt <= untilMs;
      [timer] = dueOf(now.state)
    ) {
      if (isHeld(now.state)) break
      now = { ...now, timeMs: Math.max(now.timeMs, timer.dueAt) }
      now = tell(now, { type: 'reenact.TimerFired', timer: timer.key })
    }
    return new Given({ ...now, timeMs: untilMs })
  }

  #step(name: string): StepState {
    const steps = [...this.#now.state.steps.values()]
    const found = steps.filter((step) => step.name === name || step.key === name)
    const [step] = found
    if (step && found.length === 1) return step
    const names = steps.map((one) => one.name).join(', ') || 'nothing'
    const fix = `name one step of: ${names}`
    throw new ReenactError(
      'InvalidOption',
      `'step' is '${name}', and the process waits for ${found.length} of that name. To mend it: ${fix}.`,
      { option: 'step', fix },
    )
  }
}

/** One entry, as the log would hold it. */
function tell(now: Moment, given: Entry): Moment {
  const { model, state, revision, timeMs } = now
  const entry = JSON.parse(JSON.stringify(given)) as Entry
  const planned = planOrPark(model, state, entry, { revision: revision + 1, time: timeMs })
  const isDomain = ({ type }: Intention) => isIntention(type) && !type.startsWith('reenact.')
  return {
    ...now,
    state: planned.state,
    revision: revision + 1 + planned.intentions.length,
    emitted: [...now.emitted, ...planned.intentions.filter(isDomain)],
  }
}

const dueOf = ({ timers }: ProcessState) => [...timers.values()].sort((a, b) => a.dueAt - b.dueAt)

/** What `compensate` does in life. What is unknown turns out to have had its effect. */
function undoAll(before: Moment): Moment {
  let now = before
  for (const { key } of before.state.unresolved) {
    now = tell(now, { type: 'reenact.StepResolved', step: key, happened: true, output: null })
  }
  for (const { step } of undoOwed(now.state).undo) {
    now = tell(now, { type: 'reenact.StepUndone', step: step.key })
  }
  return now
}

function owedOf(state: ProcessState, { name, definition, input }: StepState): OwedStep {
  const { kind } = definition
  if (kind !== 'compensate') return { step: name, kind, input }
  const { resolve, undo } = undoOwed(state)
  const unknown = resolve.map((step) => ({ step: step.name, unknown: true as const })).reverse()
  const known = undo.map(({ step, output }) => {
    const command =
      step.definition.kind === 'command'
        ? step.definition.undo?.({ input: step.input, output })
        : undefined
    return { step: step.name, ...(command ? { command } : {}) }
  })
  return { step: name, kind, input: null, undoes: [...unknown, ...known] }
}

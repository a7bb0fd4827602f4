// A machine as a table: what XState would do, looked up instead of worked out.
//
// Guards and actions run as functions compiled at definition. Which states they leave and enter is found once for
// each configuration and remembered. Whatever is out of the ordinary, errors first of all, is left to XState.

import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition, EventObject } from 'xstate'
import { type Action, ActionCompiler, type Outside } from './compiled-actions.ts'
import type { Call, StepOf } from './compiled-calls.ts'
import { alwaysFor, entryFor, first, type Guards, pick } from './compiled-choice.ts'
import {
  type Candidate,
  CompiledSnapshot,
  Configuration,
  DoneSnapshot,
  type Entry,
  type Plan,
} from './compiled-configuration.ts'
import { compileGuard, type Guard, Uncompilable } from './compiled-guards.ts'
import { nodesOf, Twin, transitionsOf } from './compiled-twin.ts'
import type { Snapshot, Step } from './machine.ts'

/** Beyond these, what is remembered is dropped and found anew. */
const configurationsMax = 4096
const entriesMax = 256

const nothing: readonly never[] = []

/** Compiles a machine, or says what only XState can run. With `stepOf` it may invoke steps and set timers. */
export function compileMachine(
  machine: AnyStateMachine,
  outside: Outside,
  stepOf?: StepOf,
): CompiledMachine | { readonly no: string } {
  try {
    return new CompiledMachine(machine, outside, stepOf)
  } catch (error) {
    return { no: error instanceof Error ? error.message : String(error) }
  }
}

/** Runs one machine. Not re-entrant. */
export class CompiledMachine {
  readonly #actions: ActionCompiler
  readonly #twin: Twin
  readonly #guards = new Map<AnyTransitionDefinition, Guard>()
  readonly #configurations = new Map<string, Configuration>()
  readonly #raised: EventObject[] = []
  readonly #picked: Candidate[] = []
  readonly #choosing: { readonly guards: Guards; readonly hasSteps: boolean }
  #initial: Plan | undefined

  /** @throws {@link Uncompilable} */
  constructor(machine: AnyStateMachine, outside: Outside, stepOf?: StepOf) {
    if (Number.isFinite(machine.options?.maxIterations ?? Number.POSITIVE_INFINITY)) {
      throw new Uncompilable("the option 'maxIterations'")
    }
    for (const node of nodesOf(machine.root)) {
      for (const key of stepOf ? ['output', 'route'] : ['invoke', 'after', 'output', 'route']) {
        if (key in node.config && !(stepOf && key === 'output' && !node.parent))
          throw new Uncompilable(`'${key}' in '${node.id}'`)
      }
      // XState may leave the parallel state by it and not enter it again: then its steps are gone, which no table knows.
      if (stepOf && node.type === 'history' && node.parent?.type === 'parallel') {
        throw new Uncompilable(`the history of the parallel state '${node.parent.id}'`)
      }
      if (node.parent && (node.key === '' || node.key.startsWith('#'))) {
        throw new Uncompilable(`the name of the state '${node.id}'`)
      }
      for (const [, transitions] of transitionsOf(node)) {
        for (const transition of transitions) {
          const { guard } = transition
          if (guard !== undefined) this.#guards.set(transition, compileGuard(machine, guard))
        }
      }
    }
    this.#choosing = { guards: this.#guards, hasSteps: stepOf !== undefined }
    this.#actions = new ActionCompiler(machine, outside, stepOf)
    const compile = (action: unknown) => this.#actions.compile(action)
    this.#twin = new Twin(machine, compile, this.#actions.calls)
  }

  /** What the last step called for. */
  get calls(): readonly Call[] {
    return this.#actions.effects.calls
  }

  /** A snapshot of XState as one of this machine; `undefined` for what only XState can go on with. */
  adopt(snapshot: Snapshot): CompiledSnapshot | undefined {
    const { context } = snapshot
    const status: string = snapshot.status
    if (status !== 'active' && status !== 'done') return undefined
    if (snapshot.output !== undefined || snapshot.error !== undefined) return undefined
    if (typeof context !== 'object' || context === null) return undefined
    try {
      return new CompiledSnapshot(this.#configurationOf(this.#twin.twinOf(snapshot)), context)
    } catch {
      return undefined
    }
  }

  /** Whether a snapshot is one of this machine. */
  owns(snapshot: CompiledSnapshot): boolean {
    return snapshot.configuration.owner === this
  }

  /** Enters the initial state; `undefined`: let XState do it. */
  begin(input: unknown): Step | undefined {
    this.#reset()
    try {
      const step = this.#enter({ type: 'xstate.init', input } as EventObject, input)
      return this.#actions.effects.left ? undefined : step
    } catch {
      return undefined
    }
  }

  /** Applies one event; `undefined`: let XState do it, and throw what there is to throw. */
  step(snapshot: CompiledSnapshot, event: EventObject): Step | undefined {
    this.#reset()
    try {
      const step = this.#macrostep(snapshot, event)
      return this.#actions.effects.left ? undefined : step
    } catch {
      return undefined
    }
  }

  #reset(): void {
    this.#actions.reset()
    // A step that failed or was done may leave some.
    if (this.#raised.length > 0) this.#raised.length = 0
  }

  #enter(event: EventObject, input: unknown): Step {
    this.#initial ??= this.#initialPlan()
    const { actions, raised, next } = this.#initial
    // What XState says of a machine that is on its way in.
    const before = { value: next.value, nodes: [next.machine.root] }
    let context = this.#actions.context(input)
    for (const action of actions) context = action(context, event, before)
    for (const type of raised) this.#raised.push({ type, output: undefined } as EventObject)
    return this.#stepOf(this.#settle(new CompiledSnapshot(next, context), event), nothing)
  }

  #initialPlan(): Plan {
    const { actions, after, raised } = this.#twin.recordInitial()
    return { selected: [], actions, next: this.#configurationOf(after), still: false, raised }
  }

  #macrostep(snapshot: CompiledSnapshot, event: EventObject): Step | undefined {
    const { configuration } = snapshot
    const entry = configuration.entries.get(event.type) ?? this.#entryOf(configuration, event.type)
    if (entry.foreign) return undefined
    const plan = this.#select(entry, snapshot, event)
    // XState ends the machine with an error of a step that nothing takes.
    if (!plan && event.type.startsWith('xstate.error.')) return undefined
    let next = plan ? this.#take(plan, snapshot, event) : snapshot
    if (next.configuration.hasAlways || this.#raised.length > 0) next = this.#settle(next, event)
    return this.#stepOf(next, plan ? plan.selected : nothing, next === snapshot)
  }

  #stepOf(next: CompiledSnapshot, selected: Plan['selected'], isAtRest = false): Step {
    const { effects } = this.#actions
    const rested = isAtRest ? next : this.#rested(next)
    const hasOutput = next.status === 'done' && effects.output !== undefined
    const snapshot = hasOutput ? new DoneSnapshot(rested, effects.output) : rested
    return {
      snapshot: snapshot as unknown as Snapshot,
      selected,
      emitted: effects.emitted ?? nothing,
      rejection: effects.rejection,
      forbiddenAction: effects.forbiddenAction,
    }
  }

  /** Goes on with what needs no event and what was raised, in XState's order. */
  #settle(snapshot: CompiledSnapshot, received: EventObject): CompiledSnapshot {
    let now = snapshot
    let event = received
    let moved = true
    while (now.configuration.status === 'active') {
      const always: Entry | undefined =
        moved && now.configuration.hasAlways ? this.#alwaysOf(now) : undefined
      const eventless: Plan | undefined = always && this.#select(always, now, event)
      let plan: Plan | undefined = eventless
      if (!plan) {
        const raised = this.#raised.shift()
        if (!raised) break
        event = raised
        plan = this.#select(this.#entryOf(now.configuration, event.type), now, event)
      }
      const next: CompiledSnapshot = plan ? this.#take(plan, now, event) : now
      // What moved nothing without an event would move nothing again.
      moved = !eventless || next !== now
      now = next
    }
    return now
  }

  /** The plan of the transitions that answer; `undefined` where none does. */
  #select(entry: Entry, snapshot: CompiledSnapshot, event: EventObject): Plan | undefined {
    const { configuration, context } = snapshot
    if (entry.line) {
      const candidate = first(entry.line, context, event, configuration)
      if (!candidate) return undefined
      candidate.plan ??= this.#plan(configuration, [candidate], entry.type)
      return candidate.plan
    }
    const picked = this.#picked
    picked.length = 0
    for (const choice of entry.choices) pick(choice, context, event, configuration, picked)
    if (picked.length === 0) return undefined
    let tree = entry.plans
    for (const { index } of picked) {
      tree.next[index] ??= { plan: undefined, next: [] }
      tree = tree.next[index]
    }
    tree.plan ??= this.#plan(configuration, picked, entry.type)
    return tree.plan
  }

  #take(plan: Plan, snapshot: CompiledSnapshot, event: EventObject): CompiledSnapshot {
    const { configuration } = snapshot
    let context = snapshot.context
    // Counted loops: V8 runs them faster than iterators, and this is where the time goes.
    const { actions, raised } = plan
    for (let i = 0; i < actions.length; i++) {
      context = (actions[i] as Action)(context, event, configuration)
    }
    for (let i = 0; i < raised.length; i++) {
      this.#raised.push({ type: raised[i] as string, output: undefined } as EventObject)
    }
    if (plan.still && context === snapshot.context) return snapshot
    return new CompiledSnapshot(plan.next, context)
  }

  #plan(from: Configuration, picked: readonly Candidate[], type: string | undefined): Plan {
    const selected = picked.map(({ transition }) => transition)
    const { actions, after, raised } = this.#twin.record(from.twin, selected, type)
    const still = after === from.twin
    return { selected, actions, next: still ? from : this.#configurationOf(after), still, raised }
  }

  /** At rest, states are in the order in which they would be restored. */
  #rested(snapshot: CompiledSnapshot): CompiledSnapshot {
    const { configuration, context } = snapshot
    const rest = configuration.rest ?? this.#restOf(configuration)
    return rest === configuration ? snapshot : new CompiledSnapshot(rest, context)
  }

  #restOf(configuration: Configuration): Configuration {
    const rest = this.#configurationOf(this.#twin.twinOf(configuration))
    configuration.rest = rest.key === configuration.key ? configuration : rest
    return configuration.rest
  }

  #entryOf(configuration: Configuration, type: string): Entry {
    const { entries } = configuration
    let entry = entries.get(type)
    if (!entry) {
      entry = entryFor(configuration, type, this.#choosing)
      // Types come from outside: a wildcard takes as many as are sent.
      if (entries.size >= entriesMax) entries.clear()
      entries.set(type, entry)
    }
    return entry
  }

  #alwaysOf({ configuration }: CompiledSnapshot): Entry {
    configuration.always ??= alwaysFor(configuration, this.#guards)
    return configuration.always
  }

  #configurationOf(twin: Snapshot): Configuration {
    const place = this.#twin.placeOf(twin)
    const ordersOf = (nodes: readonly AnyStateNode[]) => nodes.map(({ order }) => order)
    const remembered = Object.entries(place.historyValue).map(([id, nodes]) => [
      id,
      ordersOf(nodes),
    ])
    const key = JSON.stringify([twin.status, ordersOf(place.nodes), remembered])
    let configuration = this.#configurations.get(key)
    if (!configuration) {
      configuration = new Configuration(this, key, place)
      if (this.#configurations.size >= configurationsMax) this.#forget()
      this.#configurations.set(key, configuration)
    }
    return configuration
  }

  #forget(): void {
    for (const configuration of this.#configurations.values()) configuration.forget()
    this.#configurations.clear()
  }
}

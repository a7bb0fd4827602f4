// The one seam to XState: a machine compiled to a table, or its own pure transition run with one inert scope.
//
// XState's exported `transition()` builds an actor and two systems at every call. Everything Reenact allows
// in a machine needs none of them, so one inert scope serves all calls of a machine.

import type {
  AnyMachineSnapshot,
  AnyStateMachine,
  AnyStateNode,
  EventObject,
  StateValue,
} from 'xstate'
import { ReenactError } from '../runtime/core/errors.ts'
import { CompiledSnapshot } from './compiled-configuration.ts'
import { type CompiledMachine, compileMachine } from './compiled-machine.ts'
import { nodesOf, transitionsOf } from './compiled-twin.ts'
import { type RejectArgs, rejectTag } from './reject.ts'

/** A state of a machine as XState holds it. Never stored. */
export type Snapshot = AnyMachineSnapshot

/** The part of a transition that matters here. */
export interface SelectedTransition {
  readonly eventType: string | null
}

/** What one event did. */
export interface Step {
  readonly snapshot: Snapshot
  /** The transitions XState selected for the event itself, without `always` and internal events. */
  readonly selected: readonly SelectedTransition[]
  readonly emitted: readonly EventObject[]
  readonly rejection: { readonly reason: string; readonly details: unknown } | undefined
  /** The first action that is neither emit nor reject nor assign, by name. */
  readonly forbiddenAction: string | undefined
}

/** A state in plain data: what a snapshot stores. */
export interface PlainState {
  readonly value: StateValue
  readonly context: unknown
  readonly status: string
  /** Ids of remembered states by the id of the history state. */
  readonly history: Readonly<Record<string, readonly string[]>>
}

interface ExecutableAction {
  readonly type: string
  readonly info: RejectArgs<unknown, unknown>
  readonly params: { readonly event?: EventObject } | undefined
  readonly exec: unknown
}

const nothing: readonly never[] = []

const tooOld = (): ReenactError =>
  new ReenactError(
    'InvalidOption',
    "This version of xstate is too old. Run 'npm install xstate@5'.",
    { option: 'xstate', fix: 'npm install xstate@5' },
  )

/** `self`, `system` and `spawn` lead out of a pure machine: touching them is an error, not a surprise. */
const outOfBounds = (aggregate: string): object =>
  new Proxy(
    {},
    {
      get: (_, property) => {
        throw new ReenactError(
          'InvalidMachine',
          `The machine of '${aggregate}' uses its actor or system ('${String(property)}'). To mend it: use only context and event in guards and actions.`,
          { aggregate, fix: 'use only context and event in guards and actions' },
        )
      },
    },
  )

/** Whether XState may list active states in more than one order, or some that exclude each other. */
const reorders = (node: AnyStateNode): boolean =>
  node.type === 'parallel' ||
  node.type === 'history' ||
  transitionsOf(node).some(([, all]) => all.some(({ target }) => (target?.length ?? 0) > 1))

/**
 * XState lists active states in the order in which they were entered, and lets regions move in that order.
 * A restored snapshot cannot know it: replay and restore agree only if every snapshot at rest is as restored.
 */
export class RestOrder {
  readonly #machine: AnyStateMachine
  readonly #reorders: boolean

  constructor(machine: AnyStateMachine) {
    this.#machine = machine
    this.#reorders = nodesOf(machine.root).some(reorders)
  }

  /** Puts the states of a snapshot that XState made into the order in which they would be restored. */
  put(snapshot: Snapshot): Snapshot {
    if (!this.#reorders && snapshot.status !== 'done') return snapshot
    const { _nodes, value } = this.#machine.resolveState(snapshot)
    return Object.assign(snapshot, { _nodes, value })
  }
}

type Scope = Parameters<AnyStateMachine['transition']>[2]

/** Options of {@link MachineRunner}. */
export interface RunnerOptions {
  /** `false`: let XState work out every step. Default `true`. */
  readonly compile?: boolean
}

/** Runs one machine. Not re-entrant: a guard cannot run the same machine. */
export class MachineRunner {
  /** Whether steps are looked up instead of worked out, or what only XState can run. */
  readonly compiled: 'yes' | { readonly no: string }
  readonly #machine: AnyStateMachine
  readonly #table: CompiledMachine | undefined
  readonly #rest: RestOrder
  readonly #scope: Scope
  #worked = 0
  #selected: readonly SelectedTransition[] | undefined
  #emitted: EventObject[] = []
  #rejection: Step['rejection']
  #forbiddenAction: string | undefined

  constructor(machine: AnyStateMachine, aggregate: string, options: RunnerOptions = {}) {
    this.#machine = machine
    this.#rest = new RestOrder(machine)
    const scope = {
      self: outOfBounds(aggregate),
      id: '',
      sessionId: '',
      logger: () => {},
      defer: () => {},
      emit: () => {},
      stopChild: () => {},
      system: {
        // XState reports each microstep here; the first one carries what it selected for the event.
        _sendInspectionEvent: (inspected: { _transitions?: readonly SelectedTransition[] }) => {
          if (!inspected._transitions) throw tooOld()
          this.#selected ??= inspected._transitions
        },
      },
      actionExecutor: (action: ExecutableAction) => this.#collect(action),
    }
    // The inert scope has what the pure transition reads, not the whole interface of a running actor.
    this.#scope = scope as unknown as Scope
    const table =
      options.compile === false ? { no: "the option 'compile'" } : compileMachine(machine, scope)
    this.compiled = 'no' in table ? table : 'yes'
    this.#table = 'no' in table ? undefined : table
  }

  /** How many steps XState had to work out. */
  get worked(): number {
    return this.#worked
  }

  /** What entering the initial state does. Throws what the context factory throws. */
  initial(): Step {
    this.#reset()
    const snapshot = this.#machine.getInitialSnapshot(this.#scope) as Snapshot
    // XState turns a throwing context factory into a status.
    if (snapshot.status === 'error') throw snapshot.error
    return this.#result(this.#rested(snapshot))
  }

  /** Applies one event. Throws what guards and actions throw. */
  step(snapshot: Snapshot, event: EventObject): Step {
    const held: unknown = snapshot
    if (!(held instanceof CompiledSnapshot)) return this.#work(snapshot, snapshot, event)
    const step = this.#table?.owns(held) ? this.#table.step(held, event) : undefined
    return step ?? this.#work(snapshot, this.#expanded(snapshot), event)
  }

  /** Plain data of a state. */
  plain(snapshot: Snapshot): PlainState {
    const history: Record<string, readonly string[]> = {}
    const remembered = snapshot.historyValue as Record<string, readonly { id: string }[]>
    for (const [id, nodes] of Object.entries(remembered)) history[id] = nodes.map((node) => node.id)
    return { value: snapshot.value, context: snapshot.context, status: snapshot.status, history }
  }

  /** The inverse of {@link plain}. Throws when the machine has no such state. */
  restore(plain: PlainState): Snapshot {
    const historyValue = Object.fromEntries(
      Object.entries(plain.history).map(([id, nodes]) => [
        id,
        nodes.map((node) => this.#machine.getStateNodeById(node)),
      ]),
    )
    const snapshot = this.#machine.resolveState({
      value: plain.value,
      context: plain.context,
      status: plain.status as 'active',
      historyValue,
    }) as Snapshot
    return this.#adopted(snapshot)
  }

  /** One step by XState itself, from a snapshot that it made. */
  #work(snapshot: Snapshot, expanded: Snapshot, event: EventObject): Step {
    this.#worked += 1
    this.#reset()
    const next = this.#machine.transition(expanded, event, this.#scope) as Snapshot
    return this.#result(next === expanded ? snapshot : this.#rested(next))
  }

  #rested(snapshot: Snapshot): Snapshot {
    return this.#adopted(this.#rest.put(snapshot))
  }

  #adopted(snapshot: Snapshot): Snapshot {
    return (this.#table?.adopt(snapshot) as Snapshot | undefined) ?? snapshot
  }

  /** A compiled snapshot as XState's own. */
  #expanded(snapshot: Snapshot): Snapshot {
    const expanded = this.#machine.resolveState(snapshot)
    // What is done is what XState found done when it happened.
    return Object.assign(expanded, { status: snapshot.status }) as Snapshot
  }

  #reset(): void {
    this.#selected = undefined
    if (this.#emitted.length > 0) this.#emitted = []
    this.#rejection = undefined
    this.#forbiddenAction = undefined
  }

  #result(snapshot: Snapshot): Step {
    const spawned = Object.keys(snapshot.children).length > 0
    return {
      snapshot,
      selected: this.#selected ?? nothing,
      emitted: this.#emitted,
      rejection: this.#rejection,
      forbiddenAction: this.#forbiddenAction ?? (spawned ? 'spawn' : undefined),
    }
  }

  #collect(action: ExecutableAction): void {
    if (action.type === 'xstate.emit' && action.params?.event) {
      this.#emitted.push(action.params.event)
      return
    }
    const tag = rejectTag(action.exec)
    if (!tag) {
      this.#forbiddenAction ??= action.type
      return
    }
    const details = typeof tag.details === 'function' ? tag.details(action.info) : tag.details
    this.#rejection ??= { reason: tag.reason, details }
  }
}

// The one seam to XState: a machine's own pure transition, run with one inert scope that is reused.
//
// XState's exported `transition()` builds an actor and two systems at every call. Everything Reenact allows
// in a machine needs none of them, so one inert scope serves all calls of a machine.

import type { AnyMachineSnapshot, AnyStateMachine, EventObject, StateValue } from 'xstate'
import { ReenactError } from '../runtime/core/errors.ts'
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

type Scope = Parameters<AnyStateMachine['transition']>[2]

/** Runs one machine. Not re-entrant: a guard cannot run the same machine. */
export class MachineRunner {
  readonly #machine: AnyStateMachine
  readonly #scope: Scope
  #selected: readonly SelectedTransition[] | undefined
  #emitted: EventObject[] = []
  #rejection: Step['rejection']
  #forbiddenAction: string | undefined

  constructor(machine: AnyStateMachine, aggregate: string) {
    this.#machine = machine
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
  }

  /** What entering the initial state does. Throws what the context factory throws. */
  initial(): Step {
    this.#reset()
    const snapshot = this.#machine.getInitialSnapshot(this.#scope) as Snapshot
    // XState turns a throwing context factory into a status.
    if (snapshot.status === 'error') throw snapshot.error
    return this.#result(snapshot)
  }

  /** Applies one event. Throws what guards and actions throw. */
  step(snapshot: Snapshot, event: EventObject): Step {
    this.#reset()
    return this.#result(this.#machine.transition(snapshot, event, this.#scope) as Snapshot)
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
    return this.#machine.resolveState({
      value: plain.value,
      context: plain.context,
      status: plain.status as 'active',
      historyValue,
    }) as Snapshot
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

// Where a compiled machine stands: one object for all snapshots in the same states, with what was planned there.

import {
  type AnyStateMachine,
  type AnyStateNode,
  type AnyTransitionDefinition,
  type EventObject,
  matchesState,
  type StateValue,
} from 'xstate'
import type { Action } from './compiled-actions.ts'
import type { Guard } from './compiled-guards.ts'
import type { Snapshot } from './machine.ts'

/** A transition that may be taken in one configuration. */
export interface Candidate {
  readonly transition: AnyTransitionDefinition
  readonly guard: Guard | undefined
  readonly index: number
  /** Its plan where it is taken alone. */
  plan: Plan | undefined
}

/** What answers in one region: all that is inside; if nothing there does, the first of its own. */
export interface Choice {
  readonly inner: readonly Choice[]
  readonly own: readonly Candidate[]
}

/** Who may answer to a type, or without any. */
export interface Entry {
  /** `undefined`: these transitions need no event. */
  readonly type: string | undefined
  /** Whether only XState may take this type here. */
  readonly foreign: boolean
  readonly choices: readonly Choice[]
  /** The candidates, where one at most is taken. */
  readonly line: readonly Candidate[] | undefined
  /** Plans where several may be taken. */
  readonly plans: PlanTree
}

/** Plans by the indexes of the candidates that are taken. */
export interface PlanTree {
  plan: Plan | undefined
  readonly next: PlanTree[]
}

/** What taking some transitions in a configuration comes to. */
export interface Plan {
  readonly selected: readonly AnyTransitionDefinition[]
  /** Of exits, transitions and entries, in order. */
  readonly actions: readonly Action[]
  readonly next: Configuration
  /** Whether XState hands back the snapshot it got, if no action assigned. */
  readonly still: boolean
  /** Types of the internal events it leads to. */
  readonly raised: readonly string[]
}

/** What {@link Configuration} is made of. */
export interface TwinPlace {
  readonly machine: AnyStateMachine
  readonly nodes: readonly AnyStateNode[]
  readonly historyValue: Readonly<Record<string, AnyStateNode[]>>
  /** The same states of the twin. */
  readonly twin: Snapshot
}

/** The active states of a machine in XState's order, and what it remembers of others. */
export class Configuration {
  /** The compiled machine whose plans these are. */
  readonly owner: object
  /** Tells configurations of a machine apart. */
  readonly key: string
  readonly machine: AnyStateMachine
  readonly nodes: readonly AnyStateNode[]
  readonly value: StateValue
  readonly status: 'active' | 'done'
  readonly historyValue: TwinPlace['historyValue']
  readonly twin: Snapshot
  readonly hasAlways: boolean
  readonly entries = new Map<string, Entry>()
  always: Entry | undefined
  /** The same states as they are found at rest. */
  rest: Configuration | undefined

  constructor(owner: object, key: string, { machine, nodes, historyValue, twin }: TwinPlace) {
    this.owner = owner
    this.key = key
    this.machine = machine
    this.nodes = Object.freeze(nodes)
    this.value = frozen(twin.value)
    this.status = twin.status as 'active' | 'done'
    this.historyValue = Object.freeze(historyValue)
    this.twin = twin
    this.hasAlways = nodes.some(mayMove)
  }

  /** Drops what was planned, so that configurations do not keep each other in memory. */
  forget(): void {
    this.entries.clear()
    this.always = undefined
    this.rest = undefined
  }
}

const childless = Object.freeze({})

/** A snapshot as XState's own look from outside, in two fields. */
export class CompiledSnapshot {
  readonly configuration: Configuration
  readonly context: object

  constructor(configuration: Configuration, context: object) {
    this.configuration = configuration
    this.context = context
  }

  get value(): StateValue {
    return this.configuration.value
  }

  get status(): 'active' | 'done' {
    return this.configuration.status
  }

  get machine(): AnyStateMachine {
    return this.configuration.machine
  }

  get _nodes(): readonly AnyStateNode[] {
    return this.configuration.nodes
  }

  get historyValue(): TwinPlace['historyValue'] {
    return this.configuration.historyValue
  }

  get children(): object {
    return childless
  }

  get tags(): ReadonlySet<string> {
    return new Set(this.configuration.nodes.flatMap((node) => node.tags))
  }

  get output(): undefined {
    return undefined
  }

  get error(): undefined {
    return undefined
  }

  matches(value: StateValue): boolean {
    return matchesState(value, this.configuration.value)
  }

  hasTag(tag: string): boolean {
    return this.tags.has(tag)
  }

  can(event: EventObject): boolean {
    const taken = this.machine.getTransitionData(this as unknown as Snapshot, event)
    return taken.some(({ target, actions }) => target !== undefined || actions.length > 0)
  }

  getMeta(): Readonly<Record<string, unknown>> {
    const described = this.configuration.nodes.filter((node) => node.meta !== undefined)
    return Object.fromEntries(described.map((node) => [node.id, node.meta]))
  }

  toJSON(): object {
    const { status, output, error, context, value, children, historyValue } = this
    const tags = [...this.tags]
    return { status, output, error, context, value, children, historyValue, tags }
  }
}

/** A snapshot of a machine that is done and has an output. */
export class DoneSnapshot extends CompiledSnapshot {
  readonly #output: unknown

  constructor({ configuration, context }: CompiledSnapshot, output: unknown) {
    super(configuration, context)
    this.#output = output
  }

  override get output(): undefined {
    return this.#output as undefined
  }
}

/** XState may lose a parent from the active states: it moves them all the same. */
const mayMove = (node: AnyStateNode): boolean =>
  node.always !== undefined || (node.parent !== undefined && mayMove(node.parent))

function frozen(value: StateValue): StateValue {
  if (typeof value === 'object') {
    for (const inner of Object.values(value)) if (inner !== undefined) frozen(inner)
    Object.freeze(value)
  }
  return value
}

// The twin of a machine: the same states and transitions without guards, actions or context.
//
// Which states are left and entered, in which order and what is done then is XState's to say. The twin is asked
// once for each set of transitions in a configuration; a plan is what it did.

import {
  type AnyStateMachine,
  type AnyStateNode,
  type AnyTransitionDefinition,
  createMachine,
  type EventObject,
} from 'xstate'
import type { Action } from './compiled-actions.ts'
import type { CallCompiler } from './compiled-calls.ts'
import type { TwinPlace } from './compiled-configuration.ts'
import { Uncompilable } from './compiled-guards.ts'
import type { Snapshot } from './machine.ts'

/** What taking some transitions did to the twin. */
export interface Recording {
  readonly actions: readonly Action[]
  readonly after: Snapshot
  readonly raised: readonly string[]
}

/** What XState reports of each microstep. */
interface Microstep {
  readonly _transitions?: readonly AnyTransitionDefinition[]
  readonly snapshot: Snapshot
  readonly event: EventObject
}

type Config = Readonly<Record<string, unknown>>
type Scope = Parameters<AnyStateMachine['transition']>[2]

/** Every state of a machine, parents before children. */
export function nodesOf(node: AnyStateNode): readonly AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap((child) => nodesOf(child as AnyStateNode))]
}

/** The transitions of a state by descriptor; those without event under the empty one. */
export const transitionsOf = (
  node: AnyStateNode,
): readonly (readonly [string, readonly AnyTransitionDefinition[]])[] => [
  ...node.transitions,
  ['', node.always ?? []],
]

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value])

const nothingTaken: Microstep = { snapshot: undefined as never, event: { type: '' } }

/** What a state answers to, as it is written: in the order in which XState reads it. */
function answersOf(node: AnyStateNode): readonly (readonly [string, unknown])[] {
  const {
    on = {},
    onDone,
    after = {},
    invoke,
  } = node.config as Readonly<
    Record<'on' | 'after', Config | undefined> & { onDone?: unknown; invoke?: unknown }
  >
  const invokes = invoke === undefined ? [] : (listOf(invoke) as readonly Config[])
  const answers: (readonly [string, unknown])[] = [
    ...Object.entries(on),
    [`xstate.done.state.${node.id}`, onDone],
    ...invokes.flatMap((config, at) => {
      const id = node.invoke[at]?.id
      return [
        [`xstate.done.actor.${id}`, config['onDone']],
        [`xstate.error.actor.${id}`, config['onError']],
      ] as const
    }),
    ...Object.entries(after).map(([delay, configs]) => {
      const name = Number.isNaN(Number(delay)) ? delay : Number(delay)
      return [`xstate.after.${name}.${node.id}`, configs] as const
    }),
  ]
  return answers.filter(([type, configs]) => configs || type in on)
}

/** @throws {@link Uncompilable} from the constructor, for what a twin cannot have. */
export class Twin {
  readonly #compile: (action: unknown) => Action
  readonly #calls: CallCompiler | undefined
  readonly #original: AnyStateMachine
  readonly #machine: AnyStateMachine
  readonly #nodes: readonly AnyStateNode[]
  readonly #twins: readonly AnyStateNode[]
  readonly #scope: Scope
  /** Actions by the one that stands for them in the twin. */
  readonly #marks = new Map<unknown, readonly Action[]>()
  /** Transitions by the guard that stands for them in the twin. */
  readonly #gates = new Map<unknown, AnyTransitionDefinition>()
  /** The transitions whose guards pass. */
  #open: readonly AnyTransitionDefinition[] = []
  #actions: Action[] = []
  #taken: Microstep | undefined
  #raised: string[] = []

  constructor(
    machine: AnyStateMachine,
    compile: (action: unknown) => Action,
    calls: CallCompiler | undefined,
  ) {
    this.#compile = compile
    this.#calls = calls
    this.#original = machine
    this.#nodes = nodesOf(machine.root)
    this.#machine = createMachine(this.#stateOf(machine.root)) as AnyStateMachine
    this.#twins = nodesOf(this.#machine.root)
    this.#checkAlike()
    const nothing = (): void => {}
    this.#scope = {
      self: {},
      id: '',
      sessionId: '',
      logger: nothing,
      defer: nothing,
      emit: nothing,
      stopChild: nothing,
      system: { _sendInspectionEvent: (microstep: Microstep) => this.#see(microstep) },
      actionExecutor: ({ exec }: { exec: unknown }) => {
        this.#actions.push(...(this.#marks.get(exec) ?? []))
      },
    } as unknown as Scope
  }

  /** The same states of the twin, as they are restored. */
  twinOf({ value, status, historyValue }: Pick<Snapshot, 'value' | 'status' | 'historyValue'>) {
    const remembered = Object.entries(historyValue as TwinPlace['historyValue'])
    const resolved = this.#machine.resolveState({
      value,
      context: {},
      historyValue: Object.fromEntries(
        remembered.map(([id, nodes]) => [id, translate(nodes, this.#nodes, this.#twins)]),
      ),
    }) as Snapshot
    return Object.assign(resolved, { status }) as Snapshot
  }

  placeOf(twin: Snapshot): TwinPlace {
    const remembered = Object.entries(twin.historyValue as TwinPlace['historyValue'])
    return {
      machine: this.#original,
      nodes: translate(twin._nodes, this.#twins, this.#nodes),
      historyValue: Object.fromEntries(
        remembered.map(([id, nodes]) => [id, translate(nodes, this.#twins, this.#nodes)]),
      ),
      twin,
    }
  }

  /**
   * Takes the transitions that were selected for an event, or without one.
   *
   * @throws {@link Uncompilable} where XState would have taken others
   */
  record(
    from: Snapshot,
    selected: readonly AnyTransitionDefinition[],
    type: string | undefined,
  ): Recording {
    this.#open = selected
    this.#actions = []
    this.#taken = undefined
    this.#raised = []
    this.#machine.transition(from, { type: type ?? 'reenact.always' }, this.#scope)
    const taken = this.#taken as Microstep | undefined
    const transitions = (taken?._transitions ?? []).map(({ guard }) => this.#gates.get(guard))
    // Those without event are told apart from each other before they are reported.
    const asSelected =
      type === undefined
        ? transitions.every((transition) => transition && selected.includes(transition))
        : transitions.length === selected.length &&
          transitions.every((transition, at) => transition === selected[at])
    if (!taken || !asSelected) throw new Uncompilable('XState selects other transitions')
    return { actions: this.#actions, after: taken.snapshot, raised: this.#raised }
  }

  /**
   * Enters the initial state.
   *
   * @throws {@link Uncompilable} where XState cannot
   */
  recordInitial(): Recording {
    this.#open = []
    this.#actions = []
    // Nothing is taken after it: what is seen was raised on the way.
    this.#taken = nothingTaken
    this.#raised = []
    const after = this.#machine.getInitialSnapshot(this.#scope) as Snapshot
    if (after.status === 'error') throw new Uncompilable('its initial state')
    return { actions: this.#actions, after, raised: this.#raised }
  }

  /** The first microstep with transitions is the one; later ones show what it raised. */
  #see(microstep: Microstep): void {
    if (this.#taken) this.#raised.push(microstep.event.type)
    else if (microstep._transitions?.length !== 0) {
      this.#taken = microstep
      this.#open = []
    }
  }

  #stateOf(node: AnyStateNode): Config {
    const { id, type, history, target, initial, always } = node.config as Config
    const calls = this.#calls
    const taking = (configs: unknown, descriptor: string) =>
      this.#transitionsOf(configs, transitionsOf(node).find(([one]) => one === descriptor)?.[1])
    const key = typeof initial === 'string' ? initial : (initial as Config | undefined)?.['target']
    return {
      ...(id === undefined ? {} : { id }),
      ...(type === undefined ? {} : { type }),
      ...(history === undefined ? {} : { history }),
      ...(target === undefined ? {} : { target }),
      ...(initial === undefined
        ? {}
        : { initial: { target: key, actions: this.#mark(node.initial.actions) } }),
      entry: this.#mark(node.entry, calls?.begin(node)),
      exit: this.#mark(node.exit, calls?.leave(node)),
      on: Object.fromEntries(answersOf(node).map(([one, configs]) => [one, taking(configs, one)])),
      ...(always ? { always: taking(always, '') } : {}),
      ...(calls && !node.parent && node.output !== undefined
        ? // Asked for at the very place where the original would give it.
          { output: ({ event }: Microstep) => void this.#actions.push(calls.output(event.type)) }
        : {}),
      ...(node.config.states
        ? {
            states: Object.fromEntries(
              Object.entries(node.states).map(([name, child]) => [
                name,
                this.#stateOf(child as AnyStateNode),
              ]),
            ),
          }
        : {}),
    }
  }

  #transitionsOf(configs: unknown, originals: readonly AnyTransitionDefinition[] = []) {
    return listOf(configs).map((config, at) => {
      const original = originals[at]
      if (!original) throw new Uncompilable('two transitions of one name')
      const target = typeof config === 'object' ? (config as Config | null)?.['target'] : config
      if (!listOf(target).every((one) => one === undefined || typeof one === 'string')) {
        throw new Uncompilable('a target that is not a string')
      }
      const gate = (): boolean => this.#open.includes(original)
      this.#gates.set(gate, original)
      return {
        target,
        reenter: original.reenter,
        guard: gate,
        actions: this.#mark(original.actions),
      }
    })
  }

  #mark(actions: readonly unknown[], more: readonly Action[] = []): readonly (() => void)[] {
    if (actions.length + more.length === 0) return []
    const mark = (): void => {}
    this.#marks.set(mark, [...actions.map((action) => this.#compile(action)), ...more])
    return [mark]
  }

  /** What was copied must read as the original does. */
  #checkAlike(): void {
    const textOf = (node: AnyStateNode): string =>
      JSON.stringify([
        [node.id, node.type, node.history, node.order],
        node.initial.target?.map(({ id }) => id),
        transitionsOf(node).map(([descriptor, transitions]) => [
          descriptor,
          transitions.map(({ target, reenter }) => [target?.map(({ id }) => id), reenter]),
        ]),
      ])
    const alike = this.#nodes.every((node, at) => {
      const twin = this.#twins[at]
      // States of one id share an order, which names states here.
      return twin && node.order === at && textOf(twin) === textOf(node)
    })
    if (!alike) throw new Uncompilable('it reads differently without its actions')
  }
}

function translate(
  nodes: readonly AnyStateNode[],
  from: readonly AnyStateNode[],
  to: readonly AnyStateNode[],
): AnyStateNode[] {
  return nodes.map((node) => {
    if (from[node.order] !== node) throw new Uncompilable('a state of another machine')
    return to[node.order] as AnyStateNode
  })
}

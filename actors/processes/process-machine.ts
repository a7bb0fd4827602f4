// XState's pure transition of a process: what an event makes of a state, and what that calls for, as data.

import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  type EventObject,
  fromTransition,
} from 'xstate'
import { ReenactError } from '../../runtime/core/errors.ts'
import { type Call, stepName } from '../compiled-calls.ts'
import { CompiledSnapshot } from '../compiled-configuration.ts'
import { type CompiledMachine, compileMachine } from '../compiled-machine.ts'
import { RestOrder, type Step } from '../machine.ts'
import { rejectTag } from '../reject.ts'
import { logicOf } from './process-rules.ts'
import { type StepDefinition, stepOf } from './step-logic.ts'

/** What a transition calls for; calls and events each in the order of the machine. */
export type Effect = Call<StepDefinition> | { readonly kind: 'emit'; readonly event: EventObject }

/** A state and what entering it calls for. */
export interface Moved {
  readonly snapshot: AnyMachineSnapshot
  readonly effects: readonly Effect[]
}

interface Action {
  readonly type: string
  readonly params: unknown
  readonly exec: unknown
}

interface SpawnParams {
  readonly id?: string
  readonly src: unknown
  readonly input: unknown
  readonly actorRef?: { readonly id: string; readonly logic?: unknown }
}

interface RaiseParams {
  readonly id?: string
  readonly delay?: number
  readonly event: EventObject
}

type Scope = Parameters<AnyStateMachine['transition']>[2]

/** Options of {@link ProcessMachine}. */
export interface ProcessMachineOptions {
  /** `false`: let XState work out every step. Default `true`. */
  readonly compile?: boolean
}

/** Runs the machine of one kind of process: looked up in a table, or worked out by XState. */
export class ProcessMachine {
  /** Whether steps are looked up, or what only XState can run. */
  readonly compiled: 'yes' | { readonly no: string }
  readonly #name: string
  readonly #machine: AnyStateMachine
  readonly #table: CompiledMachine | undefined
  readonly #rest: RestOrder
  readonly #scope: Scope
  #actions: Action[] = []
  #worked = 0

  constructor(name: string, machine: AnyStateMachine, options: ProcessMachineOptions = {}) {
    this.#name = name
    this.#machine = machine
    // One inert parent for all: XState's own `transition()` makes one at each call, and asks the machine for a state
    // without input to do so.
    const self = createActor(
      fromTransition((state: null) => state, null),
      { id: name },
    )
    const scope = {
      self,
      id: '',
      sessionId: '',
      logger: () => {},
      defer: () => {},
      emit: () => {},
      stopChild: () => {},
      system: self.system,
      actionExecutor: (action: Action) => {
        this.#actions.push(action)
      },
    }
    // It has what the pure transition reads, not the whole interface of a running actor.
    this.#scope = scope as unknown as Scope
    this.#rest = new RestOrder(machine)
    const table =
      options.compile === false
        ? { no: "the option 'compile'" }
        : compileMachine(machine, scope, (src) => stepOf(logicOf(machine, src)))
    this.compiled = 'no' in table ? table : 'yes'
    this.#table = 'no' in table ? undefined : table
  }

  /** How many steps XState had to work out. */
  get worked(): number {
    return this.#worked
  }

  /** Enters the initial state. Throws what the machine's functions throw. */
  begin(input: unknown): Moved {
    const found = this.#found(this.#table?.begin(input))
    if (found) return found
    this.#worked += 1
    this.#actions = []
    const snapshot = this.#machine.getInitialSnapshot(this.#scope, input as undefined)
    // XState turns what is thrown on the way into a status.
    if (snapshot.status === 'error') throw snapshot.error
    return this.#moved(snapshot as AnyMachineSnapshot, this.#actions)
  }

  /** Applies an event. Throws what the machine's functions throw. */
  next(snapshot: AnyMachineSnapshot, event: EventObject): Moved {
    const held: unknown = snapshot
    const isCompiled = held instanceof CompiledSnapshot
    const found =
      isCompiled && this.#table?.owns(held) && this.#found(this.#table.step(held, event))
    if (found) return found
    this.#worked += 1
    this.#actions = []
    const from = isCompiled ? this.#expanded(snapshot) : snapshot
    const next = this.#machine.transition(from as never, event as never, this.#scope)
    return this.#moved(next as AnyMachineSnapshot, this.#actions)
  }

  /** Whether a transition takes the event now. */
  takes(snapshot: AnyMachineSnapshot, event: EventObject): boolean {
    return this.#machine.getTransitionData(snapshot as never, event as never).length > 0
  }

  /** What the table came to, unless it is for XState to say what is wrong with it. */
  #found(step: Step | undefined): Moved | undefined {
    if (!step || step.rejection || step.forbiddenAction !== undefined) return undefined
    const calls = this.#table?.calls as readonly Call<StepDefinition>[]
    const emitted = step.emitted.map((event): Effect => ({ kind: 'emit', event }))
    return { snapshot: step.snapshot, effects: emitted.length > 0 ? [...calls, ...emitted] : calls }
  }

  /** A compiled snapshot as XState's own. Of what was invoked it needs to know no more than the id. */
  #expanded(snapshot: AnyMachineSnapshot): AnyMachineSnapshot {
    const expanded = this.#machine.resolveState(snapshot as never) as AnyMachineSnapshot
    const invokes = snapshot._nodes.flatMap(({ invoke }) => invoke)
    const children = Object.fromEntries(invokes.map(({ id }) => [id, { id }]))
    return Object.assign(expanded, { status: snapshot.status, children }) as AnyMachineSnapshot
  }

  #moved(made: AnyMachineSnapshot, actions: readonly Action[]): Moved {
    const effects: Effect[] = []
    for (const action of actions) {
      const effect = this.#effectOf(action)
      if (effect) effects.push(effect)
    }
    const rested = this.#rest.put(made)
    const adopted: unknown = this.#table?.adopt(rested)
    return { snapshot: (adopted as AnyMachineSnapshot | undefined) ?? rested, effects }
  }

  #effectOf({ type, params, exec }: Action): Effect | undefined {
    switch (type) {
      case 'xstate.spawnChild': {
        const { id, src, input, actorRef } = params as SpawnParams
        const step = stepOf(actorRef?.logic)
        if (!step || !actorRef) {
          throw this.#broken(`it starts '${String(src)}', which is no step`)
        }
        const invokeId = id ?? actorRef.id
        return { kind: 'invoke', id: invokeId, name: stepName(src, invokeId), step, input }
      }
      case 'xstate.stopChild': {
        const child = params as { readonly id: string } | undefined
        return child && { kind: 'stop', id: child.id }
      }
      case 'xstate.raise': {
        const { id, delay, event } = params as RaiseParams
        // Without a delay XState has processed it already.
        if (delay === undefined) return undefined
        if (!Number.isFinite(delay)) throw this.#broken(`it waits ${delay} ms for '${event.type}'`)
        return { kind: 'delay', id, event, delayMs: Math.max(0, delay) }
      }
      case 'xstate.cancel':
        // Older releases of XState give the id itself.
        return { kind: 'cancel', id: (params as { sendId?: string }).sendId ?? String(params) }
      case 'xstate.emit':
        return { kind: 'emit', event: (params as { readonly event: EventObject }).event }
      default:
        throw this.#broken(`it runs the action '${rejectTag(exec) ? 'reject' : type}'`)
    }
  }

  #broken(what: string): ReenactError {
    const fix = 'put effects into steps: command(…) and activity(…)'
    return new ReenactError(
      'InvalidMachine',
      `The machine of process '${this.#name}' cannot go on: ${what}. To mend it: ${fix}.`,
      { aggregate: this.#name, fix },
    )
  }
}

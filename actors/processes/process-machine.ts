// XState's pure transition of a process: what an event makes of a state, and what that calls for, as data.

import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  type EventObject,
  fromTransition,
} from 'xstate'
import { ReenactError } from '../../runtime/core/errors.ts'
import { rejectTag } from '../reject.ts'
import { type StepDefinition, stepOf } from './step-logic.ts'

/** What a transition calls for, in the order of the machine. */
export type Effect =
  /** An `invoke` was entered. */
  | {
      readonly kind: 'invoke'
      readonly id: string
      /** The name of the step as people know it. */
      readonly name: string
      readonly step: StepDefinition
      readonly input: unknown
    }
  /** It was left. */
  | { readonly kind: 'stop'; readonly id: string }
  /** An `after`, or a raise with a delay. */
  | {
      readonly kind: 'delay'
      readonly id: string | undefined
      readonly event: EventObject
      readonly delayMs: number
    }
  | { readonly kind: 'cancel'; readonly id: string }
  | { readonly kind: 'emit'; readonly event: EventObject }

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

/** Runs the machine of one kind of process. */
export class ProcessMachine {
  readonly #name: string
  readonly #machine: AnyStateMachine
  readonly #scope: Scope
  #actions: Action[] = []

  constructor(name: string, machine: AnyStateMachine) {
    this.#name = name
    this.#machine = machine
    // One inert parent for all: XState's own `transition()` makes one at each call, and asks the machine for a state
    // without input to do so.
    const self = createActor(fromTransition((state: null) => state, null))
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
  }

  /** Enters the initial state. Throws what the machine's functions throw. */
  begin(input: unknown): Moved {
    this.#actions = []
    const snapshot = this.#machine.getInitialSnapshot(this.#scope, input as undefined)
    // XState turns what is thrown on the way into a status.
    if (snapshot.status === 'error') throw snapshot.error
    return this.#moved(snapshot as AnyMachineSnapshot, this.#actions)
  }

  /** Applies an event. Throws what the machine's functions throw. */
  next(snapshot: AnyMachineSnapshot, event: EventObject): Moved {
    this.#actions = []
    const next = this.#machine.transition(snapshot as never, event as never, this.#scope)
    return this.#moved(next as AnyMachineSnapshot, this.#actions)
  }

  /** Whether a transition takes the event now. */
  takes(snapshot: AnyMachineSnapshot, event: EventObject): boolean {
    return this.#machine.getTransitionData(snapshot as never, event as never).length > 0
  }

  #moved(snapshot: AnyMachineSnapshot, actions: readonly Action[]): Moved {
    const effects: Effect[] = []
    for (const action of actions) {
      const effect = this.#effectOf(action)
      if (effect) effects.push(effect)
    }
    return { snapshot, effects }
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
        const isNamed = typeof src === 'string' && !src.startsWith('xstate.')
        return { kind: 'invoke', id: invokeId, name: isNamed ? src : invokeId, step, input }
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

// What only machines of processes do: begin steps and leave them, set timers and cancel them. Compiled, as data.

import { type AnyStateMachine, type AnyStateNode, cancel, type EventObject, raise } from 'xstate'
import type { Action, Outside } from './compiled-actions.ts'
import type { Params } from './compiled-guards.ts'

/** What a transition calls for, in the order of the machine. */
export type Call<Step = unknown> =
  /** An `invoke` was entered. */
  | {
      readonly kind: 'invoke'
      readonly id: string
      /** The name of the step as people know it. */
      readonly name: string
      readonly step: Step
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

/** The step that an `invoke` of this source begins. */
export type StepOf = (src: unknown) => unknown

/** The name of an invoked step: of its source, or where that is written inline the id of the invoke. */
export const stepName = (src: unknown, id: string): string =>
  typeof src === 'string' && !src.startsWith('xstate.') ? src : id

/** What actions of a machine with steps did. */
export interface Called {
  calls: Call[]
  /** Output of the machine, once it is done. */
  output: unknown
  /** An action did what only XState can do: the step does not count. */
  left: boolean
}

interface Timer {
  readonly event: unknown
  readonly id: string | undefined
  readonly delay: unknown
  readonly sendId: unknown
}

const resolveOf = (action: unknown): unknown => (action as { resolve: unknown }).resolve
const resolves = { raise: resolveOf(raise({ type: '' })), cancel: resolveOf(cancel('')) }

/** Compiles what leads to a {@link Call}. */
export class CallCompiler {
  readonly #machine: AnyStateMachine
  readonly #outside: Outside
  readonly #stepOf: StepOf
  readonly #called: Called

  constructor(machine: AnyStateMachine, outside: Outside, stepOf: StepOf, called: Called) {
    this.#machine = machine
    this.#outside = outside
    this.#stepOf = stepOf
    this.#called = called
  }

  /** An action of XState that sets or cancels a timer; `undefined` for any other. */
  action(builtin: unknown, params: Params): Action | undefined {
    if (resolveOf(builtin) === resolves.raise) return this.#raise(builtin as Timer, params)
    if (resolveOf(builtin) === resolves.cancel) return this.#cancel(builtin as Timer, params)
    return undefined
  }

  /** Begins what a state invokes. */
  begin(node: AnyStateNode): readonly Action[] {
    const { self } = this.#outside
    const called = this.#called
    return node.invoke.map((invoke): Action => {
      const { id, src, input } = invoke as { id: string; src: unknown; input?: unknown }
      const step = this.#stepOf(src)
      const name = stepName(src, id)
      return (context, event) => {
        const given: unknown = typeof input === 'function' ? input({ context, event, self }) : input
        called.calls.push({ kind: 'invoke', id, name, step, input: given })
        return context
      }
    })
  }

  /** Leaves it. */
  leave(node: AnyStateNode): readonly Action[] {
    return node.invoke.map(({ id }): Action => {
      const call: Call = { kind: 'stop', id }
      return (context) => {
        this.#called.calls.push(call)
        return context
      }
    })
  }

  /** What the machine comes to, when it is done by an event of this type. */
  output(type: string): Action {
    const { self } = this.#outside
    const output: unknown = this.#machine.root.output
    const event = { type, output: undefined }
    return (context) => {
      this.#called.output = typeof output === 'function' ? output({ context, event, self }) : output
      return context
    }
  }

  #raise({ event, id, delay }: Timer, params: Params): Action {
    const { self, system } = this.#outside
    const called = this.#called
    const wait: unknown =
      typeof delay === 'string' ? this.#machine.implementations.delays[delay] : delay
    return (context, received) => {
      const given = params(context, received)
      const args = { context, event: received, self, system }
      const raised: unknown = typeof event === 'function' ? event(args, given) : event
      const delayMs: unknown = typeof wait === 'function' ? wait(args, given) : wait
      // Without a delay it is processed at once, in its place among the others: XState knows where.
      if (typeof delayMs !== 'number' || !Number.isFinite(delayMs) || typeof raised !== 'object') {
        called.left = true
        return context
      }
      const dueMs = Math.max(0, delayMs)
      called.calls.push({ kind: 'delay', id, event: raised as EventObject, delayMs: dueMs })
      return context
    }
  }

  #cancel({ sendId }: Timer, params: Params): Action {
    const { self, system } = this.#outside
    return (context, event) => {
      const given = params(context, event)
      const id: unknown =
        typeof sendId === 'function' ? sendId({ context, event, self, system }, given) : sendId
      this.#called.calls.push({ kind: 'cancel', id: String(id) })
      return context
    }
  }
}

// Actions of a compiled machine: each becomes one function that returns the next context.

import { type AnyStateMachine, assign, type EventObject, emit, enqueueActions } from 'xstate'
import { CallCompiler, type Called, type StepOf } from './compiled-calls.ts'
import {
  compileGuard,
  compileParams,
  type Guard,
  nameOf,
  noParams,
  type Params,
  type Place,
  Uncompilable,
} from './compiled-guards.ts'
import { rejectTag } from './reject.ts'

/** Returns the next context: the same object unless it assigned. */
export type Action = (context: object, event: EventObject, place: Place) => object

/** What actions did besides assigning. */
export interface Effects extends Called {
  emitted: EventObject[] | undefined
  rejection: { readonly reason: string; readonly details: unknown } | undefined
  forbiddenAction: string | undefined
}

/** What leads out of the machine: every action is given it, none may use it. */
export interface Outside {
  readonly self: unknown
  readonly system: unknown
}

type Written = (args: object, params: unknown) => unknown

interface Builtin {
  readonly type: string
  readonly resolve: unknown
  readonly assignment: unknown
  readonly event: unknown
  readonly collect: Written
}

const resolveOf = (action: unknown): unknown => (action as Builtin).resolve

const kinds = {
  assign: resolveOf(assign({})),
  emit: resolveOf(emit({ type: '' })),
  enqueueActions: resolveOf(enqueueActions(() => {})),
}

/** What `enqueue.assign` and `enqueue.emit` put into the queue. */
class Enqueued {
  readonly kind: 'assign' | 'emit'
  readonly what: unknown

  constructor(kind: 'assign' | 'emit', what: unknown) {
    this.kind = kind
    this.what = what
  }
}

/** Compiles the actions of one machine. They leave what they do in {@link effects}. */
export class ActionCompiler {
  readonly effects: Effects = {
    emitted: undefined,
    rejection: undefined,
    forbiddenAction: undefined,
    left: false,
    calls: [],
    output: undefined,
  }
  /** Of a machine with steps. */
  readonly calls: CallCompiler | undefined
  readonly #machine: AnyStateMachine
  readonly #outside: Outside
  readonly #named = new Map<string, Action>()
  readonly #guards = new Map<string, Guard>()
  readonly #spawn = (): never => this.#leave('spawn')
  readonly #check = (guard: unknown): unknown => {
    const asked = this.#asked ?? this.#leave('check')
    return this.#guardOf(guard)(asked.context, asked.event, asked.place)
  }
  readonly #enqueue: object
  // Set while an enqueueActions collects.
  #asked: { context: object; event: EventObject; place: Place } | undefined
  #pending: unknown[] = []

  constructor(machine: AnyStateMachine, outside: Outside, stepOf?: StepOf) {
    this.#machine = machine
    this.#outside = outside
    this.calls = stepOf && new CallCompiler(machine, outside, stepOf, this.effects)
    const add = (action: unknown): void => {
      this.#pending.push(action)
    }
    const leave = (): never => this.#leave('enqueue')
    this.#enqueue = Object.assign(add, {
      assign: (assignment: unknown) => add(new Enqueued('assign', assignment)),
      emit: (event: unknown) => add(new Enqueued('emit', event)),
      cancel: leave,
      raise: leave,
      sendTo: leave,
      sendParent: leave,
      spawnChild: leave,
      stopChild: leave,
    })
  }

  /** Forgets what the step before did. */
  reset(): void {
    const { effects } = this
    effects.emitted = undefined
    effects.rejection = undefined
    effects.forbiddenAction = undefined
    effects.left = false
    effects.output = undefined
    if (effects.calls.length > 0) effects.calls = []
  }

  /** The context that a machine begins with. */
  context(input: unknown): object {
    const { context } = this.#machine.config
    if (typeof context !== 'function') return context ?? {}
    const { self } = this.#outside
    const made = (context as unknown as Written)({ spawn: this.#spawn, input, self }, undefined)
    return Object.assign({}, made)
  }

  /** @throws {@link Uncompilable} */
  compile(action: unknown): Action {
    const inline = typeof action === 'function'
    const fn: unknown = inline ? action : this.#machine.implementations.actions[nameOf(action)]
    const params = compileParams(action)
    if (!fn || !('resolve' in (fn as object))) return this.#custom(action, fn, params)
    const builtin = fn as Builtin
    if (builtin.resolve === kinds.assign) return this.#assign(builtin.assignment, params)
    if (builtin.resolve === kinds.emit) return this.#emit(builtin.event, params)
    if (builtin.resolve === kinds.enqueueActions) return this.#collect(builtin.collect, params)
    const call = this.calls?.action(builtin, params)
    if (call) return call
    throw new Uncompilable(`the action '${builtin.type}'`)
  }

  #assign(assignment: unknown, params: Params): Action {
    const { self, system } = this.#outside
    const spawn = this.#spawn
    if (typeof assignment === 'function') {
      return (context, event) => {
        const given = params(context, event)
        const partial: unknown = assignment({ context, event, spawn, self, system }, given)
        return Object.assign({}, context, partial)
      }
    }
    const keys = Object.keys(assignment as object)
    if (keys.includes('__proto__')) throw new Uncompilable("an assign of '__proto__'")
    const values: readonly unknown[] = Object.values(assignment as object)
    return (context, event) => {
      const given = params(context, event)
      const args = { context, event, spawn, self, system }
      const next = Object.assign({} as Record<string, unknown>, context)
      for (let i = 0; i < keys.length; i++) {
        const value = values[i]
        next[keys[i] as string] = typeof value === 'function' ? value(args, given) : value
      }
      return next
    }
  }

  #emit(event: unknown, params: Params): Action {
    const { self, system } = this.#outside
    const { effects } = this
    return (context, received) => {
      const given = params(context, received)
      const emitted: unknown =
        typeof event === 'function'
          ? event({ context, event: received, self, system }, given)
          : event
      if (!emitted) effects.forbiddenAction ??= 'xstate.emit'
      else if (effects.emitted) effects.emitted.push(emitted as EventObject)
      else effects.emitted = [emitted as EventObject]
      return context
    }
  }

  /** XState hands such actions to its executor: `reject` is one, all others are forbidden. */
  #custom(action: unknown, fn: unknown, params: Params): Action {
    const { self, system } = this.#outside
    const { effects } = this
    const type = typeof action === 'function' ? action.name || '(anonymous)' : nameOf(action)
    if (type === 'xstate.emit') throw new Uncompilable("an action of the name 'xstate.emit'")
    const tag = rejectTag(fn)
    return (context, event) => {
      params(context, event)
      if (!tag) {
        effects.forbiddenAction ??= type
        return context
      }
      const details =
        typeof tag.details === 'function'
          ? tag.details({ context, event, self, system })
          : tag.details
      effects.rejection ??= { reason: tag.reason, details }
      return context
    }
  }

  #collect(collect: Written, params: Params): Action {
    const { self, system } = this.#outside
    const enqueue = this.#enqueue
    const check = this.#check
    return (context, event, place) => {
      const given = params(context, event)
      const pending: unknown[] = []
      this.#pending = pending
      this.#asked = { context, event, place }
      collect({ context, event, enqueue, check, self, system }, given)
      this.#asked = undefined
      // What is enqueued later is lost, as with XState.
      this.#pending = []
      let next = context
      for (const action of pending) next = this.#enqueued(action)(next, event, place)
      return next
    }
  }

  #enqueued(action: unknown): Action {
    if (action instanceof Enqueued) {
      const { kind, what } = action
      return kind === 'emit' ? this.#emit(what, noParams) : this.#assign(what, noParams)
    }
    if (typeof action !== 'string') return this.compile(action)
    const known = this.#named.get(action)
    if (known) return known
    const compiled = this.compile(action)
    if (Object.hasOwn(this.#machine.implementations.actions, action)) {
      this.#named.set(action, compiled)
    }
    return compiled
  }

  #guardOf(guard: unknown): Guard {
    const known = typeof guard === 'string' ? this.#guards.get(guard) : undefined
    if (known) return known
    try {
      const compiled = compileGuard(this.#machine, guard)
      if (typeof guard === 'string') this.#guards.set(guard, compiled)
      return compiled
    } catch {
      // Not a plain throw: the one who asks may catch it.
      return this.#leave('check')
    }
  }

  #leave(what: string): never {
    this.effects.left = true
    throw new Uncompilable(`'${what}' leads out of the machine`)
  }
}

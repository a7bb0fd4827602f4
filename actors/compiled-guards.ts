// Guards of a compiled machine: each becomes one function, with `and`, `or`, `not` and `stateIn` resolved.

import {
  type AnyStateMachine,
  type AnyStateNode,
  and,
  type EventObject,
  matchesState,
  not,
  or,
  type StateValue,
  stateIn,
} from 'xstate'

/** Where a machine stands while guards and actions run. */
export interface Place {
  readonly value: StateValue
  readonly nodes: readonly AnyStateNode[]
}

/** Passes when it returns something truthy. */
export type Guard = (context: object, event: EventObject, place: Place) => unknown

/** What is left to XState, and why. Never leaves the compiled machine. */
export class Uncompilable extends Error {}

/** What a guard or action is given, by `params` beside its name. */
export type Params = (context: object, event: EventObject) => unknown

/** For what is referenced without params. */
export const noParams: Params = () => undefined

/** `params` of a guard or an action as XState reads them. */
export function compileParams(referenced: unknown): Params {
  if (typeof referenced !== 'object' || referenced === null || !('params' in referenced)) {
    return noParams
  }
  const holder = referenced as { params: unknown }
  if (typeof holder.params !== 'function') return () => holder.params
  const called = holder as { params: (args: object) => unknown }
  return (context, event) => called.params({ context, event })
}

/** Name of a guard or action that is not written in place. */
export const nameOf = (referenced: unknown): string =>
  typeof referenced === 'string' ? referenced : (referenced as { type: string }).type

type Written = (args: object, params: unknown) => unknown

interface Builtin {
  readonly check: unknown
  readonly guards: readonly unknown[]
  readonly stateValue: StateValue
}

const checkOf = (guard: unknown): unknown => (guard as Builtin).check

const checks = {
  and: checkOf(and([])),
  or: checkOf(or([])),
  not: checkOf(not(() => true)),
  stateIn: checkOf(stateIn('')),
}

/** @throws {@link Uncompilable} */
export function compileGuard(machine: AnyStateMachine, guard: unknown): Guard {
  const inline = typeof guard === 'function'
  const fn: unknown = inline ? guard : machine.implementations.guards[nameOf(guard)]
  if (typeof fn !== 'function') {
    throw new Uncompilable(`the guard '${nameOf(guard)}' is not a function`)
  }
  const params = inline ? noParams : compileParams(guard)
  if ('check' in fn) {
    // XState reads them, and they may throw.
    if (params !== noParams) throw new Uncompilable(`the guard '${nameOf(guard)}' has params`)
    return compileBuiltin(machine, fn as unknown as Builtin)
  }
  const written = fn as Written
  if (params === noParams) return (context, event) => written({ context, event }, undefined)
  return (context, event) => written({ context, event }, params(context, event))
}

function compileBuiltin(machine: AnyStateMachine, builtin: Builtin): Guard {
  if (builtin.check === checks.stateIn) return compileStateIn(machine, builtin.stateValue)
  const parts = () => builtin.guards.map((guard) => compileGuard(machine, guard))
  if (builtin.check === checks.not) {
    const part = compileGuard(machine, builtin.guards[0])
    return (context, event, place) => !part(context, event, place)
  }
  if (builtin.check === checks.and) {
    const all = parts()
    return (context, event, place) => {
      for (const part of all) if (!part(context, event, place)) return false
      return true
    }
  }
  if (builtin.check === checks.or) {
    const any = parts()
    return (context, event, place) => {
      for (const part of any) if (part(context, event, place)) return true
      return false
    }
  }
  throw new Uncompilable('a guard has a check of its own')
}

function compileStateIn(machine: AnyStateMachine, value: StateValue): Guard {
  if (typeof value === 'string' && value.startsWith('#')) {
    const target = machine.getStateNodeById(value)
    return (_context, _event, place) => place.nodes.includes(target)
  }
  return (_context, _event, place) => matchesState(value, place.value)
}

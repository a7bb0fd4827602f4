// What a machine may hold to be a process: everything it does must be data that a log can keep.

import type { AnyActorLogic, AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate'
import { ReenactError } from '../../runtime/core/errors.ts'
import { nodeName } from '../machine-rules.ts'
import { impurityOf } from '../machine-text.ts'
import type { Model } from '../model.ts'
import { stepOf } from './step-logic.ts'

const allowed: ReadonlySet<string> = new Set([
  'assign',
  'emit',
  'raise',
  'cancel',
  'enqueueActions',
])

/** Why other actions of XState cannot be made durable. */
const reasons: Readonly<Record<string, string>> = {
  spawnChild: 'a spawned actor has no state in which its outcome is awaited: use invoke',
  stopChild: 'a step ends by leaving its state',
  sendTo: 'what is sent to another actor is lost in a crash: invoke a command(…)',
  sendParent: 'a process has no parent: emit an event',
  forwardTo: 'what is sent to another actor is lost in a crash: invoke a command(…)',
  log: 'it would be written again by every replay: write logs where events are read',
}

/** The actor logic that an `invoke` of this source runs. */
export function logicOf(machine: AnyStateMachine, src: unknown): unknown {
  if (typeof src !== 'string') return src
  const { actors } = machine.implementations
  const own = (actors as Record<string, AnyActorLogic | undefined>)[src]
  if (own) return own
  // XState names what is written inline by its place.
  const inline = /^xstate\.invoke\.(\d+)\.(.*)$/.exec(src)
  if (!inline) return undefined
  const node = machine.getStateNodeById(inline[2] as string) as AnyStateNode
  const configs = [node.config.invoke].flat() as ({ src?: unknown } | undefined)[]
  return configs[Number(inline[1])]?.src
}

class Rules {
  readonly #name: string
  readonly #machine: AnyStateMachine
  readonly #invokeIds = new Set<string>()
  readonly #models = new Set<Model>()

  constructor(name: string, machine: AnyStateMachine) {
    this.#name = name
    this.#machine = machine
  }

  check(): ReadonlySet<Model> {
    this.#pure(this.#machine.root, 'context', this.#machine.config.context)
    this.#walk(this.#machine.root)
    return this.#models
  }

  #walk(node: AnyStateNode): void {
    this.#actions(node, 'entry', node.entry)
    this.#actions(node, 'exit', node.exit)
    if (node.type === 'compound') this.#actions(node, 'initial', node.initial.actions)
    this.#pure(node, 'output', node.output)
    for (const invoke of node.invoke) this.#invoke(node, invoke)
    for (const transition of node.always ?? []) this.#transition(node, 'always', transition)
    for (const [type, transitions] of node.transitions) {
      for (const transition of transitions) this.#transition(node, type, transition)
    }
    const { delays } = this.#machine.implementations
    for (const delay of Object.keys(node.config.after ?? {})) {
      if (!Number.isNaN(Number(delay))) continue
      if (delays[delay] === undefined) {
        throw this.#broken(
          node,
          `delay '${delay}' is not implemented`,
          'add it to setup({ delays })',
        )
      }
      this.#pure(node, `delay '${delay}'`, delays[delay])
    }
    for (const child of Object.values<AnyStateNode>(node.states)) this.#walk(child)
  }

  #invoke(node: AnyStateNode, invoke: AnyStateNode['invoke'][number]): void {
    const { src, systemId, input, onSnapshot } = invoke as typeof invoke & { input?: unknown }
    const name = typeof src === 'string' ? src : 'an inline logic'
    const step = stepOf(logicOf(this.#machine, src))
    if (step?.kind === 'command') this.#models.add(step.model)
    if (!step) {
      const what =
        logicOf(this.#machine, src) === undefined
          ? `it invokes '${name}', which is not implemented`
          : `it invokes '${name}', whose work would be lost in a crash and repeated by a replay`
      throw this.#broken(
        node,
        what,
        'use command(…), activity(…) or compensate in setup({ actors })',
      )
    }
    if (this.#invokeIds.has(invoke.id)) {
      throw this.#broken(
        node,
        `two invokes have the id '${invoke.id}'`,
        'give each its own id, or none',
      )
    }
    this.#invokeIds.add(invoke.id)
    if (systemId !== undefined) {
      throw this.#broken(
        node,
        `it gives '${name}' a systemId: there is no system after a restart`,
        'remove it',
      )
    }
    if (onSnapshot !== undefined) {
      throw this.#broken(
        node,
        `it has 'onSnapshot' of '${name}': a step has only an outcome`,
        'use onDone and onError',
      )
    }
    this.#pure(node, `the input of '${name}'`, input)
  }

  #transition(node: AnyStateNode, type: string, transition: AnyTransitionDefinition): void {
    this.#actions(node, type, transition.actions)
    this.#guard(node, type, transition.guard)
  }

  #guard(node: AnyStateNode, type: string, guard: unknown): void {
    if (guard === undefined) return
    const name = typeof guard === 'string' ? guard : (guard as { type?: string }).type
    const fn =
      typeof guard === 'function' ? guard : this.#machine.implementations.guards[name ?? '']
    if (!fn)
      throw this.#broken(node, `guard '${name}' is not implemented`, 'add it to setup({ guards })')
    for (const inner of (fn as { guards?: readonly unknown[] }).guards ?? []) {
      this.#guard(node, type, inner)
    }
    this.#pure(node, `a guard on '${type}'`, fn)
  }

  #actions(node: AnyStateNode, type: string, actions: readonly unknown[]): void {
    for (const action of actions) this.#action(node, type, action)
  }

  #action(node: AnyStateNode, type: string, action: unknown): void {
    const name = typeof action === 'string' ? action : (action as { type?: string }).type
    const fn =
      typeof action === 'function' ? action : this.#machine.implementations.actions[name ?? '']
    if (!fn)
      throw this.#broken(
        node,
        `action '${name}' is not implemented`,
        'add it to setup({ actions })',
      )
    const builtin = fn as unknown as { type?: string } & Record<string, unknown>
    const kind = builtin['resolve'] ? (builtin.type ?? '').replace(/^xstate\./, '') : undefined
    if (kind === undefined || !allowed.has(kind)) {
      const why =
        reasons[kind ?? ''] ?? 'its effect would be lost in a crash and repeated by a replay'
      throw this.#broken(
        node,
        `'${type}' has the action '${kind ?? name ?? 'inline function'}': ${why}`,
        'use assign, emit, raise, cancel, and steps for everything else',
      )
    }
    const { assignment, event, collect, delay } = builtin
    const written = [assignment, event, collect, delay]
    if (typeof assignment === 'object' && assignment) written.push(...Object.values(assignment))
    for (const one of written) this.#pure(node, `'${kind}' on '${type}'`, one)
  }

  #pure(node: AnyStateNode, what: string, fn: unknown): void {
    const impurity =
      impurityOf(fn) ??
      (typeof fn === 'function' && /\bspawn\s*\(/.test(String(fn)) ? 'spawns an actor' : undefined)
    if (!impurity) return
    const fix = 'let an activity do it, and take what it returns'
    throw this.#broken(node, `${what} ${impurity}`, fix)
  }

  #broken(node: AnyStateNode, what: string, fix: string): ReenactError {
    const state = nodeName(node)
    return new ReenactError(
      'InvalidMachine',
      `The machine of '${this.#name}' cannot be a process, in state '${state}': ${what}. To mend it: ${fix}.`,
      { aggregate: this.#name, state, fix },
    )
  }
}

/**
 * Checks what a definition shows, and answers the aggregates its commands are for. Throws `InvalidMachine` that names
 * state, reason and fix.
 */
export const checkProcess = (name: string, machine: AnyStateMachine): ReadonlySet<Model> =>
  new Rules(name, machine).check()

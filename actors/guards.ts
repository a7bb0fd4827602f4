// Which transitions a command meets in a state, and which guards refuse it: for rejections and `can`.

import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate'
import type { Snapshot } from './machine.ts'
import { covers, isWildcard, nodeName } from './machine-rules.ts'

/** A transition that could answer, in XState's order: exact type before wildcard. */
export interface Candidate {
  readonly transition: AnyTransitionDefinition
  /** Where it stands: `active.on.withdraw[1]`. */
  readonly path: string
}

/** The active states inside an active state. */
export const activeChildren = (snapshot: Snapshot, node: AnyStateNode): readonly AnyStateNode[] =>
  Object.values<AnyStateNode>(node.states).filter((child) => snapshot._nodes.includes(child))

/** The candidates of one state, without those around or inside it. */
export function candidatesOf(node: AnyStateNode, type: string): readonly Candidate[] {
  const place = node.parent ? `${nodeName(node)}.` : ''
  return descriptorsFor(node, type).flatMap((descriptor) =>
    (node.transitions.get(descriptor) ?? []).map((transition, index) => ({
      transition,
      path: `${place}on.${descriptor}[${index}]`,
    })),
  )
}

function descriptorsFor(node: AnyStateNode, type: string): readonly string[] {
  const wild = [...node.transitions.keys()]
    .filter((descriptor) => isWildcard(descriptor) && covers(descriptor, type))
    .sort((a, b) => b.length - a.length)
  return node.transitions.has(type) ? [type, ...wild] : wild
}

type GuardFunction = ((args: object, params: unknown) => unknown) & {
  readonly check?: (snapshot: Snapshot, args: object, guard: unknown) => boolean
  readonly guards?: readonly unknown[]
}

interface GuardCall {
  readonly snapshot: Snapshot
  readonly args: { readonly context: unknown; readonly event: unknown }
}

/**
 * The guards that say no, by name; an inline guard by its path, a part of `and`, `or`, `not` by its own name.
 * Only guards that XState asked are asked again.
 */
export function refusingGuards(snapshot: Snapshot, command: { type: string }): readonly string[] {
  const call: GuardCall = { snapshot, args: { context: snapshot.context, event: command } }
  const names = new Set<string>()
  ask(call, snapshot.machine.root, command.type, names)
  return [...names]
}

/** Asks a state as XState does: what is inside first, itself only if nothing there answers. */
function ask(call: GuardCall, node: AnyStateNode, type: string, names: Set<string>): boolean {
  let answered = false
  for (const child of activeChildren(call.snapshot, node)) {
    if (ask(call, child, type, names)) answered = true
  }
  if (answered) return true
  for (const { transition, path } of candidatesOf(node, type)) {
    const { guard } = transition
    const refused = guard === undefined ? [] : refusals(call, guard, `${path}.guard`)
    if (refused.length === 0) return true
    for (const name of refused) names.add(name)
  }
  return false
}

function refusals(call: GuardCall, guard: unknown, path: string): readonly string[] {
  const { name, fn, params } = resolve(call.snapshot.machine, call.args, guard)
  const passes = fn.check ? fn.check(call.snapshot, call.args, fn) : Boolean(fn(call.args, params))
  if (passes) return []
  const kind = fn.check ? fn.name : undefined
  if (fn.guards && (kind === 'and' || kind === 'or')) {
    return fn.guards.flatMap((inner, index) => refusals(call, inner, `${path}.${kind}[${index}]`))
  }
  if (fn.guards && kind === 'not') {
    const inner = resolve(call.snapshot.machine, call.args, fn.guards[0])
    return [name ?? `not(${inner.name ?? `${path}.not`})`]
  }
  return [name ?? path]
}

function resolve(
  machine: AnyStateMachine,
  args: GuardCall['args'],
  guard: unknown,
): { name: string | undefined; fn: GuardFunction; params: unknown } {
  if (typeof guard === 'function') {
    return { name: undefined, fn: guard as GuardFunction, params: undefined }
  }
  const { type, params } =
    typeof guard === 'string'
      ? { type: guard, params: undefined }
      : (guard as { type: string; params?: unknown })
  return {
    name: type,
    fn: machine.implementations.guards[type] as unknown as GuardFunction,
    params: typeof params === 'function' ? params(args) : params,
  }
}

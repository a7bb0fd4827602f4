// Which transitions a command meets in a state, and which guards refuse it: for rejections and `can`.

import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate'
import type { Snapshot } from './machine.ts'
import { covers, isWildcard, nodeName } from './machine-rules.ts'

/** A transition that could answer, in XState's order: innermost state first, exact type before wildcard. */
export interface Candidate {
  readonly node: AnyStateNode
  readonly transition: AnyTransitionDefinition
  /** Where it stands: `active.on.withdraw[1]`. */
  readonly path: string
}

/** The candidates of one active leaf, for each leaf: parallel regions answer on their own. */
export function candidatesOf(snapshot: Snapshot, type: string): readonly (readonly Candidate[])[] {
  const leaves = snapshot._nodes.filter(
    (node: AnyStateNode) => Object.keys(node.states).length === 0,
  )
  return leaves.map((leaf: AnyStateNode) => {
    const found: Candidate[] = []
    for (let node: AnyStateNode | undefined = leaf; node; node = node.parent) {
      for (const descriptor of descriptorsFor(node, type)) {
        node.transitions.get(descriptor)?.forEach((transition, index) => {
          const place = node?.parent ? `${nodeName(node)}.` : ''
          const path = `${place}on.${descriptor}[${index}]`
          found.push({ node: node as AnyStateNode, transition, path })
        })
      }
    }
    return found
  })
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
 * Only guards that were asked are asked again: in each region up to the first candidate that passes.
 */
export function refusingGuards(snapshot: Snapshot, command: { type: string }): readonly string[] {
  const call: GuardCall = { snapshot, args: { context: snapshot.context, event: command } }
  const names = new Set<string>()
  for (const candidates of candidatesOf(snapshot, command.type)) {
    for (const { transition, path } of candidates) {
      const { guard } = transition
      const refused = guard === undefined ? [] : refusals(call, guard, `${path}.guard`)
      if (refused.length === 0) break
      for (const name of refused) names.add(name)
    }
  }
  return [...names]
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

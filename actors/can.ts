// `can`: what a state would say to commands, without sending one.

import type { AnyStateNode } from 'xstate'
import { activeChildren, candidatesOf } from './guards.ts'
import type { Snapshot } from './machine.ts'
import type { Model } from './model.ts'
import { rejectTag } from './reject.ts'

/** `depends`: a guard or an action decides, so ask with the payload. */
export type Permission = 'yes' | 'no' | 'depends'

type Answer = 'accept' | 'reject' | 'silent'

/** The answer for each command type the machine names. */
export function permissions(model: Model, snapshot: Snapshot): Record<string, Permission> {
  const answers: Record<string, Permission> = {}
  for (const type of model.commands) answers[type] = permission(snapshot, type)
  return answers
}

function permission(snapshot: Snapshot, type: string): Permission {
  if (snapshot.status !== 'active') return 'no'
  const may = answersOf(snapshot, snapshot.machine.root, type)
  if (!may.has('accept')) return 'no'
  return may.size === 1 ? 'yes' : 'depends'
}

/** All a state may answer with what is inside it, whatever guards say. */
function answersOf(snapshot: Snapshot, node: AnyStateNode, type: string): ReadonlySet<Answer> {
  const regions = activeChildren(snapshot, node).map((child) => answersOf(snapshot, child, type))
  const may = together(regions)
  if (!may.has('silent')) return may
  // Where nothing inside answers, the state itself is asked.
  may.delete('silent')
  for (const { transition } of candidatesOf(node, type)) {
    for (const answer of answersOfActions(snapshot, transition.actions)) may.add(answer)
    if (transition.guard === undefined) return may
  }
  return may.add('silent')
}

/** Regions answer together: one that rejects decides for all, otherwise one that accepts is enough. */
function together(regions: readonly ReadonlySet<Answer>[]): Set<Answer> {
  const may = new Set<Answer>()
  const rejects = (region: ReadonlySet<Answer>) => region.size === 1 && region.has('reject')
  if (regions.some((region) => region.has('reject'))) may.add('reject')
  if (!regions.some(rejects) && regions.some((region) => region.has('accept'))) may.add('accept')
  if (regions.every((region) => region.has('silent'))) may.add('silent')
  return may
}

function answersOfActions(snapshot: Snapshot, actions: readonly unknown[]): readonly Answer[] {
  let answers: readonly Answer[] = ['accept']
  for (const action of actions) {
    const name = typeof action === 'string' ? action : (action as { type?: string }).type
    const fn =
      typeof action === 'function' ? action : snapshot.machine.implementations.actions[name ?? '']
    if (rejectTag(fn)) return ['reject']
    const builtin = (fn as { type?: string } | undefined)?.type
    if (builtin === 'xstate.enqueueActions') answers = ['accept', 'reject']
  }
  return answers
}

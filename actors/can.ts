// `can`: what a state would say to commands, without sending one.

import { type Candidate, candidatesOf } from './guards.ts'
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
  const regions = candidatesOf(snapshot, type).map((candidates) => answersOf(snapshot, candidates))
  const surely = (answer: Answer) => regions.some((may) => may.size === 1 && may.has(answer))
  const possibly = (answer: Answer) => regions.some((may) => may.has(answer))
  // One region that rejects decides for all; otherwise one that accepts is enough.
  if (surely('reject') || !possibly('accept')) return 'no'
  return surely('accept') && !possibly('reject') ? 'yes' : 'depends'
}

/** All a region may answer, whatever its guards say. */
function answersOf(snapshot: Snapshot, candidates: readonly Candidate[]): ReadonlySet<Answer> {
  const may = new Set<Answer>()
  for (const { transition } of candidates) {
    for (const answer of answersOfActions(snapshot, transition.actions)) may.add(answer)
    if (transition.guard === undefined) return may
  }
  return may.add('silent')
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

// evolve: a state and an event give the next state. Pure; nothing else ever changes a state.

import { deepFreeze, settle } from '../runtime/codec/codec.ts'
import { ReenactError } from '../runtime/core/errors.ts'
import type { Snapshot, Step } from './machine.ts'
import { isWildcard } from './machine-rules.ts'
import { type Model, stateText } from './model.ts'

/** An event as the machine takes it. */
export interface Event {
  readonly type: string
}

/**
 * Applies an event. It must be decoded for this call, or frozen: the machine may keep parts of it in its context,
 * which is frozen.
 *
 * Throws `UnexpectedEvent` where no transition takes the event, `InvalidMachine` where handling it emits or
 * acts, and whatever assigns throw.
 */
export function evolve(model: Model, snapshot: Snapshot, event: Event): Snapshot {
  const step = model.runner.step(snapshot, event)
  check(model, snapshot, event.type, step)
  const { context, value } = step.snapshot
  // What a property that is undefined says is lost in a snapshot: so it is never said.
  if (context !== snapshot.context) settle(context)
  if (typeof value === 'object') deepFreeze(value)
  return step.snapshot
}

function check(model: Model, before: Snapshot, type: string, step: Step): void {
  const { selected, emitted, rejection, forbiddenAction } = step
  if (selected.length === 0 || before.status !== 'active') throw unexpected(model, before, type, '')
  for (const transition of selected) {
    if (isWildcard(transition.eventType)) {
      throw unexpected(model, before, type, ', only a wildcard, which never answers for an event')
    }
  }
  if (emitted.length === 0 && !rejection && !forbiddenAction) return
  const did = forbiddenAction
    ? `ran the action '${forbiddenAction}'`
    : rejection
      ? 'rejected'
      : 'emitted'
  const state = stateText(before.value)
  const fix = 'only assign while an event is handled'
  throw new ReenactError(
    'InvalidMachine',
    `Event '${type}' of '${model.name}' ${did} in state '${state}'. To mend it: ${fix}.`,
    { aggregate: model.name, state, type, fix },
  )
}

function unexpected(model: Model, before: Snapshot, type: string, but: string): ReenactError {
  const state = stateText(before.value)
  return new ReenactError(
    'UnexpectedEvent',
    `State '${state}' of '${model.name}' has no transition for event '${type}'${but}. Add one; '${type}: {}' if it changes nothing there.`,
    { aggregate: model.name, state, type },
  )
}

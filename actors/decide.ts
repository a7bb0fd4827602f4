// decide: a state and a command give events or a rejection. Pure; the state stays as it was.

import { decode, deepFreeze, encode } from '../runtime/codec/codec.ts'
import { isReenactError, messageOf, ReenactError } from '../runtime/core/errors.ts'
import { evolve } from './evolve.ts'
import { refusingGuards } from './guards.ts'
import type { Snapshot, Step } from './machine.ts'
import { type Model, stateText } from './model.ts'
import { validate } from './schema.ts'

/** A command as the machine sees it. */
export interface Command {
  readonly type: string
}

/** An event that was decided: its data as the log will hold it. */
export interface DecidedEvent {
  readonly type: string
  readonly version: number
  readonly data: string
  /** As the caller sees it: what a reader of the log would get. */
  readonly event: object
}

/** Why a command was refused. */
export interface Refusal {
  readonly guards: readonly string[]
  readonly reason?: string
  readonly details?: unknown
}

export type Decision =
  | {
      readonly accepted: true
      readonly events: readonly DecidedEvent[]
      /** The state after the events. */
      readonly snapshot: Snapshot
    }
  | { readonly accepted: false; readonly refusal: Refusal }

/**
 * Decides. The emitted events are evolved at once, so that an event which the machine cannot take is found
 * before anything is written.
 *
 * Throws `InvalidMachine`, `InvalidEvent`, `UnexpectedEvent`, `InvalidPayload`, and whatever guards throw.
 */
export function decide(model: Model, snapshot: Snapshot, command: Command): Decision {
  if ((snapshot.status as string) !== 'active') return refused({ guards: [] })
  const step = model.runner.step(snapshot, command)
  checkStill(model, snapshot, command, step)
  if (step.selected.length === 0) return refused({ guards: refusingGuards(snapshot, command) })
  if (step.rejection) {
    const { reason, details } = step.rejection
    return refused({
      guards: refusingGuards(snapshot, command),
      reason,
      ...(details === undefined ? {} : { details: decode(encode({ details }))['details'] }),
    })
  }
  if (step.emitted.length === 0) return { accepted: true, events: [], snapshot }
  let next = snapshot
  const events = step.emitted.map((emitted) => {
    const { type, version, data } = encodeEmitted(model, snapshot, emitted)
    // What evolves is what a replay will read: never the object the machine may still hold.
    const decoded = decode(data)
    next = evolve(model, next, type, decoded)
    return { type, version, data, event: deepFreeze({ type, ...decoded }) }
  })
  return { accepted: true, events, snapshot: next }
}

/** The same for one actor: what its machine throws is `ActorFaulted` and fails this command alone. */
export function decideFor(
  stream: string,
  model: Model,
  snapshot: Snapshot,
  command: Command,
): Decision {
  try {
    return decide(model, snapshot, command)
  } catch (error) {
    if (error instanceof ReenactError) throw error
    throw new ReenactError(
      'ActorFaulted',
      `Command '${command.type}' failed in ${stream}, state '${stateText(snapshot.value)}': ${messageOf(error)}. Nothing was written; mend the machine.`,
      { actor: stream, type: command.type },
      error,
    )
  }
}

const refused = (refusal: Refusal): Decision => ({ accepted: false, refusal })

/** Commands emit, they do not move: value, context object and history stay as they were. */
function checkStill(model: Model, before: Snapshot, command: Command, step: Step): void {
  const after = step.snapshot
  const state = stateText(before.value)
  const broken = (what: string, fix: string) =>
    new ReenactError(
      'InvalidMachine',
      `Command '${command.type}' of '${model.name}' ${what} in state '${state}'. To mend it: ${fix}.`,
      { aggregate: model.name, state, type: command.type, fix },
    )
  if (step.forbiddenAction) {
    throw broken(
      `ran the action '${step.forbiddenAction}'`,
      'use only emit, reject and enqueueActions',
    )
  }
  if (step.rejection && step.emitted.length > 0) {
    throw broken('both emitted and rejected', 'do one of them')
  }
  if (after === before) return
  const changed =
    after.context !== before.context
      ? 'context'
      : stateText(after.value) !== stateText(before.value) || after.status !== before.status
        ? 'state value'
        : JSON.stringify(model.runner.plain(after).history) !==
            JSON.stringify(model.runner.plain(before).history)
          ? 'history'
          : undefined
  if (changed) {
    throw broken(`changed the ${changed}`, 'emit an event and make the change on that event')
  }
}

function encodeEmitted(
  model: Model,
  snapshot: Snapshot,
  emitted: { readonly type: string },
): Omit<DecidedEvent, 'event'> {
  const { type, ...data } = emitted
  const event = model.events.get(type)
  const invalid = (issues: readonly string[], cause?: unknown) =>
    new ReenactError(
      'InvalidEvent',
      `'${model.name}' in state '${stateText(snapshot.value)}' emitted '${type}': ${issues.join('; ')}. Mend the machine or its 'events'.`,
      { aggregate: model.name, type, issues },
      cause,
    )
  if (!event) throw invalid(["it is not declared in 'events'"])
  const validation = event.schema ? validate(event.schema, emitted) : undefined
  if (validation?.issues) throw invalid(validation.issues)
  const { type: _, ...valid } = validation
    ? (validation.value as { type?: string })
    : { ...data, type }
  try {
    return { type, version: event.version, data: encode(valid, { what: `event ${type}` }) }
  } catch (error) {
    if (isReenactError(error, 'TooLarge')) throw error
    throw invalid([messageOf(error)], error)
  }
}

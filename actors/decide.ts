// decide: a state and a command give events or a rejection. Pure; the state stays as it was.

import { decode, encode, encodeEvent } from '../runtime/codec/codec.ts'
import { isReenactError, messageOf, ReenactError } from '../runtime/core/errors.ts'
import { isRecord, kindOf } from '../runtime/core/options.ts'
import { type Event, evolve } from './evolve.ts'
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
  /** As a reader of the log would get it: never the object the machine may still hold. Frozen. */
  readonly event: Event
}

/** Why a command was refused. */
export interface Refusal {
  /** Guards that refused, by name; an inline guard by its path in the machine. */
  readonly guards: readonly string[]
  /** What the machine's `reject` action says. */
  readonly reason?: string
  /** Details of the `reject` action. */
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
      ...(details === undefined
        ? {}
        : { details: storedDetails(model, snapshot, command, details) }),
    })
  }
  if (step.emitted.length === 0) return { accepted: true, events: [], snapshot }
  let next = snapshot
  const events: DecidedEvent[] = []
  for (const emitted of step.emitted) {
    const decided = encodeEmitted(model, snapshot, emitted)
    next = evolve(model, next, decided.event)
    events.push(decided)
  }
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

/** Details of a rejection as the log gives them back. */
function storedDetails(model: Model, snapshot: Snapshot, command: Command, details: unknown) {
  try {
    return decode(encode({ details }, { what: 'It' }))['details']
  } catch (error) {
    const did = `rejected with details that cannot be stored: ${messageOf(error)}`
    throw broken(model, snapshot, command, did, 'give plain JSON data as details')
  }
}

const refused = (refusal: Refusal): Decision => ({ accepted: false, refusal })

/** Commands emit, they do not move: value, context object and history stay as they were. */
function checkStill(model: Model, before: Snapshot, command: Command, step: Step): void {
  const after = step.snapshot
  if (step.forbiddenAction) {
    const did = `ran the action '${step.forbiddenAction}'`
    throw broken(model, before, command, did, 'use only emit, reject and enqueueActions')
  }
  if (step.rejection && step.emitted.length > 0) {
    throw broken(model, before, command, 'both emitted and rejected', 'do one of them')
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
    const fix = 'emit an event and make the change on that event'
    throw broken(model, before, command, `changed the ${changed}`, fix)
  }
}

function broken(
  model: Model,
  before: Snapshot,
  { type }: Command,
  what: string,
  fix: string,
): ReenactError {
  const state = stateText(before.value)
  return new ReenactError(
    'InvalidMachine',
    `Command '${type}' of '${model.name}' ${what} in state '${state}'. To mend it: ${fix}.`,
    { aggregate: model.name, state, type, fix },
  )
}

function encodeEmitted(
  model: Model,
  snapshot: Snapshot,
  emitted: { readonly type: string },
): DecidedEvent {
  const { type } = emitted
  const event = model.events.get(type)
  if (!event) throw invalidEvent(model, snapshot, type, ["it is not declared in 'events'"])
  let given: object = emitted
  if (event.schema) {
    const validation = validate(event.schema, emitted)
    if (validation.issues) throw invalidEvent(model, snapshot, type, validation.issues)
    if (!isRecord(validation.value)) {
      const what = `its schema gives ${kindOf(validation.value)}, not an object`
      throw invalidEvent(model, snapshot, type, [what])
    }
    given = validation.value
  }
  try {
    const encoded = encodeEvent(type, withoutType(given), { what: `event ${type}` })
    return { type, version: event.version, data: encoded.text, event: encoded.event }
  } catch (error) {
    if (isReenactError(error, 'TooLarge')) throw error
    throw invalidEvent(model, snapshot, type, [messageOf(error)], error)
  }
}

/** A copy of the own properties but `type`, as a rest pattern would make it. */
function withoutType(event: object): object {
  const { type: _, ...data } = event as { type?: unknown }
  return data
}

function invalidEvent(
  model: Model,
  { value }: Snapshot,
  type: string,
  issues: readonly string[],
  cause?: unknown,
): ReenactError {
  return new ReenactError(
    'InvalidEvent',
    `'${model.name}' in state '${stateText(value)}' emitted '${type}': ${issues.join('; ')}. Mend the machine or its 'events'.`,
    { aggregate: model.name, type, issues },
    cause,
  )
}

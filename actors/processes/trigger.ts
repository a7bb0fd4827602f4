// Events of the log as triggers of processes, and those that cannot be.

import type { JsonObject } from '../../runtime/codec/codec.ts'
import { isReenactError } from '../../runtime/core/errors.ts'
import { streamName } from '../../runtime/core/stream-name.ts'
import type { RecordedEvent } from '../../runtime/ports/event-store.ts'
import { classOf } from '../failure.ts'
import type { Model } from '../model.ts'
import { hopsOf } from './hops.ts'
import { readLogEvent } from './log-event.ts'
import type { TriggerEntry } from './process-entry.ts'
import { faults } from './process-errors.ts'
import type { ProcessModel } from './process-model.ts'
import type { ReactionInfo } from './reaction.ts'
import { versionOf } from './trigger-shape.ts'

/** What an event tells to which process. */
export interface ProcessTrigger {
  readonly id: string
  readonly starts: boolean
  readonly entry: TriggerEntry
}

/** Where an event that may become a dead letter is found again. */
export interface TriggerPlace extends ReactionInfo {
  /** In the stream of its actor. */
  readonly revision: number
}

/** An event that a kind of process takes, as the log has it. */
export interface ReadTrigger {
  readonly event: JsonObject & { readonly type: string }
  readonly info: TriggerPlace
  readonly position: number
  readonly hops: number
}

/** `undefined` for an event that these processes do not take. */
export function readTrigger(
  models: ReadonlyMap<string, Model>,
  { triggers }: ProcessModel,
  recorded: RecordedEvent,
): ReadTrigger | undefined {
  const read = readLogEvent(models, recorded)
  if (!read || !triggers.has(`${read.info.kind}.${read.event.type}`)) return undefined
  const info = { ...read.info, eventId: recorded.id, revision: recorded.revision }
  return { event: read.event, info, position: recorded.position, hops: hopsOf(recorded) }
}

/** Throws what the `id` of a trigger throws; `InvalidName` for what cannot be one. */
export function triggerOf(
  model: ProcessModel,
  { event: { type, ...data }, info, position, hops }: ReadTrigger,
): ProcessTrigger {
  const trigger = model.triggers.get(`${info.kind}.${type}`)
  if (!trigger) throw new Error(`'${info.kind}.${type}' is no trigger of ${model.name} any more`)
  const event = { ...data, type: trigger.event }
  const entry: TriggerEntry = {
    type: 'reenact.Triggered',
    event,
    version: versionOf(model, trigger.event),
    eventId: info.eventId,
    position,
    correlationId: info.correlationId ?? info.eventId,
    ...(hops > 0 && { hops }),
  }
  const { eventId: _, revision: __, ...about } = info
  const id = trigger.id(event, about)
  streamName(model.name, id)
  return { id, starts: trigger.starts, entry }
}

/** Whether it is this event, or the one process it is for, that cannot be written: the others go on. */
export const isLetter = (error: unknown): boolean =>
  isReenactError(error) && (faults.has(error.code) || classOf(error) === 'permanent')

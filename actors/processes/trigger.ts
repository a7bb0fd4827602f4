// Events of the log as triggers of processes: how they are read, what they tell, and those that cannot be.

import type { JsonObject } from '../../runtime/codec/codec.ts'
import { isReenactError } from '../../runtime/core/errors.ts'
import { streamName } from '../../runtime/core/stream-name.ts'
import type { RecordedEvent } from '../../runtime/ports/event-store.ts'
import { classOf } from '../failure.ts'
import type { Model } from '../model.ts'
import { hopsOf } from './hops.ts'
import { readLogEvent } from './log-event.ts'
import type { Entry, TriggerEntry } from './process-entry.ts'
import { faults } from './process-errors.ts'
import type { ProcessModel, TriggerModel } from './process-model.ts'
import { isEarly, isEnded, type ProcessState } from './process-state.ts'
import type { ReactionInfo } from './reaction.ts'
import { beginning, versionOf } from './trigger-shape.ts'

/** A trigger as it came. */
export interface Trigger {
  readonly rule: Pick<TriggerModel, 'starts' | 'early'>
  readonly entry: TriggerEntry
}

/** What an event tells to which process. */
export interface ProcessTrigger extends Trigger {
  readonly id: string
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
  const rule = model.triggers.get(`${info.kind}.${type}`)
  if (!rule) throw new Error(`'${info.kind}.${type}' is no trigger of ${model.name} any more`)
  const event = { ...data, type: rule.event }
  const entry: TriggerEntry = {
    type: 'reenact.Triggered',
    event,
    version: versionOf(model, rule.event),
    eventId: info.eventId,
    position,
    correlationId: info.correlationId ?? info.eventId,
    ...(hops > 0 && { hops }),
  }
  const { eventId: _, revision: __, ...about } = info
  const id = rule.id(event, about)
  streamName(model.name, id)
  return { id, rule, entry }
}

/** What a trigger tells a process; `undefined`: it is passed over. `revision` is -1 where there is none. */
export function told(
  model: ProcessModel,
  { rule, entry }: Trigger,
  { state, revision }: { readonly state: ProcessState; readonly revision: number },
): Entry | undefined {
  const { position } = entry
  if (isEnded(state) || (position !== null && position <= state.lastTrigger)) return undefined
  if (revision !== -1 && !isEarly(state)) return entry
  if (rule.starts) return beginning(model, entry)
  if (!rule.early) return undefined
  return revision === -1 ? tooEarly(entry) : { ...entry, held: true }
}

/** What is written where it is not known whether the process has begun. */
export const toldBlindly = (model: ProcessModel, { rule, entry }: Trigger): TriggerEntry =>
  rule.starts ? { ...beginning(model, entry), starts: true } : entry

const tooEarly = (input: TriggerEntry): Entry => ({
  type: 'reenact.ProcessParked',
  why: 'early',
  step: null,
  error: {
    kind: 'failed',
    message: `'${input.event.type}' came before the process was started: it is held until an event that starts it comes.`,
    attempts: 0,
  },
  input,
})

/** Whether it is this event, or the one process it is for, that cannot be written: the others go on. */
export const isLetter = (error: unknown): boolean =>
  isReenactError(error) && (faults.has(error.code) || classOf(error) === 'permanent')

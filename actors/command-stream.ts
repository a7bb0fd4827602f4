// Command streams: `account:command-ann` holds what was posted to actor `ann`, `account:parked-ann` what was put aside.

import { decode, decodeEvent, type JsonObject } from '../runtime/codec/codec.ts'
import { type EventMetadata, readMetadata } from '../runtime/codec/metadata.ts'
import type { ExpectedRevision } from '../runtime/core/expected-revision.ts'
import { idOf, streamName } from '../runtime/core/stream-name.ts'
import type { EventToAppend, RecordedEvent } from '../runtime/ports/event-store.ts'
import {
  type CheckedCommand,
  checkCommand,
  checkPosted,
  type SendOptions,
  type Turn,
} from './command.ts'
import type { Model } from './model.ts'
import { identify } from './recorded.ts'

/** The category of the command streams of a kind. */
export const commandCategory = (kind: string): string => `${kind}:command`
/** The category of the streams that hold its dead letters. */
export const parkedCategory = (kind: string): string => `${kind}:parked`

/** The category of the streams that hold commands which are not due yet. */
export const delayedCategory = (kind: string): string => `${kind}:delayed`

/** The streams of one actor. */
export interface ActorStreams {
  readonly id: string
  readonly stream: string
  readonly commands: string
  readonly parked: string
  readonly delayed: string
}

/** The streams of an actor by its id. Throws `InvalidName`. */
export const streamsOf = (kind: string, id: string): ActorStreams => ({
  id,
  stream: streamName(kind, id),
  commands: streamName(commandCategory(kind), id),
  parked: streamName(parkedCategory(kind), id),
  delayed: streamName(delayedCategory(kind), id),
})

/** The streams of the actor whose command or parked stream this is. */
export function streamsOfRelated(kind: string, related: string): ActorStreams {
  const suffix = related.slice(related.indexOf('-'))
  return {
    id: idOf(related),
    stream: `${kind}${suffix}`,
    commands: `${commandCategory(kind)}${suffix}`,
    parked: `${parkedCategory(kind)}${suffix}`,
    delayed: `${delayedCategory(kind)}${suffix}`,
  }
}

/** What a posted command carries beside its payload. */
interface PostedMetadata extends EventMetadata {
  readonly expectedRevision?: ExpectedRevision
  readonly occurredAt?: number
  /** The dead letter it was retried from. */
  readonly retryOf?: string
  /** Not before this, ms since the epoch. */
  readonly dueAt?: number
}

/** How a command is written to its stream. Its hash is its id: it stands for itself. */
export function encodeCommand(
  stream: string,
  checked: CheckedCommand,
  { writer, time, dueAt }: { writer: string; time: number; dueAt: number | undefined },
): EventToAppend {
  const { type, payload, payloadHash, commandId, custom, occurredAt, options } = checked
  const { type: _, ...data } = payload
  const metadata: PostedMetadata = {
    schemaVersion: 1,
    time,
    commandId,
    payloadHash,
    $correlationId: options.correlationId ?? commandId,
    $causationId: options.causationId ?? commandId,
    writer,
    ...(options.traceparent === undefined ? {} : { traceparent: options.traceparent }),
    ...(options.expectedRevision === undefined
      ? {}
      : { expectedRevision: options.expectedRevision }),
    ...(occurredAt === undefined ? {} : { occurredAt }),
    ...(options.late ? { late: true } : {}),
    ...(custom === undefined ? {} : { custom }),
    ...(dueAt === undefined ? {} : { dueAt }),
  }
  // The payload was checked when it was copied.
  const content = { type, data: JSON.stringify(data) }
  // The revision is the log's to give, so it is no part of the hash.
  return identify({ stream, revision: 0, ...content, metadata: JSON.stringify(metadata) }).event
}

/** The payload of a command in the log, with its type. Throws `InvalidPayload`. */
export const payloadOf = ({ type, data }: RecordedEvent): JsonObject => ({ ...decode(data), type })

/** The id of a command in the log, and whether it was posted again by hand. */
export function commandIdOf(recorded: RecordedEvent): { commandId: string; retried: boolean } {
  const { commandId = recorded.id, retryOf }: PostedMetadata = readMetadata(recorded)
  return { commandId, retried: retryOf !== undefined }
}

/** A command as it lies in the log, checked anew. Throws `InvalidCommand`, `InvalidPayload`. */
export function readCommandEvent(
  model: Model,
  stream: string,
  recorded: RecordedEvent,
  turn: Turn,
): CheckedCommand {
  const metadata: PostedMetadata = readMetadata(recorded)
  const { commandId = recorded.id, $correlationId, $causationId, traceparent } = metadata
  const options: { -readonly [Key in keyof SendOptions]: SendOptions[Key] } = {
    commandId,
    correlationId: $correlationId ?? commandId,
    causationId: $causationId ?? commandId,
    timeoutMs: Number.POSITIVE_INFINITY,
  }
  if (traceparent !== undefined) options.traceparent = traceparent
  if (metadata.expectedRevision !== undefined) options.expectedRevision = metadata.expectedRevision
  if (metadata.occurredAt !== undefined) options.occurredAt = metadata.occurredAt
  if (metadata.late) options.late = true
  if (metadata.custom !== undefined) options.metadata = metadata.custom
  const { type, data } = recorded
  const { payloadHash } = metadata
  // A foreign writer's payload is checked and hashed as if it were sent.
  if (payloadHash === undefined) {
    return checkCommand(model, stream, payloadOf(recorded), options, () => commandId, turn)
  }
  const { length } = data
  const given = { type, copy: decodeEvent(type, data), length, payloadHash, options, turn }
  return checkPosted(model, stream, given, commandId)
}

/** Takes the turn of a command that was given up. Its own id, so that a retry of that command is decided. */
export function passCommand(
  model: Model,
  stream: string,
  { type, commandRevision: revision }: { readonly type: string; readonly commandRevision: number },
  after: number,
): CheckedCommand {
  const commandId = `command ${revision} parked`
  const turn: Turn = { revision, after, page: { missed: false }, passed: true }
  const options = { commandId, timeoutMs: Number.POSITIVE_INFINITY }
  return checkCommand(model, stream, { type }, options, () => commandId, turn)
}

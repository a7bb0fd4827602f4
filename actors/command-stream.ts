// Command streams: `account:command-ann` holds what was posted to actor `ann`, `account:parked-ann` what was put aside.

import { decode, decodeEvent, type JsonObject, quoted } from '../runtime/codec/codec.ts'
import { type EventMetadata, metadataStart, readMetadata } from '../runtime/codec/metadata.ts'
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
export const streamsOf = (kind: string, id: string): ActorStreams =>
  // None is longer.
  related(kind, id, streamName(commandCategory(kind), id))

/** The streams of the actor whose command or parked stream this is. */
export const streamsOfRelated = (kind: string, stream: string): ActorStreams =>
  related(kind, idOf(stream), stream)

function related(kind: string, id: string, stream: string): ActorStreams {
  const suffix = stream.slice(stream.indexOf('-'))
  return {
    id,
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
  const { correlationId = commandId, causationId = commandId } = options
  const { traceparent, expectedRevision } = options
  const { type: _, ...data } = payload
  // By hand because it is written for every command.
  let metadata = metadataStart({
    schemaVersion: 1,
    time,
    commandId,
    payloadHash,
    $correlationId: correlationId,
    $causationId: causationId,
    writer,
  })
  if (traceparent !== undefined) metadata += `,"traceparent":${quoted(traceparent)}`
  if (expectedRevision !== undefined) {
    metadata += `,"expectedRevision":${JSON.stringify(expectedRevision)}`
  }
  if (occurredAt !== undefined) metadata += `,"occurredAt":${occurredAt}`
  if (options.late) metadata += ',"late":true'
  if (custom !== undefined) metadata += `,"custom":${JSON.stringify(custom)}`
  if (dueAt !== undefined) metadata += `,"dueAt":${dueAt}`
  // The payload was checked when it was copied.
  const content = { type, data: JSON.stringify(data) }
  // The revision is the log's to give, so it is no part of the hash.
  return identify({ stream, revision: 0, ...content, metadata: `${metadata}}` }).event
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

// The events of one command as they will be appended: metadata, chain and ids.

import { writeMetadata } from '../runtime/codec/metadata.ts'
import { ReenactError } from '../runtime/core/errors.ts'
import { batchBytesMax, eventBytes, eventBytesMax } from '../runtime/core/limits.ts'
import type { EventToAppend } from '../runtime/ports/event-store.ts'
import type { CheckedCommand } from './command.ts'
import type { DecidedEvent } from './decide.ts'
import { identify } from './recorded.ts'
import type { Replayed } from './rehydrate.ts'

/** What becomes an event of the log. */
export type Recordable = Pick<DecidedEvent, 'type' | 'version' | 'data'>

/** What one command would write. */
export interface Encoded {
  readonly events: EventToAppend[]
  readonly bytes: number
  /** Hash of the last event. */
  readonly hash: string
}

/** What a command comes to. */
interface Outcome {
  readonly checked: CheckedCommand
  readonly records: readonly Recordable[]
  /** Own time of its events. */
  readonly time: number
}

/** Encodes what follows on a state. Throws `TooLarge`. */
export function encodeEvents(
  stream: string,
  writer: string,
  state: Replayed,
  { checked, records, time }: Outcome,
): Encoded {
  let { revision, hash } = state
  let bytes = 0
  const events = records.map(({ type, version, data }) => {
    revision += 1
    const metadata = metadataOf(checked, writer, state, version, time, hash)
    const own = eventBytes(type, data, metadata)
    if (own > eventBytesMax) throw tooLarge(stream, `Event '${type}'`, checked, own, eventBytesMax)
    bytes += own
    const made = identify({ stream, revision, type, data, metadata })
    hash = made.hash
    return made.event
  })
  if (bytes > batchBytesMax) throw tooLarge(stream, 'All events', checked, bytes, batchBytesMax)
  return { events, bytes, hash }
}

function metadataOf(
  { commandId, custom, options, payloadHash, turn }: CheckedCommand,
  writer: string,
  state: Replayed,
  schemaVersion: number,
  time: number,
  previousHash: string,
): string {
  const { correlationId = commandId, causationId = commandId, traceparent } = options
  return writeMetadata({
    schemaVersion,
    time,
    commandId,
    late: time < state.time,
    payloadHash,
    $correlationId: correlationId,
    $causationId: causationId,
    writer,
    previousHash,
    traceparent,
    commandRevision: turn?.revision ?? state.commandRevision,
    custom,
  })
}

function tooLarge(
  stream: string,
  what: string,
  { type }: CheckedCommand,
  bytes: number,
  limitBytes: number,
): ReenactError {
  return new ReenactError(
    'TooLarge',
    `${what} of command '${type}' for ${stream} would take ${bytes} bytes, over ${limitBytes}. Emit less, or keep large data elsewhere and emit its address.`,
    { what: `${what} of '${type}'`, bytes, limitBytes },
  )
}

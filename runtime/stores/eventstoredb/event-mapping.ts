// Events between the port, which has texts, and the client, which has JSON values and bytes.
//
// The client encodes and parses JSON by itself. A text that comes back from that exactly as it was goes as JSON, so
// that projections and other programs can read it; any other goes as bytes.

import type { RecordedEvent as ClientRecord, EventData } from '@eventstore/db-client'
import type { EventToAppend, RecordedEvent } from '../../ports/event-store.ts'
import type { Connection } from './connection.ts'

const utf8 = new TextEncoder()

/** An event as the client appends it. */
export function toClient({ id, type, data, metadata }: EventToAppend): EventData {
  const given = metadataBytes(metadata)
  const rest = { id, type, ...(given && { metadata: given }) }
  const value = unchangedByJson(data)
  return (
    value === undefined
      ? { ...rest, contentType: 'application/octet-stream', data: Buffer.from(data) }
      : { ...rest, contentType: 'application/json', data: value }
  ) as EventData
}

/** An event as the client read it. Malformed JSON becomes a JSON text, which is no object: the codec refuses it. */
export function fromClient(connection: Connection, record: ClientRecord): RecordedEvent {
  const { position, metadata } = record as ClientRecord & { readonly metadata?: unknown }
  if (!position || position.commit > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw connection.unavailable('too-old', 'it does not tell the positions of events')
  }
  return {
    stream: record.streamId,
    revision: Number(record.revision),
    position: Number(position.commit),
    id: record.id,
    type: record.type,
    data: record.isJson ? JSON.stringify(record.data) : textOf(record.data as Uint8Array),
    metadata: metadataText(metadata),
    recordedAt: record.created.getTime(),
  }
}

// A leading NUL, which no text has, keeps the client from parsing what it could not give back.
function metadataBytes(text: string): Uint8Array | undefined {
  if (text === '') return undefined
  const safe = unchangedByJson(text) !== undefined || parsed(text) === undefined
  return utf8.encode(safe ? text : `\0${text}`)
}

function metadataText(value: unknown): string {
  if (value === undefined) return ''
  if (!(value instanceof Uint8Array)) return JSON.stringify(value)
  const text = textOf(value)
  return text.startsWith('\0') ? text.slice(1) : text
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

/** The value of a JSON text that encoding gives back exactly. */
function unchangedByJson(text: string): unknown {
  const value = parsed(text)
  return value !== undefined && JSON.stringify(value) === text ? value : undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

// What stands beside the data of every event.

import { wholeNumber } from '../core/whole-number.ts'
import { quoted } from './codec.ts'

/** What Reenact writes beside the data. Foreign writers may lack any of it. */
export interface EventMetadata extends EventHeader {
  /** Its own time is before that of an earlier event, knowingly. */
  readonly late?: true
  /** Hash of the command's canonical payload. */
  readonly payloadHash?: string
  /** The conversation this belongs to. EventStoreDB's own key. */
  readonly $correlationId?: string
  /** The message that caused this one. EventStoreDB's own key. */
  readonly $causationId?: string
  /** The runtime that wrote it. */
  readonly writer?: string
  /** Hash of the event before; empty for the first. */
  readonly previousHash?: string
  readonly traceparent?: string
  /** Everything up to this revision of the actor's command stream is handled. */
  readonly commandRevision?: number
  /** What the caller gave. */
  readonly custom?: Readonly<Record<string, unknown>>
}

/** What a replay needs of every event. It is written first. */
export interface EventHeader {
  readonly schemaVersion?: number
  /** Own time, ms since the epoch. */
  readonly time?: number
  readonly commandId?: string
}

/** All that is written beside an event. Hashes and writer are texts that JSON holds as they are. */
export interface WrittenMetadata {
  readonly schemaVersion: number
  readonly time: number
  readonly commandId: string
  readonly late: boolean
  readonly payloadHash: string
  readonly $correlationId: string
  readonly $causationId: string
  readonly writer: string
  readonly previousHash: string
  readonly traceparent: string | undefined
  /** -1: no command stream was handled yet. */
  readonly commandRevision: number
  readonly custom: Readonly<Record<string, unknown>> | undefined
}

/** Metadata as text, the header first. By hand because it is written for every event. */
export function writeMetadata(metadata: WrittenMetadata): string {
  const { late, previousHash, traceparent, commandRevision, custom } = metadata
  let text = `${metadataStart(metadata)},"previousHash":"${previousHash}"`
  if (late) text += ',"late":true'
  if (traceparent !== undefined) text += `,"traceparent":${quoted(traceparent)}`
  if (commandRevision >= 0) text += `,"commandRevision":${commandRevision}`
  if (custom !== undefined) text += `,"custom":${JSON.stringify(custom)}`
  return `${text}}`
}

/** How the metadata of events and of posted commands begins; the closing brace is missing. */
export function metadataStart(
  metadata: Pick<
    WrittenMetadata,
    | 'schemaVersion'
    | 'time'
    | 'commandId'
    | 'payloadHash'
    | '$correlationId'
    | '$causationId'
    | 'writer'
  >,
): string {
  const { schemaVersion, time, commandId, payloadHash, writer } = metadata
  const { $correlationId, $causationId } = metadata
  const id = quoted(commandId)
  const correlation = $correlationId === commandId ? id : quoted($correlationId)
  const causation = $causationId === commandId ? id : quoted($causationId)
  return `{"schemaVersion":${schemaVersion},"time":${time},"commandId":${id},"payloadHash":"${payloadHash}","$correlationId":${correlation},"$causationId":${causation},"writer":"${writer}"`
}

const versionKey = '{"schemaVersion":'
const timeKey = ',"time":'
const commandKey = ',"commandId":"'

/** Reads the header alone: what begins as Reenact writes it needs no parsing of the rest. */
export function readHeader(event: { readonly metadata: string }): EventHeader {
  const { metadata } = event
  const versionEnd = metadata.indexOf(timeKey)
  const timeEnd = metadata.indexOf(commandKey, versionEnd)
  const idStart = timeEnd + commandKey.length
  const idEnd = metadata.indexOf('"', idStart)
  if (versionEnd > 0 && timeEnd > 0 && idEnd > idStart && metadata.startsWith(versionKey)) {
    const schemaVersion = wholeNumber(metadata, versionKey.length, versionEnd)
    const time = wholeNumber(metadata, versionEnd + timeKey.length, timeEnd)
    const commandId = metadata.slice(idStart, idEnd)
    if (schemaVersion > 0 && time >= 0 && !commandId.includes('\\')) {
      return { schemaVersion, time, commandId }
    }
  }
  return readMetadata(event)
}

/** Whether this writer wrote an entry of a process, by the text alone: beside those stands nothing that a user gave. */
export const wroteIt = (writer: string, { metadata }: { readonly metadata: string }): boolean =>
  metadata.includes(`,"writer":"${writer}","previousHash":"`)

const isText = (value: unknown): boolean => typeof value === 'string'

/** The last time that is a date. */
const dateMsMax = 8.64e15

/** What each field must be to count. Foreign writers may mean something else by the same name. */
const fields: Readonly<Record<keyof EventMetadata, (value: unknown) => boolean>> = {
  schemaVersion: (value) => Number.isInteger(value) && Number(value) >= 1,
  time: (value) => typeof value === 'number' && Math.abs(value) <= dateMsMax,
  commandId: isText,
  late: (value) => value === true,
  payloadHash: isText,
  $correlationId: isText,
  $causationId: isText,
  writer: isText,
  previousHash: isText,
  traceparent: isText,
  commandRevision: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
  custom: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
}

const checks = Object.entries(fields)

/** Reads metadata. What is no JSON object, and fields of another kind than ours, count as absent. */
export function readMetadata(event: { readonly metadata: string }): EventMetadata {
  let parsed: unknown
  try {
    parsed = JSON.parse(event.metadata)
  } catch {
    return {}
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return {}
  const metadata = parsed as Record<string, unknown>
  for (const [name, fits] of checks) {
    const value = metadata[name]
    if (value !== undefined && !fits(value)) delete metadata[name]
  }
  return metadata
}

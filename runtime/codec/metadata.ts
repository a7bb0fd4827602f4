// What stands beside the data of every event.

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

const headerPattern = /^\{"schemaVersion":(\d{1,9}),"time":(\d{1,15}),"commandId":"([^"\\]+)"/

/** Reads the header alone: what begins as Reenact writes it needs no parsing of the rest. */
export function readHeader(event: { readonly metadata: string }): EventHeader {
  const found = headerPattern.exec(event.metadata)
  if (!found) return readMetadata(event)
  return { schemaVersion: Number(found[1]), time: Number(found[2]), commandId: found[3] as string }
}

/** Reads metadata. Foreign metadata that is no JSON object counts as absent. */
export function readMetadata(event: { readonly metadata: string }): EventMetadata {
  try {
    const parsed: unknown = JSON.parse(event.metadata)
    return typeof parsed === 'object' && parsed !== null ? (parsed as EventMetadata) : {}
  } catch {
    return {}
  }
}

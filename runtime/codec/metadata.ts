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

const headerPattern =
  /^\{"schemaVersion":([1-9]\d{0,8}),"time":([1-9]\d{0,14}|0),"commandId":"([^"\\]+)"/

/** Reads the header alone: what begins as Reenact writes it needs no parsing of the rest. */
export function readHeader(event: { readonly metadata: string }): EventHeader {
  const found = headerPattern.exec(event.metadata)
  if (!found) return readMetadata(event)
  return { schemaVersion: Number(found[1]), time: Number(found[2]), commandId: found[3] as string }
}

const isText = (value: unknown): boolean => typeof value === 'string'

/** What each field must be to count. Foreign writers may mean something else by the same name. */
const fields: Readonly<Record<keyof EventMetadata, (value: unknown) => boolean>> = {
  schemaVersion: (value) => Number.isInteger(value) && Number(value) >= 1,
  time: (value) => typeof value === 'number' && !Number.isNaN(new Date(value).getTime()),
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
  for (const [name, fits] of Object.entries(fields)) {
    if (metadata[name] !== undefined && !fits(metadata[name])) delete metadata[name]
  }
  return metadata
}

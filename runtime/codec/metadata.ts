// What stands beside the data of every event.

/** What Reenact writes beside the data. Foreign writers may lack any of it. */
export interface EventMetadata {
  /** The conversation this belongs to. EventStoreDB's own key. */
  readonly $correlationId?: string
  /** The message that caused this one. EventStoreDB's own key. */
  readonly $causationId?: string
  readonly commandId?: string
  /** Hash of the command's canonical payload. */
  readonly payloadHash?: string
  readonly schemaVersion?: number
  /** The runtime that wrote it. */
  readonly writer?: string
  /** Own time, ms since the epoch. */
  readonly time?: number
  /** Its own time is before that of an earlier event, knowingly. */
  readonly late?: true
  /** Hash of the event before; empty for the first. */
  readonly previousHash?: string
  readonly traceparent?: string
  /** What the caller gave. */
  readonly custom?: Readonly<Record<string, unknown>>
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

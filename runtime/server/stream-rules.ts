// The rules of a stream as the protocol has them: the last event of `$$stream`, JSON with keys that begin with `$`.

import { isReenactError } from '../core/errors.ts'
import type { EventStore, EventToAppend, StreamMetadata } from '../ports/event-store.ts'

/** The type of the events in `$$stream`. */
export const metadataType = '$metadata'

/** What `$tb` says of a deleted stream: no revision is beyond it. Too large for a number of JavaScript. */
const deletedMark = '9223372036854775807'

/** The stream that holds the rules of another one. */
export const rulesStreamOf = (stream: string): string => `$$${stream}`

/** The stream whose rules these are, if it is such a stream. */
export const ruledStreamOf = (stream: string): string | undefined =>
  stream.startsWith('$$') ? stream.slice(2) : undefined

/** The text of the last rules, `undefined` if there are none. */
export async function rulesText(store: EventStore, stream: string): Promise<string | undefined> {
  const last = await store.readStream(rulesStreamOf(stream), { direction: 'backwards', limit: 1 })
  return last.events[0]?.data
}

/** The last event of a stream as an object, empty if there is none or it is something else. */
export async function lastObject(
  store: EventStore,
  stream: string,
): Promise<Record<string, unknown>> {
  const { events } = await store.readStream(stream, { direction: 'backwards', limit: 1 })
  return objectOf(events[0]?.data)
}

/** Brings the store's own rules for a stream in line with the last event of `$$stream`. Safe to repeat. */
export async function applyRules(store: EventStore, stream: string): Promise<void> {
  // Only the last rules count: the protocol keeps one event in such a stream.
  await store.setStreamMetadata(rulesStreamOf(stream), { maxCount: 1 })
  const rules = await lastObject(store, rulesStreamOf(stream))
  try {
    if (Number(rules['$tb']) >= Number(deletedMark)) await store.deleteStream(stream)
    else await store.setStreamMetadata(stream, portRules(rules))
  } catch (error) {
    // Tombstoned meanwhile: rules have no meaning any more.
    if (!isReenactError(error, 'StreamDeleted')) throw error
  }
}

/** The rules of a stream that is deleted: what they were, and that nothing may be read. */
export const deletedRules = (id: string, before: string | undefined): EventToAppend =>
  rulesEvent(id, { ...objectOf(before) }, deletedMark)

/** The rules of a stream that was written again: what they were, and where it begins now. */
export const revivedRules = (
  id: string,
  before: string | undefined,
  first: number,
): EventToAppend => rulesEvent(id, { ...objectOf(before) }, String(first))

function rulesEvent(id: string, rules: Record<string, unknown>, tb: string): EventToAppend {
  delete rules['$tb']
  const others = JSON.stringify(rules).slice(1, -1)
  const data = `{${others}${others && ','}"$tb":${tb}}`
  return { id, type: metadataType, data, metadata: '' }
}

/** The rules the port knows. A value that makes no sense counts as absent, as it does in EventStoreDB. */
function portRules(rules: Record<string, unknown>): StreamMetadata {
  const from = (key: string, lowest: number): number | undefined => {
    const value = rules[key]
    return Number.isSafeInteger(value) && (value as number) >= lowest
      ? (value as number)
      : undefined
  }
  const given = {
    truncateBefore: from('$tb', 0),
    maxCount: from('$maxCount', 1),
    maxAgeSeconds: from('$maxAge', 1),
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

function objectOf(text: string | undefined): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text ?? '{}')
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : {}
  } catch {
    return {}
  }
}

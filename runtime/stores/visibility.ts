// Which events of a stream may still be read: deletion, truncation, count and age in one place.

import { noRevision } from '../core/expected-revision.ts'
import type { RecordedEvent, StreamMetadata, StreamPage } from '../ports/event-store.ts'
import { invalidOption } from './append-rules.ts'

/** What a store knows about a stream besides its events. */
export interface StreamStatus {
  /** Last revision ever written, -1 if none. */
  readonly head: number
  readonly deleted: StreamPage['deleted']
  /** Revisions below were deleted. Later rules never bring them back. */
  readonly deletedBelow: number
  readonly metadata: StreamMetadata
}

/** The status of a stream nobody wrote. */
export const unwritten: StreamStatus = {
  head: noRevision,
  deleted: 'no',
  deletedBelow: 0,
  metadata: {},
}

/** Whether anything of the stream may be hidden at all. Most streams have no rules. */
export const hasRules = ({ deleted, deletedBelow, metadata }: StreamStatus): boolean =>
  deleted !== 'no' ||
  deletedBelow > 0 ||
  metadata.truncateBefore !== undefined ||
  metadata.maxCount !== undefined ||
  metadata.maxAgeSeconds !== undefined

/** The first revision that deletion, truncation and count leave readable; age comes on top. */
export function firstKept({ head, deleted, deletedBelow, metadata }: StreamStatus): number {
  if (deleted !== 'no') return head + 1
  const byCount = metadata.maxCount === undefined ? 0 : head + 1 - metadata.maxCount
  return Math.max(deletedBelow, metadata.truncateBefore ?? 0, byCount)
}

/** Events recorded earlier are too old. Recording times never decrease, so these come first. */
export const oldestKept = ({ metadata }: StreamStatus, now: number): number =>
  metadata.maxAgeSeconds === undefined
    ? Number.NEGATIVE_INFINITY
    : now - metadata.maxAgeSeconds * 1000

/** Whether this event may be read now. */
export const isReadable = (
  status: StreamStatus,
  event: Pick<RecordedEvent, 'revision' | 'recordedAt'>,
  now: number,
): boolean => event.revision >= firstKept(status) && event.recordedAt >= oldestKept(status, now)

/** The status after a soft deletion. */
export const softDeleted = (status: StreamStatus): StreamStatus =>
  status.head === noRevision
    ? status
    : { ...status, deleted: 'soft', deletedBelow: status.head + 1 }

/** The rules as they are shown: a deletion looks like a truncation. */
export const shownMetadata = ({ metadata, deletedBelow }: StreamStatus): StreamMetadata =>
  deletedBelow === 0
    ? metadata
    : { ...metadata, truncateBefore: Math.max(deletedBelow, metadata.truncateBefore ?? 0) }

/** A checked copy with the known rules only. Throws `InvalidOption`. */
export function checkedMetadata(given: StreamMetadata): StreamMetadata {
  const atLeast = { truncateBefore: 0, maxCount: 1, maxAgeSeconds: 1 } as const
  const metadata: { -readonly [Rule in keyof StreamMetadata]: StreamMetadata[Rule] } = {}
  for (const rule of ['truncateBefore', 'maxCount', 'maxAgeSeconds'] as const) {
    const value = given[rule]
    if (value === undefined) continue
    if (!Number.isSafeInteger(value) || value < atLeast[rule]) {
      throw invalidOption(
        rule,
        `${value} is out of range`,
        `Give a whole number from ${atLeast[rule]}`,
      )
    }
    metadata[rule] = value
  }
  return metadata
}

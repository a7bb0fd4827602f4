// One event on its way through a group.

import { crc32 } from 'node:zlib'
import type { ConsumerStrategy } from '../../ports/consumer-groups.ts'
import type { RecordedEvent } from '../../ports/event-store.ts'
import type { Member } from './member.ts'

/** How many buckets the pinned strategies spread events over. */
export const bucketCount = 1_024

/** An event and what the group knows about it. */
export interface Message {
  readonly event: RecordedEvent
  /** Revision or position, by what the group reads. */
  readonly place: number
  /** For the pinned strategies. */
  readonly bucket: number
  /** Revision on the parked stream, of what is replayed from there. */
  readonly parkedAt: number | undefined
  retries: number
  /** Who has it. */
  member: Member | undefined
  /** Whether that consumer took it from its queue. */
  received: boolean
  /** When it comes again, by the monotonic clock. */
  dueMs: number
}

/** What is pinned together. */
export function bucketOf(strategy: ConsumerStrategy, event: RecordedEvent): number {
  if (strategy !== 'Pinned' && strategy !== 'PinnedByCorrelation') return 0
  const correlation = strategy === 'Pinned' ? undefined : correlationOf(event)
  return crc32(correlation ?? sourceOf(event)) % bucketCount
}

/** The stream an event is of; for a link the stream it points to. */
function sourceOf({ type, data, stream }: RecordedEvent): string {
  return type === '$>' ? data.slice(data.indexOf('@') + 1) : stream
}

function correlationOf({ metadata }: RecordedEvent): string | undefined {
  try {
    const { $correlationId } = JSON.parse(metadata) as { $correlationId?: unknown }
    return typeof $correlationId === 'string' ? $correlationId : undefined
  } catch {
    return undefined
  }
}

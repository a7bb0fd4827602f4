// Whether a read model holds everything up to a position.

import type { EventStore, LogFilter } from '../runtime/ports/event-store.ts'

/** A checkpoint need not have passed what is not for the projection. */
export async function hasReached(
  store: EventStore,
  filter: LogFilter,
  checkpoint: number,
  wanted: number,
): Promise<boolean> {
  for (let after = checkpoint; after < wanted; ) {
    const page = await store.readAll({ after, limit: 1, filter })
    const [next] = page.events
    if (next) return next.position > wanted
    if (page.end) return true
    after = page.position
  }
  return true
}

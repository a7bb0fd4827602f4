// Whether a checkpoint belongs to this log.

import { ReenactError } from '../runtime/core/errors.ts'
import type { EventStore } from '../runtime/ports/event-store.ts'
import type { Checkpoint } from './ledger.ts'

/** Position of the log's last event, 0 for an empty log. */
export async function logEnd(store: EventStore): Promise<number> {
  const { events } = await store.readAll({ direction: 'backwards', limit: 1 })
  return events[0]?.position ?? 0
}

/**
 * Throws `AheadOfLog` for a checkpoint behind the log's end, or on an event that is another one here. Waiting
 * for the log to grow would hide that it lost events, or was exchanged.
 */
export async function checkAgainstLog(
  store: EventStore,
  projection: string,
  { position, last }: Checkpoint,
): Promise<void> {
  if (position === 0) return
  const head = await logEnd(store)
  if (position > head) throw aheadOfLog(store, projection, position, head)
  if (!last) return
  const { events } = await store.readAll({ after: last.position - 1, limit: 1 })
  const [found] = events
  if (!found || found.position !== last.position || found.id === last.id) return
  throw aheadOfLog(store, projection, position, head, last.position)
}

function aheadOfLog(
  store: EventStore,
  projection: string,
  position: number,
  head: number,
  other?: number,
): ReenactError {
  const what =
    other === undefined
      ? `is at position ${position}, but the log ${store.name} ends at ${head}`
      : `was made from another log than ${store.name}: the events at position ${other} differ`
  return new ReenactError(
    'AheadOfLog',
    `The read model of '${projection}' ${what}. Open the log it belongs to, or rebuild it from this one: runtime.projections.rebuild(${projection}).`,
    { stream: `projection ${projection}`, revision: position, head },
  )
}

// What a reader is sent: events, with the ones that links point at where they were asked for.

import type { EventStore, RecordedEvent } from '../ports/event-store.ts'
import { type Delivery, encodeDelivery } from './delivery.ts'
import { empty, type ReadOptions } from './protocol/messages.ts'
import { linkType } from './stored-event.ts'

/** Makes the messages for events, in their order, each when it is its turn to be sent. */
export type EventMessages = (events: readonly RecordedEvent[]) => Promise<Iterable<object>>

/** As a request asked for it. */
export function eventMessages(
  store: EventStore,
  options: Pick<ReadOptions, 'resolveLinks' | 'uuidOption'>,
): EventMessages {
  const structured = wantsStructured(options)
  return async (events) => {
    const deliveries = await deliveriesOf(store, events, options.resolveLinks)
    return encoded(deliveries, structured)
  }
}

/** Deliveries as messages, each made when it is its turn. `retries` of each where a group sends them. */
export function* encoded(
  deliveries: readonly Delivery[],
  structured: boolean,
  retries?: readonly number[],
): Generator<Buffer> {
  for (const [at, delivery] of deliveries.entries()) {
    yield encodeDelivery(delivery, structured, retries?.[at])
  }
}

/** Whether identifiers are sent as numbers. */
export const wantsStructured = ({ uuidOption }: Pick<ReadOptions, 'uuidOption'>): boolean =>
  uuidOption?.content !== 'string'

/** Events as they are sent, links with what they point at if they are to be resolved. */
export async function deliveriesOf(
  store: EventStore,
  events: readonly RecordedEvent[],
  resolveLinks: boolean,
): Promise<readonly Delivery[]> {
  const plain = (event: RecordedEvent): Delivery => ({ event, link: undefined })
  if (!resolveLinks) return events.map(plain)
  return Promise.all(
    events.map(async (event) =>
      event.type === linkType ? { event: await targetOf(store, event), link: event } : plain(event),
    ),
  )
}

/** Where the log was looked at up to, though nothing matched. */
export const checkpointMessage = (position: number): object => ({
  checkpoint: { commitPosition: position, preparePosition: position },
})

/** Signs without content. */
export const caughtUpMessage = { caughtUp: empty }
export const fellBehindMessage = { fellBehind: empty }

/** The event a link points at, unless it is gone or was never there. */
async function targetOf(
  store: EventStore,
  { data }: RecordedEvent,
): Promise<RecordedEvent | undefined> {
  const [, revision, stream] = /^(\d{1,15})@(.+)$/s.exec(data) ?? []
  if (revision === undefined || stream === undefined) return undefined
  const from = Number(revision)
  const page = await store.readStream(stream, { from, limit: 1 })
  const [event] = page.events
  return event?.revision === from ? event : undefined
}

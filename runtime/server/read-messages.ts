// What a reader is sent: events, with the ones that links point at where they were asked for.

import type { EventStore, RecordedEvent } from '../ports/event-store.ts'
import { empty, type ReadOptions } from './protocol/messages.ts'
import { linkType, toMessage } from './stored-event.ts'

/** Makes the messages for events, in their order. */
export type EventMessages = (events: readonly RecordedEvent[]) => Promise<object[]>

/** As a request asked for it. */
export function eventMessages(store: EventStore, options: ReadOptions): EventMessages {
  const structured = options.uuidOption?.content !== 'string'
  const plain = (event: RecordedEvent): object => ({
    event: { event: toMessage(event, structured), commitPosition: event.position },
  })
  if (!options.resolveLinks) return async (events) => events.map(plain)
  const resolved = async (event: RecordedEvent): Promise<object> => {
    if (event.type !== linkType) return plain(event)
    const target = await targetOf(store, event)
    return {
      event: {
        ...(target && { event: toMessage(target, structured) }),
        link: toMessage(event, structured),
        commitPosition: event.position,
      },
    }
  }
  return (events) => Promise.all(events.map(resolved))
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

// Streams/Read with a subscription: catch up, say so, follow.

import { v4 as newUuid } from 'uuid'
import type { EventStore, RecordedEvent, SubscribeOptions } from '../ports/event-store.ts'
import { type EventFilter, filterOf } from './event-filter.ts'
import type { LinkStreams } from './link-streams.ts'
import { fail, type SendingCall, send } from './outgoing.ts'
import { type ReadOptions, toNumber } from './protocol/messages.ts'
import { placeInLog, sourceOf, wanted } from './read.ts'
import {
  caughtUpMessage,
  checkpointMessage,
  eventMessages,
  fellBehindMessage,
} from './read-messages.ts'
import { streamDeleted } from './rpc-error.ts'
import type { StreamWriter } from './stream-writer.ts'

/** Events of one page: what a slow client may keep the server waiting with. */
const pageMax = 512

export interface SubscriptionHost {
  readonly store: EventStore
  readonly writer: StreamWriter
  readonly links: LinkStreams
}

/**
 * Sends until the client leaves. Nothing is buffered beyond a page: a client that is too slow falls back to
 * catching up, and is told so when it has caught up again.
 */
export async function subscribe(
  { store, writer, links }: SubscriptionHost,
  options: ReadOptions,
  call: SendingCall,
): Promise<void> {
  const stream = options.streamOption === 'stream' ? sourceOf(options) : undefined
  const filter = stream === undefined ? filterOf(options) : undefined
  const toMessages = eventMessages(store, options)
  if (stream !== undefined) {
    const { deleted } = await store.readStream(stream, { limit: 1 })
    if (deleted === 'tombstone') throw streamDeleted(stream)
    await links.follow(stream)
  }
  const subscription = store.subscribe({
    ...startOf(options),
    batchMax: pageMax,
    ...(stream !== undefined && { stream }),
  })
  const close = () => subscription.close()
  call.once('cancelled', close)
  call.once('close', close)
  const stopListening =
    stream === undefined
      ? close
      : writer.whenTombstoned(stream, () => {
          fail(call, streamDeleted(stream))
          close()
        })
  try {
    let live = false
    let looked = 0
    if (!(await send(call, [{ confirmation: { subscriptionId: newUuid() } }]))) return
    for await (const message of subscription) {
      if (message.kind === 'events') {
        for (const part of parts(message.events, filter, looked)) {
          if (!(await send(call, await toMessages(wanted(part.events, filter))))) return
          if (part.checkpoint === undefined) continue
          if (!(await send(call, [checkpointMessage(part.checkpoint)]))) return
        }
        looked += message.events.length
      } else if (message.kind === 'caught-up') {
        if (!(await send(call, live ? [fellBehindMessage, caughtUpMessage] : [caughtUpMessage])))
          return
        live = true
      }
    }
  } finally {
    stopListening()
    close()
  }
}

/** Where a subscription begins. The place given was seen already. */
function startOf(options: ReadOptions): Pick<SubscribeOptions, 'after'> {
  if (options.streamOption === 'all') {
    const place = placeInLog(options)
    return place === 'start' ? {} : { after: place }
  }
  const { revisionOption, revision = 0 } = options.stream ?? {}
  if (revisionOption === 'end') return { after: 'end' }
  return revisionOption === 'revision' ? { after: toNumber(revision) } : {}
}

/** A page, cut where a checkpoint is due: every so many events looked at, taken or not. */
function* parts(
  events: readonly RecordedEvent[],
  filter: EventFilter | undefined,
  looked: number,
): Generator<{ readonly events: readonly RecordedEvent[]; readonly checkpoint?: number }> {
  if (!filter) {
    yield { events }
    return
  }
  let start = 0
  while (start < events.length) {
    const untilDue = filter.checkpointEvery - ((looked + start) % filter.checkpointEvery)
    const part = events.slice(start, start + untilDue)
    start += part.length
    const last = part.at(-1)
    yield { events: part, ...(part.length === untilDue && last && { checkpoint: last.position }) }
  }
}

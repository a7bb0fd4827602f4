// Streams/Read without a subscription: one stream or the log, in either direction, up to a count.

import { PageSize } from '../core/page-size.ts'
import type { EventStore, RecordedEvent } from '../ports/event-store.ts'
import { type EventFilter, filterOf } from './event-filter.ts'
import { streamNameOf } from './expectations.ts'
import { type SendingCall, send } from './outgoing.ts'
import { type ReadOptions, toNumber } from './protocol/messages.ts'
import { type EventMessages, eventMessages } from './read-messages.ts'
import { invalidArgument, streamDeleted } from './rpc-error.ts'
import { ruledStreamOf } from './stream-rules.ts'

const pageMax = 512

/** Sends what was asked for, then returns. */
export async function read(
  store: EventStore,
  options: ReadOptions,
  call: SendingCall,
): Promise<void> {
  const toMessages = eventMessages(store, options)
  const count = options.countOption === 'count' ? toNumber(options.count) : Number.MAX_SAFE_INTEGER
  const readSource = options.streamOption === 'stream' ? readStream : readAll
  await readSource(store, options, count, toMessages, call)
}

async function readStream(
  store: EventStore,
  options: ReadOptions,
  count: number,
  toMessages: EventMessages,
  call: SendingCall,
): Promise<void> {
  const stream = streamNameOf(options.stream?.streamIdentifier)
  const backwards = options.readDirection === 1
  const direction = backwards ? 'backwards' : 'forwards'
  await refuseTombstoned(store, ruledStreamOf(stream))
  let from = startOf(options, backwards)
  const size = new PageSize(pageMax)
  let left = count
  for (let first = true; ; first = false) {
    const limit = Math.max(1, Math.min(left, size.limit))
    const page = await store.readStream(stream, {
      direction,
      limit,
      ...(from !== undefined && { from }),
    })
    if (page.deleted === 'tombstone') throw streamDeleted(stream)
    if (first && (page.head < 0 || page.deleted === 'soft')) {
      const streamIdentifier = { streamName: Buffer.from(stream) }
      await send(call, [{ streamNotFound: { streamIdentifier } }])
      return
    }
    size.learn(page.events)
    const events = page.events.slice(0, left)
    if (!(await send(call, await toMessages(events)))) return
    left -= events.length
    const last = page.events.at(-1)
    if (page.end || left <= 0 || !last) {
      if ((options.controlOption?.compatibility ?? 0) > 0)
        await send(call, [{ lastStreamPosition: page.head }])
      return
    }
    from = last.revision + (backwards ? -1 : 1)
  }
}

async function readAll(
  store: EventStore,
  options: ReadOptions,
  count: number,
  toMessages: EventMessages,
  call: SendingCall,
): Promise<void> {
  const backwards = options.readDirection === 1
  const filter = filterOf(options)
  const begin = placeInLog(options)
  const nothing = backwards ? begin === 'start' : begin === 'end'
  if (nothing || count === 0) return
  // Forwards a place is inclusive, backwards it is not: it lies before its event.
  const place = typeof begin === 'number' ? begin : undefined
  let range = backwards
    ? { direction: 'backwards' as const, ...(place !== undefined && { before: place }) }
    : { after: Math.max(0, (place ?? 1) - 1) }
  const size = new PageSize(pageMax)
  let left = count
  for (;;) {
    const page = await store.readAll({
      ...range,
      limit: filter ? size.limit : Math.min(left, size.limit),
    })
    size.learn(page.events)
    const events = wanted(page.events, filter).slice(0, left)
    if (!(await send(call, await toMessages(events)))) return
    left -= events.length
    if (page.end || left <= 0) return
    range = backwards ? { direction: 'backwards', before: page.position } : { after: page.position }
  }
}

/** The events a filter takes. */
export const wanted = (
  events: readonly RecordedEvent[],
  filter: EventFilter | undefined,
): readonly RecordedEvent[] => (filter ? events.filter((event) => filter.takes(event)) : events)

/** The stream a request reads; the log is `$all`. */
export function sourceOf({ streamOption, stream }: ReadOptions): string {
  if (streamOption === 'stream') return streamNameOf(stream?.streamIdentifier)
  if (streamOption === 'all') return '$all'
  throw invalidArgument("The request names neither a stream nor '$all'.")
}

/** Where in the log a request begins. */
export function placeInLog({ all }: ReadOptions): number | 'start' | 'end' {
  if (all?.allOption === 'position' && all.position) return toNumber(all.position.commitPosition)
  return all?.allOption === 'end' ? 'end' : 'start'
}

/** Where in its stream a request begins; `undefined` is the natural beginning of the direction. */
function startOf({ stream }: ReadOptions, backwards: boolean): number | undefined {
  if (stream?.revisionOption === 'revision') return toNumber(stream.revision)
  if (stream?.revisionOption === 'end') return backwards ? undefined : Number.MAX_SAFE_INTEGER
  return backwards ? 0 : undefined
}

// The rules of a tombstoned stream are gone with it.
async function refuseTombstoned(store: EventStore, ruled: string | undefined): Promise<void> {
  if (!ruled) return
  const { deleted } = await store.readStream(ruled, { limit: 1 })
  if (deleted === 'tombstone') throw streamDeleted(ruled)
}

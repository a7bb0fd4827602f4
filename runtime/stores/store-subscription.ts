// Subscriptions in terms of a store's own reading: one stream or the log.

import { PageSize } from '../core/page-size.ts'
import type { EventStore, SubscribeOptions, Subscription } from '../ports/event-store.ts'
import { invalidOption } from './append-rules.ts'
import type { SourcePage, SubscriptionSource } from './catch-up-subscription.ts'
import { catchUpSubscription } from './catch-up-subscription.ts'
import type { ChangeSignal } from './change-signal.ts'
import { logRange, pageDefault, streamRange } from './read-options.ts'

/** What a store lends to its subscriptions. */
export interface SubscriptionHost {
  readonly changes: ChangeSignal
  /** The open ones, so that closing the store ends them. */
  readonly subscriptions: Set<Subscription>
  /** Position of the last event, now. */
  logEnd(): number | Promise<number>
  /** Revision of the stream's last event, now. */
  streamEnd(stream: string): number | Promise<number>
}

/** Checks the options and subscribes. */
export function subscribeTo(
  store: Pick<EventStore, 'readStream' | 'readAll'>,
  options: SubscribeOptions,
  host: SubscriptionHost,
): Subscription {
  const { stream, filter, after } = options
  const limit = options.batchMax ?? pageDefault
  if (stream !== undefined && filter !== undefined) {
    throw invalidOption('filter', 'it does not go with a stream', 'Leave one of the two out')
  }
  streamRange({ limit })
  const size = new PageSize(limit)
  if (after !== 'end' && after !== undefined) logRange({ after: Math.max(after, 0) })
  const source: SubscriptionSource = {
    start: () => {
      if (after === 'end') return stream === undefined ? host.logEnd() : host.streamEnd(stream)
      return after ?? (stream === undefined ? 0 : -1)
    },
    page: async (checkpoint) => {
      const page = await (stream === undefined
        ? logPage(store, checkpoint, size.limit, filter)
        : streamPage(store, checkpoint, size.limit, stream))
      size.learn(page.events)
      return page
    },
    changes: host.changes,
    onClose: (subscription) => host.subscriptions.delete(subscription),
    checkpointEvery: pageDefault,
  }
  const subscription = catchUpSubscription(source)
  host.subscriptions.add(subscription)
  return subscription
}

async function logPage(
  store: Pick<EventStore, 'readAll'>,
  after: number,
  limit: number,
  filter: SubscribeOptions['filter'],
): Promise<SourcePage> {
  const { events, position, end } = await store.readAll({
    after,
    limit,
    ...(filter && { filter }),
  })
  return { events, checkpoint: position, end }
}

async function streamPage(
  store: Pick<EventStore, 'readStream'>,
  after: number,
  limit: number,
  stream: string,
): Promise<SourcePage> {
  const { events, end } = await store.readStream(stream, { from: after + 1, limit })
  return { events, checkpoint: events.at(-1)?.revision ?? after, end }
}

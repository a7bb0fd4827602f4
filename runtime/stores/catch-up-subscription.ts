// A pulled subscription over any store that can read a page and say when there is more.

import type { RecordedEvent, Subscription, SubscriptionMessage } from '../ports/event-store.ts'
import type { ChangeSignal } from './change-signal.ts'

/** What comes after a checkpoint. */
export interface SourcePage {
  readonly events: readonly RecordedEvent[]
  /** Everything up to here was looked at. Never before the checkpoint asked for. */
  readonly checkpoint: number
  /** Nothing further at the moment of reading. */
  readonly end: boolean
}

export interface SubscriptionSource {
  /** Where to begin; asked for at once, so that `end` means the moment of subscribing. */
  start(): number | Promise<number>
  page(after: number): Promise<SourcePage>
  readonly changes: ChangeSignal
  /** Called once when the subscription is over, however that came about. */
  onClose(subscription: Subscription): void
  /** While live, the least progress without a match that is worth a message. */
  readonly checkpointEvery: number
}

/**
 * Reads page by page, only when asked for the next message, so a slow consumer costs nothing but time. At the
 * end it says so and waits for the store's signal.
 */
export function catchUpSubscription(source: SubscriptionSource): Subscription {
  const closing = new AbortController()
  const begin = startOf(source)
  const subscription: Subscription = {
    close: () => {
      if (closing.signal.aborted) return
      closing.abort()
      source.onClose(subscription)
    },
    [Symbol.asyncIterator]: () => iterator,
  }
  const generator = follow(source, begin, closing.signal)
  // A generator that waits cannot be returned from: close first, which wakes it.
  const iterator: AsyncIterableIterator<SubscriptionMessage> = {
    next: async () => {
      try {
        const result = await generator.next()
        if (result.done) subscription.close()
        return result
      } catch (error) {
        subscription.close()
        throw error
      }
    },
    return: () => {
      subscription.close()
      return generator.return(undefined)
    },
    [Symbol.asyncIterator]: () => iterator,
  }
  return subscription
}

async function* follow(
  source: SubscriptionSource,
  begin: () => number | Promise<number>,
  closed: AbortSignal,
): AsyncGenerator<SubscriptionMessage, undefined> {
  let checkpoint = await begin()
  let told = checkpoint
  let caughtUp = false
  while (!closed.aborted) {
    const seen = source.changes.version
    const page = await source.page(checkpoint)
    if (closed.aborted) return
    checkpoint = page.checkpoint
    if (!page.end) caughtUp = false
    const progressed = checkpoint - told >= (caughtUp ? source.checkpointEvery : 1)
    if (page.events.length > 0) {
      told = checkpoint
      yield { kind: 'events', events: page.events, checkpoint }
    } else if (progressed && !(page.end && !caughtUp)) {
      told = checkpoint
      yield { kind: 'checkpoint', checkpoint }
    }
    if (closed.aborted) return
    if (!page.end) continue
    if (!caughtUp) {
      caughtUp = true
      told = checkpoint
      yield { kind: 'caught-up', checkpoint }
    }
    await changed(source.changes, seen, closed)
  }
}

/** Resolves when there is something new, or at once when closed. */
const changed = (changes: ChangeSignal, seen: number, closed: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (closed.aborted) {
      resolve()
      return
    }
    const wake = () => {
      closed.removeEventListener('abort', giveUp)
      resolve()
    }
    const giveUp = () => {
      stopWaiting()
      resolve()
    }
    closed.addEventListener('abort', giveUp, { once: true })
    const stopWaiting = changes.whenChanged(seen, wake)
  })

// An error while finding the start belongs to the iteration, where the caller looks for errors.
function startOf(source: SubscriptionSource): () => number | Promise<number> {
  try {
    const start = source.start()
    if (typeof start !== 'number') start.catch(() => {})
    return () => start
  } catch (error) {
    return () => {
      throw error
    }
  }
}

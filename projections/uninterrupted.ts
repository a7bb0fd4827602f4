// Subscriptions to the log that end or fail as connections do.

import { isReenactError, messageOf } from '../runtime/core/errors.ts'
import type { Subscription, SubscriptionMessage } from '../runtime/ports/event-store.ts'

/** The log could not be read on. It may come back. */
export class Interrupted extends Error {}

/** An end before it is `over`, and a failure that is not the log's own, are interruptions. */
export async function* uninterrupted(
  subscription: Subscription,
  over: AbortSignal,
): AsyncGenerator<SubscriptionMessage> {
  try {
    yield* subscription
  } catch (error) {
    if (isReenactError(error)) throw error
    throw new Interrupted(messageOf(error), { cause: error })
  }
  if (!over.aborted) throw new Interrupted('The subscription to the log ended.')
}

// The events of one append as they arrive, within what one append may have.

import { batchBytesMax } from '../core/limits.ts'
import type { EventToAppend } from '../ports/event-store.ts'
import type { ProposedMessage } from './protocol/messages.ts'
import { invalidArgument, maximumAppendSizeExceeded } from './rpc-error.ts'
import { toStored } from './stored-event.ts'

/** Events without content have no size, but are kept too. */
const countMax = 100_000

/** Collects until something is wrong, and then keeps nothing. */
export class ProposedEvents {
  readonly #events: EventToAppend[] = []
  #bytes = 0
  #problem: unknown

  /** One more. What is wrong with it is thrown by {@link check}. */
  add(message: ProposedMessage): void {
    if (this.#problem) return
    this.#bytes += message.data.length + message.customMetadata.length
    try {
      if (this.#bytes > batchBytesMax) throw maximumAppendSizeExceeded()
      if (this.#events.length === countMax) {
        throw invalidArgument(`One append has at most ${countMax} events. Make several of it.`)
      }
      this.#events.push(toStored(message))
    } catch (error) {
      this.#problem = error
      this.#events.length = 0
    }
  }

  /** Throws for the first that is wrong. */
  check(): void {
    if (this.#problem) throw this.#problem
  }

  /** All of them. Throws for the first that is wrong. */
  all(): readonly EventToAppend[] {
    this.check()
    return this.#events
  }
}

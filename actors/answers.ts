// Answers to deliveries: what was handled in one turn of the event loop is answered together.

import type { Timers } from '../runtime/core/clock.ts'
import type { Consumer } from '../runtime/ports/consumer-groups.ts'

/** Acknowledges for all consumers of a worker. */
export class Answers {
  readonly #timers: Pick<Timers, 'turn'>
  readonly #groups = new Map<Consumer, { readonly ids: string[]; readonly sent: Promise<void> }>()

  constructor(timers: Pick<Timers, 'turn'>) {
    this.#timers = timers
  }

  /** Resolves when it is sent. */
  ack(consumer: Consumer, id: string): Promise<void> {
    const group = this.#groups.get(consumer)
    if (group) {
      group.ids.push(id)
      return group.sent
    }
    const ids = [id]
    const sent = this.#timers.turn().then(() => {
      this.#groups.delete(consumer)
      return consumer.ack(ids)
    })
    this.#groups.set(consumer, { ids, sent })
    return sent
  }
}

// How far actors without anything to do are: what comes next of them need not begin with a look at the log.

import type { Consumer, Delivery } from '../runtime/ports/consumer-groups.ts'
import type { RecordedEvent } from '../runtime/ports/event-store.ts'
import type { Located } from './place.ts'

const countMax = 16_384

/** By command stream, least recently used first. */
export class RestingPlaces {
  readonly #places = new Map<string, { located: Located; consumer: Consumer }>()

  keep(commands: string, located: Located, consumer: Consumer): void {
    const [oldest] = this.#places.keys()
    if (this.#places.size >= countMax && oldest !== undefined) this.#places.delete(oldest)
    this.#places.set(commands, { located, consumer })
  }

  /** It was handled with what waited before it came; whoever had the actor since, that stays so. */
  isHandled({ stream, revision }: RecordedEvent): boolean {
    const { located } = this.#places.get(stream) ?? {}
    return located !== undefined && revision <= located.handled
  }

  /** Takes the place out. Answers it if this delivery is the next and nobody else had the actor since. */
  take(consumer: Consumer, { event, retries }: Delivery): Located | undefined {
    const resting = this.#places.get(event.stream)
    if (!resting) return undefined
    this.#places.delete(event.stream)
    const { located } = resting
    const isNext = event.revision === located.handled + 1 && retries === 0
    return isNext && resting.consumer === consumer ? located : undefined
  }
}

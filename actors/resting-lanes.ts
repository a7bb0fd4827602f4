// Lanes of actors without anything to do, and how far they are: what comes next need not begin with a look at the log.

import type { Consumer, Delivery } from '../runtime/ports/consumer-groups.ts'
import type { RecordedEvent } from '../runtime/ports/event-store.ts'
import type { Lane } from './lane.ts'

const countMax = 16_384

/** By command stream, least recently used first. */
export class RestingLanes {
  readonly #lanes = new Map<string, { readonly lane: Lane; readonly consumer: Consumer }>()

  /** Keeps a lane that knows where it is, and was fed by this consumer. */
  keep(lane: Lane, consumer: Consumer): void {
    if (this.#lanes.size >= countMax) {
      const [oldest] = this.#lanes.keys()
      if (oldest !== undefined) this.#lanes.delete(oldest)
    }
    this.#lanes.set(lane.streams.commands, { lane, consumer })
  }

  /** It was handled with what waited before it came; whoever had the actor since, that stays so. */
  isHandled({ stream, revision }: RecordedEvent): boolean {
    const handled = this.#lanes.get(stream)?.lane.handled
    return handled !== undefined && revision <= handled
  }

  /** Takes the lane out. Answers it if this delivery is the next and nobody else had the actor since. */
  take(consumer: Consumer, { event, retries }: Delivery): Lane | undefined {
    const resting = this.#lanes.get(event.stream)
    if (!resting) return undefined
    this.#lanes.delete(event.stream)
    const { lane } = resting
    const { handled } = lane
    const isNext = handled !== undefined && event.revision === handled + 1 && retries === 0
    return isNext && resting.consumer === consumer ? lane : undefined
  }
}

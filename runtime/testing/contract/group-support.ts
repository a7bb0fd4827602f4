// What the cases of consumer groups share.

import type {
  ConsumeOptions,
  Delivery,
  GroupInfo,
  GroupKey,
  NackAction,
  NackOptions,
} from '../../ports/consumer-groups.ts'
import type { EventStore } from '../../ports/event-store.ts'

/** A consumer that is driven step by step. */
export class TestConsumer {
  readonly #consumer: Awaited<ReturnType<EventStore['groups']['consume']>>
  readonly #iterator: AsyncIterator<readonly Delivery[]>
  #over: readonly Delivery[] = []

  private constructor(consumer: Awaited<ReturnType<EventStore['groups']['consume']>>) {
    this.#consumer = consumer
    this.#iterator = consumer[Symbol.asyncIterator]()
  }

  static async join(
    { groups }: EventStore,
    key: GroupKey,
    options?: ConsumeOptions,
  ): Promise<TestConsumer> {
    return new TestConsumer(await groups.consume(key, options))
  }

  /** The next so many deliveries; fewer when the consumer ends. */
  async take(count: number): Promise<readonly Delivery[]> {
    let taken = this.#over
    while (taken.length < count) {
      const next = await this.#iterator.next()
      if (next.done) break
      taken = [...taken, ...next.value]
    }
    this.#over = taken.slice(count)
    return taken.slice(0, count)
  }

  /** Whether it ended. Throws what ended it. */
  async ended(): Promise<boolean> {
    return (await this.#iterator.next()).done === true
  }

  ack(deliveries: readonly Delivery[]): Promise<void> {
    return this.#consumer.ack(deliveries.map(({ event }) => event.id))
  }

  nack(deliveries: readonly Delivery[], action: NackAction, options?: NackOptions): Promise<void> {
    return this.#consumer.nack(
      deliveries.map(({ event }) => event.id),
      action,
      options,
    )
  }

  close(): void {
    this.#consumer.close()
  }
}

/** The numbers `events(n)` gave them. */
export const numbers = (deliveries: readonly Delivery[]): number[] =>
  deliveries.map(({ event }) => (JSON.parse(event.data) as { n: number }).n)

/** Asks until the group is as it should be. Fails by the time limit of the test. */
export async function infoWhen(
  { groups }: EventStore,
  key: GroupKey,
  isSo: (info: GroupInfo) => boolean,
): Promise<GroupInfo> {
  for (;;) {
    const info = await groups.info(key)
    if (isSo(info)) return info
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

// Consumer groups: what is not handled comes again or is parked, and what a restart leaves.

import { strict as assert } from 'node:assert'
import type { ContractCase } from './contract-case.ts'
import { append, event, events, idsOf, onStore } from './contract-case.ts'
import { infoWhen, numbers, TestConsumer } from './group-support.ts'

const stream = 'account-1'
const key = { name: 'mailer', stream }

export const groupRetryCases: readonly ContractCase[] = [
  onStore('group: retry delivers again, before what is new', async (store) => {
    await append(store, stream, events(3))
    await store.groups.create(key)
    const consumer = await TestConsumer.join(store, key, { inFlightMax: 1 })
    await consumer.nack(await consumer.take(1), 'retry')
    const again = await consumer.take(1)
    assert.deepEqual([numbers(again), again[0]?.retries], [[0], 1])
    await consumer.ack(again)
    assert.deepEqual(numbers(await consumer.take(1)), [1])
  }),
  onStore(
    'group: retry with a delay lets others pass',
    async (store) => {
      await append(store, stream, events(2))
      await store.groups.create(key)
      const consumer = await TestConsumer.join(store, key, { inFlightMax: 1 })
      await consumer.nack(await consumer.take(1), 'retry', { delayMs: 20 })
      const second = await consumer.take(1)
      assert.deepEqual(numbers(second), [1])
      await consumer.ack(second)
      const again = await consumer.take(1)
      assert.deepEqual([numbers(again), again[0]?.retries], [[0], 1])
    },
    'exactGroups',
  ),
  onStore('group: after the last retry it is parked, with the reason', async (store) => {
    await append(store, stream, events(2))
    await store.groups.create({ ...key, settings: { retriesMax: 2 } })
    const consumer = await TestConsumer.join(store, key, { inFlightMax: 1 })
    for (const retries of [0, 1, 2]) {
      const taken = await consumer.take(1)
      assert.deepEqual([numbers(taken), taken[0]?.retries], [[0], retries])
      await consumer.nack(taken, 'retry', { reason: 'no mail server' })
    }
    assert.deepEqual(numbers(await consumer.take(1)), [1])
    const { parked, parkedStream } = await store.groups.info(key)
    assert.equal(parked, 1)
    const [link] = (await store.readStream(parkedStream)).events
    assert.equal(link?.data, `0@${stream}`)
    assert.match(JSON.parse(link?.metadata ?? '{}').reason, /no mail server/)
  }),
  onStore('group: park, skip and ack are each done with an event', async (store) => {
    await append(store, stream, events(3))
    await store.groups.create(key)
    const consumer = await TestConsumer.join(store, key)
    const [first = [], second = [], third = []] = (await consumer.take(3)).map((one) => [one])
    await consumer.nack(first, 'park')
    await consumer.nack(second, 'skip')
    await consumer.ack(third)
    // Answers are on their way: a group that is changed before they arrive gives them again.
    await infoWhen(store, key, ({ inFlight }) => inFlight === 0)
    await store.groups.update(key, {})
    const { checkpoint, parked, inFlight } = await store.groups.info(key)
    assert.deepEqual([checkpoint, parked, inFlight], [2, 1, 0])
  }),
  onStore(
    'group: stop gives back without counting and ends the consumer',
    async (store) => {
      await append(store, stream, events(1))
      await store.groups.create(key)
      const first = await TestConsumer.join(store, key)
      await first.nack(await first.take(1), 'stop')
      assert.equal(await first.ended(), true)
      const second = await TestConsumer.join(store, key)
      const taken = await second.take(1)
      assert.deepEqual([numbers(taken), taken[0]?.retries], [[0], 0])
    },
    'exactGroups',
  ),
  onStore('group: without an answer in time it comes again', async (store) => {
    await append(store, stream, events(1))
    await store.groups.create({ ...key, settings: { messageTimeoutMs: 20 } })
    const consumer = await TestConsumer.join(store, key)
    const first = await consumer.take(1)
    const again = await consumer.take(1)
    assert.deepEqual([numbers(again), again[0]?.retries], [[0], 1])
    await consumer.ack(first)
    await infoWhen(store, key, ({ inFlight }) => inFlight === 0)
  }),
  onStore('group: who does not answer is passed over for those who do', async (store) => {
    await append(store, stream, events(4))
    const settings = { messageTimeoutMs: 20, strategy: 'Pinned' } as const
    await store.groups.create({ ...key, settings })
    const frozen = await TestConsumer.join(store, key, { inFlightMax: 1 })
    await frozen.take(1)
    const awake = await TestConsumer.join(store, key, { inFlightMax: 4 })
    const seen = new Set<number>()
    while (seen.size < 4) {
      const taken = await awake.take(1)
      for (const n of numbers(taken)) seen.add(n)
      await awake.ack(taken)
    }
    assert.deepEqual([...seen].sort(), [0, 1, 2, 3])
  }),
  onStore('group: a late answer changes nothing', async (store) => {
    await append(store, stream, events(1))
    await store.groups.create({ ...key, settings: { strategy: 'DispatchToSingle' } })
    const first = await TestConsumer.join(store, key)
    const taken = await first.take(1)
    const second = await TestConsumer.join(store, key)
    first.close()
    await second.take(1)
    await first.ack(taken)
    await first.nack(taken, 'park')
    const { inFlight, parked } = await store.groups.info(key)
    assert.deepEqual([inFlight, parked], [1, 0])
  }),
  onStore('group: two events with one id are both handled', async (store) => {
    const twin = event('Happened', { n: 1 })
    await append(store, 'account-1', [twin])
    await append(store, 'account-2', [{ ...twin, data: '{"n":2}' }])
    await store.groups.create({ name: 'log' })
    const consumer = await TestConsumer.join(store, { name: 'log' })
    const first = await consumer.take(1)
    await consumer.ack(first)
    assert.deepEqual(numbers([...first, ...(await consumer.take(1))]), [1, 2])
  }),
  onStore(
    'group: parked events are replayed before new ones, and leave when handled',
    async (store) => {
      await append(store, stream, events(4))
      await store.groups.create(key)
      const consumer = await TestConsumer.join(store, key)
      const taken = await consumer.take(4)
      await consumer.nack(taken.slice(0, 3), 'park')
      await consumer.ack(taken.slice(3))
      assert.equal((await store.groups.info(key)).parked, 3)
      assert.equal(await store.groups.replayParked(key, { limit: 2 }), 2)
      const replayed = await consumer.take(2)
      assert.deepEqual(numbers(replayed), [0, 1])
      assert.ok(replayed.every((delivery) => delivery.replayed && delivery.retries === 0))
      await consumer.ack(replayed)
      await infoWhen(store, key, ({ parked }) => parked === 1)
      assert.equal(await store.groups.replayParked(key), 1)
      const last = await consumer.take(1)
      assert.deepEqual(numbers(last), [2])
      await consumer.nack(last, 'park')
      await infoWhen(store, key, ({ parked }) => parked === 1)
      assert.equal(await store.groups.replayParked(key), 1)
    },
    'exactGroups',
  ),
  onStore('group: replaying what was deleted meanwhile delivers nothing', async (store) => {
    await append(store, stream, events(1))
    await store.groups.create(key)
    const consumer = await TestConsumer.join(store, key)
    await consumer.nack(await consumer.take(1), 'park')
    await store.deleteStream(stream)
    await store.groups.replayParked(key)
    await infoWhen(store, key, ({ parked }) => parked === 0)
  }),
  onStore('group: a group over the log does not get what was parked', async (store) => {
    await append(store, stream, events(2))
    await store.groups.create({ name: 'log' })
    const consumer = await TestConsumer.join(store, { name: 'log' })
    await consumer.nack(await consumer.take(2), 'park')
    await append(store, stream, [event('Happened', { n: 9 })])
    assert.deepEqual(numbers(await consumer.take(1)), [9])
  }),
  onStore('group: the checkpoint never passes what is open', async (store) => {
    await append(store, stream, events(10))
    await store.groups.create({ ...key, settings: { checkpointMax: 1 } })
    const consumer = await TestConsumer.join(store, key)
    const taken = await consumer.take(10)
    await consumer.ack(taken.slice(5))
    await consumer.ack(taken.slice(0, 2))
    const { checkpoint } = await infoWhen(store, key, (info) => info.checkpoint >= 1)
    assert.equal(checkpoint, 1)
    await consumer.ack(taken.slice(2, 5))
    await infoWhen(store, key, (info) => info.checkpoint === 9)
  }),
  {
    name: 'group: a restart goes on after the checkpoint, with what was parked and retried',
    needs: ['reopen', 'exactGroups'],
    run: async (harness) => {
      const store = await harness.open()
      const written = events(6)
      await append(store, stream, written)
      await store.groups.create({ ...key, settings: { retriesMax: 5 } })
      const consumer = await TestConsumer.join(store, key)
      const taken = await consumer.take(6)
      await consumer.ack(taken.slice(0, 2))
      await consumer.nack(taken.slice(2, 3), 'park')
      await consumer.nack(taken.slice(3, 4), 'retry', { delayMs: 60_000 })
      const again = await harness.reopen?.(store)
      assert.ok(again)
      const { checkpoint, parked, settings } = await again.groups.info(key)
      assert.deepEqual([checkpoint, parked, settings.retriesMax], [2, 1, 5])
      const later = await TestConsumer.join(again, key)
      const rest = await later.take(3)
      assert.deepEqual(idsOf(rest.map((delivery) => delivery.event)), idsOf(written.slice(3)))
      assert.deepEqual(
        rest.map(({ retries }) => retries),
        [1, 0, 0],
      )
      await again.groups.replayParked(key)
      assert.deepEqual(numbers(await later.take(1)), [2])
      await again.close()
    },
  },
]

// Consumer groups: making them, joining them, sharing the work.

import { strict as assert } from 'node:assert'
import type { ContractCase } from './contract-case.ts'
import { append, event, events, idsOf, onStore, rejects } from './contract-case.ts'
import { infoWhen, numbers, TestConsumer } from './group-support.ts'

const stream = 'account-1'
const key = { name: 'mailer', stream }

export const groupCases: readonly ContractCase[] = [
  onStore('group: create, info, list, delete', async ({ groups }) => {
    await groups.create({ ...key, annotations: { resolveLinks: true } })
    await groups.create({ name: 'mailer', filter: { categories: ['account'] } })
    const info = await groups.info(key)
    assert.equal(info.status, 'idle')
    assert.equal(info.checkpoint, -1)
    assert.deepEqual(info.annotations, { resolveLinks: true })
    assert.deepEqual((await groups.info({ name: 'mailer' })).filter, { categories: ['account'] })
    const listed = await groups.list()
    assert.deepEqual(listed.map((one) => one.stream).sort(), [stream, undefined])
    assert.deepEqual(
      (await groups.list(stream)).map(({ name }) => name),
      ['mailer'],
    )
    await groups.delete(key)
    await rejects(groups.info(key), 'GroupNotFound')
    assert.equal((await groups.list()).length, 1)
  }),
  onStore('group: what is there cannot be created, what is not cannot be used', async (store) => {
    const { groups } = store
    await rejects(groups.consume(key), 'GroupNotFound')
    await rejects(groups.delete(key), 'GroupNotFound')
    await rejects(groups.update(key, {}), 'GroupNotFound')
    await rejects(groups.replayParked(key), 'GroupNotFound')
    await groups.create(key)
    await rejects(groups.create(key), 'GroupExists')
    await rejects(groups.consume({ ...key, stream: 'account-2' }), 'GroupNotFound')
  }),
  onStore('group: names and settings are checked', async ({ groups }) => {
    await rejects(groups.create({ name: '' }), 'InvalidName')
    await rejects(groups.create({ name: 'a::b' }), 'InvalidName')
    await rejects(groups.create({ name: 'x'.repeat(250) }), 'InvalidName')
    await rejects(groups.create({ ...key, filter: {} }), 'InvalidOption')
    await rejects(groups.create({ ...key, after: -2 }), 'InvalidOption')
    await rejects(groups.create({ ...key, settings: { bufferMax: 0 } }), 'InvalidOption')
    await rejects(groups.create({ ...key, settings: { retriesMax: 0.5 } }), 'InvalidOption')
    await groups.create(key)
    await rejects(groups.consume(key, { inFlightMax: 0 }), 'InvalidOption')
  }),
  onStore('group: delivers what is there, then what comes', async (store) => {
    await append(store, stream, events(3))
    await append(store, 'account-2', events(1))
    await store.groups.create(key)
    const consumer = await TestConsumer.join(store, key)
    const past = await consumer.take(3)
    assert.deepEqual(numbers(past), [0, 1, 2])
    assert.ok(past.every(({ retries, replayed }) => retries === 0 && !replayed))
    await consumer.ack(past)
    const later = event()
    await append(store, stream, [later])
    assert.deepEqual(idsOf((await consumer.take(1)).map((delivery) => delivery.event)), [later.id])
  }),
  onStore('group: begins after a revision, or at the end', async (store) => {
    await append(store, stream, events(5))
    await store.groups.create({ ...key, after: 2 })
    await store.groups.create({ name: 'late', stream, after: 'end' })
    const consumer = await TestConsumer.join(store, key)
    assert.deepEqual(numbers(await consumer.take(2)), [3, 4])
    const later = event('Happened', { n: 99 })
    await append(store, stream, [later])
    const late = await TestConsumer.join(store, { name: 'late', stream })
    assert.deepEqual(numbers(await late.take(1)), [99])
  }),
  onStore('group: over the log, by category and type', async (store) => {
    await append(store, 'order-1', [event('Placed', { n: 1 })])
    await append(store, 'account-1', [event('Opened', { n: 2 }), event('Closed', { n: 3 })])
    await store.groups.create({
      name: 'log',
      filter: { categories: ['account'], types: ['Opened'] },
    })
    const consumer = await TestConsumer.join(store, { name: 'log' })
    assert.deepEqual(numbers(await consumer.take(1)), [2])
    await append(store, 'order-1', [event('Opened', { n: 4 })])
    await append(store, 'account-2', [event('Opened', { n: 5 })])
    assert.deepEqual(numbers(await consumer.take(1)), [5])
  }),
  onStore('group: over the log from the end', async (store) => {
    await append(store, stream, events(3))
    await store.groups.create({ name: 'log', after: 'end' })
    await append(store, 'order-1', [event('Placed', { n: 7 })])
    const consumer = await TestConsumer.join(store, { name: 'log' })
    assert.deepEqual(numbers(await consumer.take(1)), [7])
  }),
  onStore('group: a consumer has no more in flight than its credit', async (store) => {
    await append(store, stream, events(10))
    await store.groups.create(key)
    const consumer = await TestConsumer.join(store, key, { inFlightMax: 2 })
    const first = await consumer.take(2)
    const { inFlight, consumers } = await infoWhen(store, key, ({ readTo }) => readTo === 9)
    assert.equal(inFlight, 2)
    assert.deepEqual(consumers, [{ label: undefined, inFlight: 2, inFlightMax: 2, delivered: 2 }])
    await consumer.ack(first.slice(0, 1))
    assert.deepEqual(numbers(await consumer.take(1)), [2])
    assert.equal((await store.groups.info(key)).inFlight, 2)
  }),
  onStore('group: memory is bounded whatever the log holds', async (store) => {
    await append(store, stream, events(200))
    await store.groups.create({ ...key, settings: { bufferMax: 20, readMax: 10 } })
    const consumer = await TestConsumer.join(store, key, { inFlightMax: 5 })
    const seen: number[] = []
    while (seen.length < 200) {
      const deliveries = await consumer.take(5)
      const { waiting } = await store.groups.info(key)
      assert.ok(waiting < 30, `${waiting} wait`)
      seen.push(...numbers(deliveries))
      await consumer.ack(deliveries)
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 200 }, (_, n) => n),
    )
  }),
  onStore('group: RoundRobin gives to each in turn', async (store) => {
    await store.groups.create({ ...key, settings: { strategy: 'RoundRobin' } })
    const left = await TestConsumer.join(store, key)
    const right = await TestConsumer.join(store, key)
    await append(store, stream, events(6))
    assert.deepEqual(numbers(await left.take(3)), [0, 2, 4])
    assert.deepEqual(numbers(await right.take(3)), [1, 3, 5])
  }),
  onStore('group: DispatchToSingle fills the first, then the next', async (store) => {
    await store.groups.create({ ...key, settings: { strategy: 'DispatchToSingle' } })
    const first = await TestConsumer.join(store, key, { inFlightMax: 4 })
    const second = await TestConsumer.join(store, key, { inFlightMax: 4 })
    await append(store, stream, events(6))
    assert.deepEqual(numbers(await first.take(4)), [0, 1, 2, 3])
    assert.deepEqual(numbers(await second.take(2)), [4, 5])
  }),
  onStore('group: Pinned keeps each stream with one consumer, in order', async (store) => {
    await store.groups.create({ name: 'log', settings: { strategy: 'Pinned' } })
    const consumers = [
      await TestConsumer.join(store, { name: 'log' }, { inFlightMax: 100 }),
      await TestConsumer.join(store, { name: 'log' }, { inFlightMax: 100 }),
    ]
    for (let n = 0; n < 5; n += 1) {
      for (let id = 0; id < 20; id += 1) await append(store, `account-${id}`, [event('', { n })])
    }
    const { consumers: shown } = await infoWhen(
      store,
      { name: 'log' },
      ({ inFlight }) => inFlight === 100,
    )
    const shares = shown.map(({ inFlight }) => inFlight)
    assert.ok(shares.every((share) => share > 0 && share % 5 === 0))
    for (const [index, consumer] of consumers.entries()) {
      const byStream = new Map<string, number[]>()
      for (const delivery of await consumer.take(shares[index] ?? 0)) {
        const { stream: from } = delivery.event
        byStream.set(from, [...(byStream.get(from) ?? []), ...numbers([delivery])])
      }
      for (const seen of byStream.values()) assert.deepEqual(seen, [0, 1, 2, 3, 4])
    }
  }),
  onStore('group: PinnedByCorrelation goes by $correlationId', async (store) => {
    await store.groups.create({ name: 'log', settings: { strategy: 'PinnedByCorrelation' } })
    const keys = Array.from({ length: 3 }, () => ({ name: 'log' }))
    const consumers = await Promise.all(
      keys.map((each) => TestConsumer.join(store, each, { inFlightMax: 100 })),
    )
    for (let n = 0; n < 60; n += 1) {
      const metadata = JSON.stringify({ $correlationId: `conversation ${n % 12}` })
      await append(store, `account-${n}`, [{ ...event('', { n: n % 12 }), metadata }])
    }
    const { consumers: shown } = await infoWhen(
      store,
      { name: 'log' },
      ({ inFlight }) => inFlight === 60,
    )
    const seen = await Promise.all(
      consumers.map(async (consumer, index) =>
        numbers(await consumer.take(shown[index]?.inFlight ?? 0)),
      ),
    )
    const owners = seen.map((list) => new Set(list))
    assert.equal(
      owners.map(({ size }) => size).reduce((sum, size) => sum + size),
      12,
    )
  }),
  onStore('group: who leaves gives what it had to the others', async (store) => {
    await append(store, stream, events(6))
    await store.groups.create({ ...key, settings: { strategy: 'DispatchToSingle' } })
    const first = await TestConsumer.join(store, key, { inFlightMax: 6 })
    assert.deepEqual(numbers(await first.take(6)), [0, 1, 2, 3, 4, 5])
    const second = await TestConsumer.join(store, key, { inFlightMax: 10 })
    first.close()
    assert.equal(await first.ended(), true)
    const again = await second.take(6)
    assert.deepEqual(numbers(again), [0, 1, 2, 3, 4, 5])
    assert.ok(again.every(({ retries }) => retries === 1))
  }),
  onStore(
    'group: what a consumer never took does not count as delivered',
    async (store) => {
      await append(store, stream, events(2))
      await store.groups.create(key)
      const first = await store.groups.consume(key, { inFlightMax: 2 })
      await infoWhen(store, key, ({ inFlight }) => inFlight === 2)
      const second = await TestConsumer.join(store, key)
      first.close()
      assert.ok((await second.take(2)).every(({ retries }) => retries === 0))
    },
    'exactGroups',
  ),
  onStore('group: consumersMax bounds who may join', async (store) => {
    await store.groups.create({ ...key, settings: { consumersMax: 1 } })
    const first = await TestConsumer.join(store, key)
    await rejects(store.groups.consume(key), 'Overloaded')
    first.close()
    await store.groups.consume(key)
  }),
  onStore('group: update and delete end its consumers', async (store) => {
    await append(store, stream, events(2))
    await store.groups.create(key)
    const first = await TestConsumer.join(store, key)
    await first.ack(await first.take(1))
    await store.groups.update(key, { settings: { retriesMax: 3 } })
    assert.equal(await first.ended(), true)
    const { settings, checkpoint } = await store.groups.info(key)
    assert.deepEqual([settings.retriesMax, settings.strategy, checkpoint], [3, 'RoundRobin', 0])
    const second = await TestConsumer.join(store, key)
    assert.deepEqual(numbers(await second.take(1)), [1])
    await store.groups.delete(key)
    assert.equal(await second.ended(), true)
  }),
  onStore('group: closing the store ends its consumers', async (store) => {
    await store.groups.create(key)
    const consumer = await TestConsumer.join(store, key)
    const ended = consumer.ended()
    await store.close()
    assert.equal(await ended, true)
    await rejects(store.groups.consume(key), 'Closed')
  }),
]

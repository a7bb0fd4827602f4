// Catch up, then live: what a subscription says and in which order.

import { strict as assert } from 'node:assert'
import type { SubscriptionMessage } from '../../ports/event-store.ts'
import type { ContractCase } from './contract-case.ts'
import {
  append,
  event,
  events,
  eventsOf,
  idsOf,
  isCaughtUp,
  iterate,
  messagesUntil,
  nextEvents,
  onStore,
} from './contract-case.ts'

const kinds = (messages: readonly SubscriptionMessage[]): string[] =>
  messages.map(({ kind }) => kind)

export const subscriptionCases: readonly ContractCase[] = [
  onStore('an empty log is caught up at once', async (store) => {
    const messages = await messagesUntil(iterate(store.subscribe()), isCaughtUp)
    assert.deepEqual(messages, [{ kind: 'caught-up', checkpoint: 0 }])
  }),
  onStore('catches up in pages, says so once, then follows', async (store) => {
    const written = events(7)
    await append(store, 'account-1', written)
    const iterator = iterate(store.subscribe({ batchMax: 3 }))
    const messages = await messagesUntil(iterator, isCaughtUp)
    assert.deepEqual(kinds(messages), ['events', 'events', 'events', 'caught-up'])
    assert.deepEqual(idsOf(eventsOf(messages)), idsOf(written))
    const more = events(2)
    for (const one of more) {
      await append(store, 'account-1', [one])
      const live = await messagesUntil(iterator, () => true)
      assert.deepEqual([kinds(live), idsOf(eventsOf(live))], [['events'], [one.id]])
    }
  }),
  onStore('says caught up again after falling behind', async (store) => {
    const iterator = iterate(store.subscribe({ batchMax: 2 }))
    await messagesUntil(iterator, isCaughtUp)
    for (let n = 0; n < 5; n += 1) await append(store, 'account-1', [event()])
    const messages = await messagesUntil(iterator, isCaughtUp)
    assert.equal(eventsOf(messages).length, 5)
    assert.equal(messages.filter(isCaughtUp).length, 1)
  }),
  onStore('a checkpoint is where another subscription goes on', async (store) => {
    const written = events(6)
    await append(store, 'account-1', written)
    const [first] = await messagesUntil(iterate(store.subscribe({ batchMax: 4 })), () => true)
    assert.ok(first)
    const rest = await nextEvents(iterate(store.subscribe({ after: first.checkpoint })), 2)
    assert.deepEqual(idsOf(rest), idsOf(written.slice(4)))
  }),
  onStore('after end: only what is appended after subscribing', async (store) => {
    await append(store, 'account-1', events(3))
    const subscription = store.subscribe({ after: 'end' })
    const later = event()
    await append(store, 'account-1', [later])
    assert.deepEqual(idsOf(await nextEvents(iterate(subscription), 1)), [later.id])
  }),
  onStore('one stream: checkpoints are its revisions', async (store) => {
    await append(store, 'other-1', events(5))
    await append(store, 'account-1', events(3))
    const iterator = iterate(store.subscribe({ stream: 'account-1', after: 0 }))
    const messages = await messagesUntil(iterator, isCaughtUp)
    assert.deepEqual(
      eventsOf(messages).map(({ revision }) => revision),
      [1, 2],
    )
    assert.equal(messages.at(-1)?.checkpoint, 2)
    await append(store, 'other-1', events(1))
    const mine = event()
    await append(store, 'account-1', [mine])
    assert.deepEqual(idsOf(await nextEvents(iterator, 1)), [mine.id])
  }),
  onStore('one stream after end', async (store) => {
    await append(store, 'account-1', events(3))
    const subscription = store.subscribe({ stream: 'account-1', after: 'end' })
    await append(store, 'account-1', events(2))
    const seen = await nextEvents(iterate(subscription), 2)
    assert.deepEqual(
      seen.map(({ revision }) => revision),
      [3, 4],
    )
  }),
  onStore('a stream nobody wrote yet can be followed', async (store) => {
    const iterator = iterate(store.subscribe({ stream: 'account-1' }))
    assert.deepEqual(kinds(await messagesUntil(iterator, () => true)), ['caught-up'])
    await append(store, 'account-1', events(1))
    assert.equal((await nextEvents(iterator, 1))[0]?.revision, 0)
  }),
  onStore('categories and types, before and after catching up', async (store) => {
    const filter = { categories: ['account'], types: ['Opened'] }
    await append(store, 'account-1', [event('Opened'), event('Closed')])
    await append(store, 'order-1', [event('Opened')])
    const iterator = iterate(store.subscribe({ filter }))
    const past = await messagesUntil(iterator, isCaughtUp)
    await append(store, 'order-1', [event('Opened')])
    await append(store, 'account-2', [event('Closed'), event('Opened')])
    const live = await nextEvents(iterator, 1)
    const seen = [...eventsOf(past), ...live].map(({ stream, revision }) => `${stream}@${revision}`)
    assert.deepEqual(seen, ['account-1@0', 'account-2@1'])
  }),
  onStore('rare matches: checkpoints tell how far the log was looked at', async (store) => {
    // More than a store looks at for one page.
    await append(store, 'noise-1', events(5_000))
    const iterator = iterate(store.subscribe({ filter: { types: ['Rare'] } }))
    const messages = await messagesUntil(iterator, isCaughtUp)
    assert.ok(kinds(messages).includes('checkpoint'))
    const checkpoints = messages.map(({ checkpoint }) => checkpoint)
    assert.deepEqual(
      checkpoints,
      [...checkpoints].sort((left, right) => left - right),
    )
    assert.equal(checkpoints.at(-1), (await store.readAll({ after: 4_000, limit: 2_000 })).position)
  }),
  onStore('a slow consumer loses nothing', async (store) => {
    const iterator = iterate(store.subscribe({ batchMax: 10 }))
    const seen: string[] = []
    const written: string[] = []
    for (let round = 0; round < 20; round += 1) {
      const batch = events(30)
      written.push(...idsOf(batch))
      await append(store, `account-${round % 3}`, batch)
      seen.push(...idsOf(await nextEvents(iterator, 10)))
    }
    seen.push(...idsOf(await nextEvents(iterator, written.length - seen.length)))
    assert.deepEqual(seen, written)
  }),
  onStore('writers and reader at once: every event once, in order', async (store) => {
    const iterator = iterate(store.subscribe({ batchMax: 7 }))
    const reading = nextEvents(iterator, 500)
    const writing = Promise.all(
      Array.from({ length: 500 }, (_, n) => append(store, `account-${n % 20}`, [event()])),
    )
    const [seen] = await Promise.all([reading, writing])
    const positions = seen.map(({ position }) => position)
    assert.deepEqual(
      positions,
      [...new Set(positions)].sort((left, right) => left - right),
    )
    assert.equal(seen.length, 500)
  }),
  onStore('close ends a waiting iteration', async (store) => {
    const subscription = store.subscribe()
    const iterator = iterate(subscription)
    await messagesUntil(iterator, isCaughtUp)
    const waiting = iterator.next()
    subscription.close()
    assert.equal((await waiting).done, true)
    assert.equal((await iterator.next()).done, true)
  }),
  onStore('close ends the iteration after the message in hand', async (store) => {
    await append(store, 'account-1', events(10))
    const subscription = store.subscribe({ batchMax: 2 })
    const seen: SubscriptionMessage[] = []
    for await (const message of subscription) {
      seen.push(message)
      subscription.close()
    }
    assert.equal(seen.length, 1)
  }),
  onStore('breaking out of the loop ends the subscription', async (store) => {
    await append(store, 'account-1', events(3))
    const subscription = store.subscribe()
    for await (const message of subscription) {
      if (isCaughtUp(message)) break
    }
    assert.equal((await iterate(subscription).next()).done, true)
  }),
  onStore('closing the store ends its subscriptions', async (store) => {
    const iterator = iterate(store.subscribe())
    await messagesUntil(iterator, isCaughtUp)
    const waiting = iterator.next()
    await store.close()
    assert.equal((await waiting).done, true)
  }),
  onStore('a hundred subscribers see the same', async (store) => {
    await append(store, 'account-1', events(5))
    const iterators = Array.from({ length: 100 }, () => iterate(store.subscribe()))
    await Promise.all(iterators.map((iterator) => messagesUntil(iterator, isCaughtUp)))
    const later = events(5)
    const seen = iterators.map((iterator) => nextEvents(iterator, 5))
    await append(store, 'account-2', later)
    for (const list of await Promise.all(seen)) assert.deepEqual(idsOf(list), idsOf(later))
  }),
]

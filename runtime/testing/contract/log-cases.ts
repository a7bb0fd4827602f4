// The whole log: order, paging and filters.

import { strict as assert } from 'node:assert'
import type { EventStore, LogFilter, RecordedEvent } from '../../ports/event-store.ts'
import type { ContractCase } from './contract-case.ts'
import { append, event, events, onStore } from './contract-case.ts'

const label = ({ stream, revision }: RecordedEvent): string => `${stream}@${revision}`

const mixed = (name: string, body: (store: EventStore) => Promise<void>): ContractCase =>
  onStore(name, async (store) => {
    await append(store, 'account-1', [event('Opened'), event('Deposited')])
    await append(store, 'order-1', [event('Placed')])
    await append(store, 'account-2-b', [event('Opened')])
    await append(store, 'accounts-1', [event('Opened')])
    await append(store, 'account', [event('Closed')])
    await body(store)
  })

/** Everything a filter lets through, page after page. */
async function all(store: EventStore, filter?: LogFilter, limit = 2): Promise<string[]> {
  const seen: string[] = []
  let after = 0
  for (;;) {
    const page = await store.readAll({ after, limit, ...(filter && { filter }) })
    assert.ok(page.events.length <= limit)
    assert.ok(page.position >= after)
    seen.push(...page.events.map(label))
    after = page.position
    if (page.end) return seen
  }
}

export const logCases: readonly ContractCase[] = [
  onStore('an empty log is at its end, in both directions', async (store) => {
    assert.deepEqual(await store.readAll(), { events: [], position: 0, end: true })
    const backwards = await store.readAll({ direction: 'backwards' })
    assert.deepEqual([backwards.events, backwards.end], [[], true])
  }),
  mixed('the log has every event once, in the order it was written', async (store) => {
    const everything = [
      'account-1@0',
      'account-1@1',
      'order-1@0',
      'account-2-b@0',
      'accounts-1@0',
      'account@0',
    ]
    assert.deepEqual(await all(store), everything)
    assert.deepEqual((await store.readAll()).events.map(label), everything)
  }),
  mixed('after is exclusive', async (store) => {
    const [first, second] = (await store.readAll()).events
    const page = await store.readAll({ after: first?.position ?? 0, limit: 1 })
    assert.deepEqual(page.events, [second])
    assert.deepEqual([page.position, page.end], [second?.position, false])
  }),
  mixed('after the end is empty and stays there', async (store) => {
    const { position } = await store.readAll()
    assert.deepEqual(await store.readAll({ after: position }), { events: [], position, end: true })
  }),
  mixed('backwards, page after page, before is exclusive', async (store) => {
    const forwards = (await store.readAll()).events
    const seen: RecordedEvent[] = []
    let page = await store.readAll({ direction: 'backwards', limit: 4 })
    seen.push(...page.events)
    while (!page.end) {
      page = await store.readAll({ direction: 'backwards', before: page.position, limit: 4 })
      seen.push(...page.events)
    }
    assert.deepEqual(seen, [...forwards].reverse())
  }),
  mixed('a category is what stands before the first dash', async (store) => {
    const inAccount = ['account-1@0', 'account-1@1', 'account-2-b@0', 'account@0']
    assert.deepEqual(await all(store, { categories: ['account'] }), inAccount)
    assert.deepEqual(await all(store, { categories: ['order', 'accounts'] }), [
      'order-1@0',
      'accounts-1@0',
    ])
  }),
  mixed('a prefix of the stream name', async (store) => {
    const found = await all(store, { streamPrefix: 'account-' })
    assert.deepEqual(found, ['account-1@0', 'account-1@1', 'account-2-b@0'])
  }),
  mixed('types', async (store) => {
    const found = await all(store, { types: ['Opened', 'Closed'] })
    assert.deepEqual(found, ['account-1@0', 'account-2-b@0', 'accounts-1@0', 'account@0'])
  }),
  mixed('each part of a filter must match', async (store) => {
    assert.deepEqual(await all(store, { categories: ['account'], types: ['Opened'] }), [
      'account-1@0',
      'account-2-b@0',
    ])
    assert.deepEqual(await all(store, { types: ['Placed'], streamPrefix: 'account' }), [])
    assert.deepEqual(await all(store, { types: [] }), [])
  }),
  mixed('a filter works backwards too', async (store) => {
    const page = await store.readAll({ direction: 'backwards', filter: { types: ['Opened'] } })
    assert.deepEqual(page.events.map(label), ['accounts-1@0', 'account-2-b@0', 'account-1@0'])
    assert.equal(page.end, true)
  }),
  mixed('without a match the position still moves to the end', async (store) => {
    const { position } = await store.readAll()
    const page = await store.readAll({ filter: { types: ['Never'] } })
    assert.deepEqual(page, { events: [], position, end: true })
  }),
  onStore('a rare match is found behind thousands of others', async (store) => {
    // More than a store looks at for one page.
    await append(store, 'noise-1', events(5_000))
    await append(store, 'account-1', [event('Rare')])
    await append(store, 'noise-1', events(10))
    assert.deepEqual(await all(store, { types: ['Rare'] }), ['account-1@0'])
    const backwards = await store.readAll({
      direction: 'backwards',
      filter: { types: ['Rare'] },
      limit: 1,
    })
    assert.deepEqual(backwards.events.map(label), ['account-1@0'])
  }),
]

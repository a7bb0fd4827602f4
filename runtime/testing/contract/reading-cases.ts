// Pages of one stream: both directions, every boundary.

import { strict as assert } from 'node:assert'
import type { EventStore } from '../../ports/event-store.ts'
import type { ContractCase } from './contract-case.ts'
import { append, events, onStore, rejects, revisions } from './contract-case.ts'

const ten = (name: string, body: (store: EventStore) => Promise<void>): ContractCase =>
  onStore(name, async (store) => {
    await append(store, 'other-1', events(2))
    await append(store, 'account-1', events(10))
    await append(store, 'other-1', events(2))
    await body(store)
  })

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.abs(to - from) + 1 }, (_, n) => from + Math.sign(to - from) * n)

export const readingCases: readonly ContractCase[] = [
  onStore('a stream nobody wrote is an empty page', async (store) => {
    const empty = { events: [], head: -1, deleted: 'no', end: true }
    assert.deepEqual(await store.readStream('account-1'), empty)
    assert.deepEqual(await store.readStream('account-1', { direction: 'backwards' }), empty)
  }),
  ten('the whole stream in one page', async (store) => {
    const page = await store.readStream('account-1')
    assert.deepEqual(revisions(page), range(0, 9))
    assert.deepEqual([page.head, page.deleted, page.end], [9, 'no', true])
  }),
  ten('forwards from a revision, inclusive', async (store) => {
    const page = await store.readStream('account-1', { from: 7 })
    assert.deepEqual([revisions(page), page.end], [[7, 8, 9], true])
  }),
  ten('forwards page after page', async (store) => {
    const seen: number[] = []
    let end = false
    for (let from = 0; !end; from = seen.length) {
      const page = await store.readStream('account-1', { from, limit: 4 })
      assert.equal(page.head, 9)
      seen.push(...revisions(page))
      end = page.end
    }
    assert.deepEqual(seen, range(0, 9))
  }),
  ten('a page that takes the last event is the end', async (store) => {
    assert.equal((await store.readStream('account-1', { from: 5, limit: 5 })).end, true)
    assert.equal((await store.readStream('account-1', { from: 5, limit: 4 })).end, false)
  }),
  ten('forwards from behind the head is empty', async (store) => {
    const page = await store.readStream('account-1', { from: 10 })
    assert.deepEqual([page.events, page.head, page.end], [[], 9, true])
  }),
  ten('backwards from the last', async (store) => {
    const page = await store.readStream('account-1', { direction: 'backwards', limit: 3 })
    assert.deepEqual([revisions(page), page.end], [[9, 8, 7], false])
  }),
  ten('backwards from a revision, inclusive, to the first', async (store) => {
    const page = await store.readStream('account-1', { direction: 'backwards', from: 2, limit: 3 })
    assert.deepEqual([revisions(page), page.end], [[2, 1, 0], true])
    const short = await store.readStream('account-1', { direction: 'backwards', from: 2, limit: 2 })
    assert.deepEqual([revisions(short), short.end], [[2, 1], false])
  }),
  ten('backwards from behind the head begins at the head', async (store) => {
    const page = await store.readStream('account-1', { direction: 'backwards', from: 99, limit: 1 })
    assert.deepEqual(revisions(page), [9])
  }),
  ten('backwards from 0 is the first event', async (store) => {
    const page = await store.readStream('account-1', { direction: 'backwards', from: 0 })
    assert.deepEqual([revisions(page), page.end], [[0], true])
  }),
  onStore('a page has 512 events unless asked otherwise', async (store) => {
    await append(store, 'account-1', events(600))
    const page = await store.readStream('account-1')
    assert.deepEqual([page.events.length, page.end], [512, false])
    assert.equal((await store.readStream('account-1', { limit: 1024 })).events.length, 600)
    assert.equal((await store.readAll()).events.length, 512)
  }),
  ten('options that make no sense are refused', async (store) => {
    await rejects(store.readStream('account-1', { limit: 0 }), 'InvalidOption')
    await rejects(store.readStream('account-1', { limit: 1.5 }), 'InvalidOption')
    await rejects(store.readStream('account-1', { from: -1 }), 'InvalidOption')
    await rejects(store.readAll({ after: -1 }), 'InvalidOption')
    await rejects(store.readAll({ limit: -5 }), 'InvalidOption')
  }),
  onStore('names are told apart exactly', async (store) => {
    await append(store, 'account-a', events(1))
    await append(store, 'account-A', events(2))
    await append(store, 'account-a ', events(3))
    assert.equal((await store.readStream('account-a')).head, 0)
    assert.equal((await store.readStream('account-A')).head, 1)
    assert.equal((await store.readStream('account-a ')).head, 2)
    assert.equal((await store.readStream('account-')).head, -1)
  }),
]

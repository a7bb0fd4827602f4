// Metadata, soft deletion, tombstones and the list of streams.

import { strict as assert } from 'node:assert'
import type { ContractCase } from './contract-case.ts'
import {
  append,
  conflicts,
  event,
  events,
  idsOf,
  onStore,
  refused,
  rejects,
  revisions,
  standingClock,
} from './contract-case.ts'

export const metadataCases: readonly ContractCase[] = [
  onStore('a stream has no rules until some are set', async (store) => {
    assert.deepEqual(await store.streamMetadata('account-1'), {})
    await append(store, 'account-1', events(1))
    assert.deepEqual(await store.streamMetadata('account-1'), {})
  }),
  onStore('rules are kept and replaced as a whole', async (store) => {
    await store.setStreamMetadata('account-1', { truncateBefore: 2, maxCount: 5 })
    assert.deepEqual(await store.streamMetadata('account-1'), { truncateBefore: 2, maxCount: 5 })
    await store.setStreamMetadata('account-1', { maxAgeSeconds: 60 })
    assert.deepEqual(await store.streamMetadata('account-1'), { maxAgeSeconds: 60 })
    assert.equal((await store.readStream('account-1')).head, -1)
  }),
  onStore('truncateBefore hides what is below it, in both directions', async (store) => {
    await append(store, 'account-1', events(6))
    await store.setStreamMetadata('account-1', { truncateBefore: 4 })
    const page = await store.readStream('account-1')
    assert.deepEqual([revisions(page), page.head, page.end], [[4, 5], 5, true])
    const backwards = await store.readStream('account-1', { direction: 'backwards', limit: 2 })
    assert.deepEqual([revisions(backwards), backwards.end], [[5, 4], true])
    assert.equal((await append(store, 'account-1', [event()], 5)).revision, 6)
  }),
  onStore('truncateBefore beyond the head empties the stream, the head stays', async (store) => {
    await append(store, 'account-1', events(3))
    await store.setStreamMetadata('account-1', { truncateBefore: 3 })
    const page = await store.readStream('account-1')
    assert.deepEqual([page.events, page.head, page.deleted, page.end], [[], 2, 'no', true])
    await append(store, 'account-1', [event()], 2)
    assert.deepEqual(revisions(await store.readStream('account-1')), [3])
  }),
  onStore('maxCount keeps the last ones as the stream grows', async (store) => {
    await store.setStreamMetadata('account-1', { maxCount: 2 })
    await append(store, 'account-1', events(5))
    assert.deepEqual(revisions(await store.readStream('account-1')), [3, 4])
    await append(store, 'account-1', events(1))
    assert.deepEqual(revisions(await store.readStream('account-1')), [4, 5])
  }),
  {
    name: 'maxAge hides what was recorded longer ago',
    needs: ['takesClock'],
    run: async (harness) => {
      const clock = standingClock(1_700_000_000_000)
      const store = await harness.open({ clock })
      await store.setStreamMetadata('account-1', { maxAgeSeconds: 10 })
      for (let n = 0; n < 4; n += 1) {
        clock.set(1_700_000_000_000 + n * 6000)
        await append(store, 'account-1', events(1))
      }
      const page = await store.readStream('account-1')
      assert.deepEqual([revisions(page), page.head, page.end], [[2, 3], 3, true])
      const backwards = await store.readStream('account-1', { direction: 'backwards' })
      assert.deepEqual(revisions(backwards), [3, 2])
      clock.set(1_700_000_100_000)
      assert.deepEqual((await store.readStream('account-1')).events, [])
      await store.close()
    },
  },
  onStore('rules that make no sense are refused', async (store) => {
    await rejects(store.setStreamMetadata('account-1', { maxCount: 0 }), 'InvalidOption')
    await rejects(store.setStreamMetadata('account-1', { truncateBefore: -1 }), 'InvalidOption')
    await rejects(store.setStreamMetadata('account-1', { maxAgeSeconds: 1.5 }), 'InvalidOption')
    assert.deepEqual(await store.streamMetadata('account-1'), {})
  }),
  onStore(
    'what may not be read of a stream is not in the log either',
    async (store) => {
      await append(store, 'account-1', events(4))
      await append(store, 'order-1', events(2))
      await store.setStreamMetadata('account-1', { truncateBefore: 3 })
      await store.deleteStream('order-1')
      const page = await store.readAll()
      assert.deepEqual(
        page.events.map(({ stream, revision }) => [stream, revision]),
        [['account-1', 3]],
      )
      assert.equal(page.end, true)
    },
    'truncatesAtOnce',
  ),
]

export const deletionCases: readonly ContractCase[] = [
  onStore('a soft deleted stream reads empty and keeps its head', async (store) => {
    await append(store, 'account-1', events(3))
    await store.deleteStream('account-1')
    const page = await store.readStream('account-1')
    assert.deepEqual(page, { events: [], head: 2, deleted: 'soft', end: true })
    const backwards = await store.readStream('account-1', { direction: 'backwards' })
    assert.deepEqual([backwards.events, backwards.end], [[], true])
  }),
  onStore('a soft deleted stream begins again with none; revisions go on', async (store) => {
    await append(store, 'account-1', events(3))
    await store.deleteStream('account-1')
    const anew = events(2)
    assert.equal((await append(store, 'account-1', anew, 'none')).revision, 4)
    const page = await store.readStream('account-1')
    assert.deepEqual([page.head, page.deleted, page.end], [4, 'no', true])
    assert.deepEqual(revisions(page), [3, 4])
    assert.deepEqual(idsOf(page.events), idsOf(anew))
  }),
  onStore('a soft deleted stream takes any and its last revision', async (store) => {
    for (const [stream, expected] of [
      ['account-1', 'any'],
      ['account-2', 1],
    ] as const) {
      await append(store, stream, events(2))
      await store.deleteStream(stream)
      assert.equal((await append(store, stream, [event()], expected)).revision, 2)
    }
  }),
  onStore('a soft deleted stream does not exist and conflicts elsewhere', async (store) => {
    await append(store, 'account-1', events(3))
    await store.deleteStream('account-1')
    await refused(store, 'account-1', [event()], 'exists', 'StreamDeleted')
    await conflicts(store, 'account-1', [event()], 1, 2)
    await conflicts(store, 'account-1', [event()], 5, 2)
  }),
  onStore('written again, a stream is not none any more', async (store) => {
    await append(store, 'account-1', events(2))
    await store.deleteStream('account-1')
    await append(store, 'account-1', events(1), 'none')
    await conflicts(store, 'account-1', [event()], 'none', 2)
    await append(store, 'account-1', [event()], 'exists')
  }),
  onStore('later rules do not bring deleted events back', async (store) => {
    await append(store, 'account-1', events(3))
    await store.deleteStream('account-1')
    await append(store, 'account-1', events(2), 'none')
    await store.setStreamMetadata('account-1', { maxCount: 10 })
    assert.deepEqual(revisions(await store.readStream('account-1')), [3, 4])
    assert.equal((await store.streamMetadata('account-1')).maxCount, 10)
  }),
  onStore('a stream can be deleted twice', async (store) => {
    await append(store, 'account-1', events(2))
    await store.deleteStream('account-1')
    await append(store, 'account-1', events(2), 'none')
    await store.deleteStream('account-1')
    await store.deleteStream('account-1')
    assert.equal((await append(store, 'account-1', [event()], 'none')).revision, 4)
    assert.deepEqual(revisions(await store.readStream('account-1')), [4])
  }),
  onStore('a tombstone refuses every append for ever, true retries too', async (store) => {
    const batch = events(2)
    await append(store, 'account-1', batch, 'none')
    await store.tombstoneStream('account-1')
    await refused(store, 'account-1', batch, 'none', 'StreamDeleted')
    for (const expected of ['any', 'none', 'exists', 1, 9] as const) {
      await refused(store, 'account-1', [event()], expected, 'StreamDeleted')
    }
  }),
  onStore('a tombstoned stream reads empty', async (store) => {
    await append(store, 'account-1', events(2))
    await store.tombstoneStream('account-1')
    const page = await store.readStream('account-1')
    assert.deepEqual([page.events, page.deleted, page.end], [[], 'tombstone', true])
  }),
  onStore('a tombstone is not changed by deletion or rules', async (store) => {
    await append(store, 'account-1', events(2))
    await store.tombstoneStream('account-1')
    await rejects(store.deleteStream('account-1'), 'StreamDeleted')
    await rejects(store.setStreamMetadata('account-1', {}), 'StreamDeleted')
    await refused(store, 'account-1', [event()], 'any', 'StreamDeleted')
  }),
  onStore('a stream nobody wrote can be tombstoned', async (store) => {
    await store.tombstoneStream('account-1')
    await refused(store, 'account-1', [event()], 'none', 'StreamDeleted')
  }),
]

export const listCases: readonly ContractCase[] = [
  onStore('streams of a category in byte order', async (store) => {
    const names = [
      'account-b',
      'account-a',
      'account-Z',
      'account-é',
      'account-\u{1f600}',
      'account-\uffee',
    ]
    for (const stream of [...names, 'accounts-1', 'order-1']) await append(store, stream, events(1))
    const listed = await store.listStreams({ category: 'account' })
    const inOrder = [
      'account-Z',
      'account-a',
      'account-b',
      'account-é',
      'account-\uffee',
      'account-\u{1f600}',
    ]
    assert.deepEqual(listed, inOrder)
    assert.deepEqual(await store.listStreams({ category: 'nobody' }), [])
  }),
  onStore('a list goes on after a name', async (store) => {
    for (let n = 0; n < 5; n += 1) await append(store, `account-${n}`, events(1))
    const first = await store.listStreams({ category: 'account', limit: 3 })
    assert.deepEqual(first, ['account-0', 'account-1', 'account-2'])
    const rest = await store.listStreams({ category: 'account', after: 'account-2', limit: 3 })
    assert.deepEqual(rest, ['account-3', 'account-4'])
  }),
  onStore('a list has what was added since the last one, in its place', async (store) => {
    const listed = async (after?: string) =>
      store.listStreams({ category: 'account', ...(after === undefined ? {} : { after }) })
    await append(store, 'account-b', events(1))
    await append(store, 'account-d', events(1))
    assert.deepEqual(await listed(), ['account-b', 'account-d'])
    for (const id of ['c', 'a', 'c']) await append(store, `account-${id}`, events(1))
    assert.deepEqual(await listed(), ['account-a', 'account-b', 'account-c', 'account-d'])
    assert.deepEqual(await listed('account-b'), ['account-c', 'account-d'])
    assert.deepEqual(await listed('account-bb'), ['account-c', 'account-d'])
    assert.deepEqual(await listed('account-d'), [])
  }),
  onStore('streams without readable events are not listed', async (store) => {
    for (const n of [1, 2, 3, 4]) await append(store, `account-${n}`, events(2))
    await store.deleteStream('account-1')
    await store.tombstoneStream('account-2')
    await store.setStreamMetadata('account-3', { truncateBefore: 2 })
    await store.setStreamMetadata('account-5', { maxCount: 3 })
    assert.deepEqual(await store.listStreams({ category: 'account', limit: 1 }), ['account-4'])
    await append(store, 'account-1', events(1), 'none')
    assert.deepEqual(await store.listStreams({ category: 'account' }), ['account-1', 'account-4'])
  }),
]

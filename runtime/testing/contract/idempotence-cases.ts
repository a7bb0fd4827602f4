// The table of repeated requests, row by row.

import { strict as assert } from 'node:assert'
import type { ContractCase } from './contract-case.ts'
import { append, conflicts, event, events, onStore, revisions } from './contract-case.ts'

export const idempotenceCases: readonly ContractCase[] = [
  onStore('the same request again is committed as repeated, with the same place', async (store) => {
    const batch = events(3)
    const first = await append(store, 'account-1', batch, 'none')
    assert.deepEqual(await append(store, 'account-1', batch, 'none'), { ...first, repeated: true })
    assert.equal((await store.readStream('account-1')).head, 2)
  }),
  onStore('a repeated request is recognised below later events', async (store) => {
    const batch = events(2)
    await append(store, 'account-1', events(2), 'none')
    const first = await append(store, 'account-1', batch, 1)
    await append(store, 'account-2', events(3))
    await append(store, 'account-1', events(4), 3)
    assert.deepEqual(await append(store, 'account-1', batch, 1), { ...first, repeated: true })
  }),
  onStore('a beginning of what was written counts as repeated', async (store) => {
    const batch = events(3)
    await append(store, 'account-1', batch, 'none')
    const again = await append(store, 'account-1', batch.slice(0, 2), 'none')
    assert.deepEqual([again.revision, again.repeated], [1, true])
  }),
  onStore('a request longer than what was written conflicts', async (store) => {
    const batch = events(2)
    await append(store, 'account-1', batch, 'none')
    await conflicts(store, 'account-1', [...batch, event()], 'none', 1)
  }),
  onStore('one other id among the same conflicts', async (store) => {
    const [first, second, third] = events(3)
    assert.ok(first && second && third)
    await append(store, 'account-1', [first, second, third], 'none')
    await conflicts(store, 'account-1', [first, event(), third], 'none', 2)
    await conflicts(store, 'account-1', [first, second, event()], 'none', 2)
    await conflicts(store, 'account-1', [second, first, third], 'none', 2)
  }),
  onStore('the same ids at another expected revision conflict', async (store) => {
    const batch = events(2)
    await append(store, 'account-1', events(1), 'none')
    await append(store, 'account-1', batch, 0)
    await append(store, 'account-1', events(2), 2)
    await conflicts(store, 'account-1', batch, 1, 4)
    await conflicts(store, 'account-1', batch, 'none', 4)
  }),
  onStore(
    'at the expected revision ids are not looked at: the same are written again',
    async (store) => {
      const batch = events(2)
      await append(store, 'account-1', batch, 'none')
      const again = await append(store, 'account-1', batch, 1)
      assert.deepEqual([again.revision, again.repeated], [3, false])
      assert.deepEqual(revisions(await store.readStream('account-1')), [0, 1, 2, 3])
    },
  ),
  onStore('expected beyond the stream conflicts even with stored ids', async (store) => {
    const batch = events(1)
    await append(store, 'account-1', batch, 'none')
    await conflicts(store, 'account-1', batch, 3, 0)
  }),
  onStore('ids of another stream are not looked at', async (store) => {
    const batch = events(1)
    await append(store, 'account-1', batch, 'none')
    assert.equal((await append(store, 'account-2', batch, 'none')).repeated, false)
  }),
  onStore('two identical requests in one turn: one is written, one repeated', async (store) => {
    const batch = events(2)
    const outcomes = await Promise.all([
      append(store, 'account-1', batch, 'none'),
      append(store, 'account-1', batch, 'none'),
    ])
    assert.deepEqual(outcomes.map(({ repeated }) => repeated).sort(), [false, true])
    assert.equal(outcomes[0]?.position, outcomes[1]?.position)
    assert.equal((await store.readStream('account-1')).head, 1)
  }),
  onStore(
    'events below truncateBefore no longer count as written',
    async (store) => {
      const batch = events(3)
      await append(store, 'account-1', batch, 'none')
      await append(store, 'account-1', events(2), 2)
      await store.setStreamMetadata('account-1', { truncateBefore: 2 })
      await conflicts(store, 'account-1', batch, 'none', 4)
      assert.equal((await append(store, 'account-1', batch.slice(2), 1)).repeated, true)
    },
    'truncatesAtOnce',
  ),
  onStore(
    'events beyond maxCount no longer count as written',
    async (store) => {
      const batch = events(3)
      await append(store, 'account-1', batch, 'none')
      await store.setStreamMetadata('account-1', { maxCount: 1 })
      await conflicts(store, 'account-1', batch, 'none', 2)
      assert.equal((await append(store, 'account-1', batch.slice(2), 1)).repeated, true)
    },
    'truncatesAtOnce',
  ),
  {
    name: 'a repeated request is recognised after the store was opened again',
    needs: ['reopen'],
    run: async (harness) => {
      const batch = events(3)
      const before = await harness.open()
      const first = await append(before, 'account-1', batch, 'none')
      const store = await harness.reopen?.(before)
      assert.ok(store)
      assert.deepEqual(await append(store, 'account-1', batch, 'none'), {
        ...first,
        repeated: true,
      })
      await store.close()
    },
  },
]

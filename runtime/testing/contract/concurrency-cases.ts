// Many writers at once, time, closing, and what survives.

import { strict as assert } from 'node:assert'
import type { ContractCase } from './contract-case.ts'
import {
  append,
  event,
  events,
  idsOf,
  iterate,
  nextEvents,
  onStore,
  refused,
  rejects,
  revisions,
  standingClock,
} from './contract-case.ts'

export const concurrencyCases: readonly ContractCase[] = [
  onStore('appends of one turn build on each other', async (store) => {
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, n) => append(store, 'account-1', [event()], n - 1)),
    )
    assert.deepEqual(
      outcomes.map(({ revision }) => revision),
      Array.from({ length: 100 }, (_, n) => n),
    )
  }),
  onStore('a conflict or refusal fails no other append of the same turn', async (store) => {
    await append(store, 'account-1', events(2))
    const twice = event()
    const outcomes = await Promise.all([
      store.append('account-2', [event()], { expected: 'none' }),
      store.append('account-1', [event()], { expected: 'none' }),
      store.append('account-3', [twice, twice], { expected: 'none' }),
      store.append('account-1', [event()], { expected: 1 }),
      store.append('account-4', [event()], { expected: 'exists' }),
      store.append('account-4', [event()], { expected: 'none' }),
    ])
    const said = outcomes.map(({ outcome }) => outcome)
    assert.deepEqual(said, [
      'committed',
      'conflict',
      'refused',
      'committed',
      'conflict',
      'committed',
    ])
  }),
  onStore('1,000 parallel appends on one stream: exactly one winner a revision', async (store) => {
    const attempts = Array.from({ length: 1000 }, (_, n) => ({
      expected: (n % 250) - 1,
      what: event(),
    }))
    attempts.sort((left, right) => left.expected - right.expected)
    const outcomes = await Promise.all(
      attempts.map(({ expected, what }) => store.append('account-1', [what], { expected })),
    )
    const winners = attempts.filter((_, index) => outcomes[index]?.outcome === 'committed')
    assert.deepEqual(
      winners.map(({ expected }) => expected),
      Array.from({ length: 250 }, (_, n) => n - 1),
    )
    const stored = await store.readStream('account-1')
    assert.deepEqual(idsOf(stored.events), idsOf(winners.map(({ what }) => what)))
    const others = outcomes.filter(({ outcome }) => outcome !== 'committed')
    assert.ok(others.every(({ outcome }) => outcome === 'conflict'))
  }),
  onStore('1,000 parallel appends on 1,000 streams: positions are unique', async (store) => {
    const outcomes = await Promise.all(
      Array.from({ length: 1000 }, (_, n) => append(store, `account-${n}`, [event()], 'none')),
    )
    assert.equal(new Set(outcomes.map(({ position }) => position)).size, 1000)
    assert.equal((await store.readAll({ limit: 2000 })).events.length, 1000)
  }),
  onStore('recording times never decrease along positions', async (store) => {
    for (let n = 0; n < 20; n += 1) await append(store, `account-${n % 3}`, events(2))
    const times = (await store.readAll()).events.map(({ recordedAt }) => recordedAt)
    assert.deepEqual(
      times,
      [...times].sort((left, right) => left - right),
    )
    assert.ok(times.every((time) => Number.isSafeInteger(time) && time > 0))
  }),
  {
    name: 'recording times stand still while the clock goes back, also after opening again',
    needs: ['takesClock'],
    run: async (harness) => {
      const clock = standingClock(2_000_000_000_000)
      let store = await harness.open({ clock })
      await append(store, 'account-1', events(1))
      clock.set(1_900_000_000_000.5)
      await append(store, 'account-1', events(1))
      if (harness.reopen) store = await harness.reopen(store, { clock })
      await append(store, 'account-1', events(1))
      clock.set(2_000_000_000_007.9)
      await append(store, 'account-1', events(1))
      const times = (await store.readAll()).events.map(
        ({ recordedAt }) => recordedAt - 2_000_000_000_000,
      )
      assert.deepEqual(times, [0, 0, 0, 7])
      await store.close()
    },
  },
]

export const lifetimeCases: readonly ContractCase[] = [
  onStore('a closed store refuses everything and can be closed again', async (store) => {
    await append(store, 'account-1', events(1))
    await store.close()
    await store.close()
    await refused(store, 'account-1', [event()], 'any', 'Closed')
    await rejects(store.readStream('account-1'), 'Closed')
    await rejects(store.readAll(), 'Closed')
    await rejects(store.listStreams({ category: 'account' }), 'Closed')
    await rejects(store.setStreamMetadata('account-1', {}), 'Closed')
    await rejects(store.deleteStream('account-1'), 'Closed')
    await rejects(store.state.put('a', 'b'), 'Closed')
    await rejects(store.state.get('a'), 'Closed')
  }),
  onStore('closing waits for what was accepted', async (store) => {
    const pending = Array.from({ length: 20 }, () => append(store, 'account-1', [event()]))
    const [, ...outcomes] = await Promise.all([store.close(), ...pending])
    assert.deepEqual(
      outcomes.map(({ revision }) => revision),
      Array.from({ length: 20 }, (_, n) => n),
    )
  }),
  {
    name: 'everything acknowledged is there after opening again',
    needs: ['reopen'],
    run: async (harness) => {
      const before = await harness.open()
      await append(before, 'account-1', events(3), 'none')
      await append(before, 'account-2', events(3), 'none')
      await append(before, 'account-3', events(1), 'none')
      await before.deleteStream('account-2')
      await before.tombstoneStream('account-3')
      await before.setStreamMetadata('account-1', { truncateBefore: 1 })
      await before.state.put('key', 'value')
      const log = await before.readAll()
      const store = await harness.reopen?.(before)
      assert.ok(store)
      assert.deepEqual(await store.readAll(), log)
      assert.deepEqual(revisions(await store.readStream('account-1')), [1, 2])
      assert.equal((await store.readStream('account-2')).deleted, 'soft')
      assert.equal((await store.readStream('account-3')).deleted, 'tombstone')
      assert.deepEqual(await store.streamMetadata('account-1'), { truncateBefore: 1 })
      assert.deepEqual(await store.state.get('key'), { value: 'value', revision: 0 })
      await store.close()
    },
  },
  {
    name: 'revisions and positions go on after opening again',
    needs: ['reopen'],
    run: async (harness) => {
      const before = await harness.open()
      const first = await append(before, 'account-1', events(3), 'none')
      const store = await harness.reopen?.(before)
      assert.ok(store)
      const next = await append(store, 'account-1', [event()], 2)
      assert.equal(next.revision, 3)
      assert.ok(next.position > first.position)
      const seen = await nextEvents(iterate(store.subscribe({ after: first.position })), 1)
      assert.equal(seen[0]?.revision, 3)
      await store.close()
    },
  },
]

// Expectations, limits and what a batch means.

import { strict as assert } from 'node:assert'
import type { EventToAppend } from '../../ports/event-store.ts'
import type { ContractCase } from './contract-case.ts'
import { append, conflicts, event, events, idsOf, onStore, refused } from './contract-case.ts'

const sized = (bytes: number): EventToAppend => {
  const shell = { ...event('T'), metadata: '{}' }
  return { ...shell, data: JSON.stringify('x'.repeat(bytes - 'T'.length - 2 - 2)) }
}

const mebibyte = 1024 * 1024

export const expectationCases: readonly ContractCase[] = [
  onStore('none: accepted on a stream nobody wrote', async (store) => {
    const outcome = await append(store, 'account-1', [event()], 'none')
    assert.equal(outcome.revision, 0)
    assert.equal(outcome.repeated, false)
    assert.ok(outcome.position >= 1)
  }),
  onStore('none: conflicts with the actual revision on a written stream', async (store) => {
    await append(store, 'account-1', events(3))
    await conflicts(store, 'account-1', [event()], 'none', 2)
  }),
  onStore('a revision: accepted when it is the last one', async (store) => {
    await append(store, 'account-1', events(2), 'none')
    assert.equal((await append(store, 'account-1', [event()], 1)).revision, 2)
  }),
  onStore('a revision: conflicts when the stream is behind it', async (store) => {
    await append(store, 'account-1', events(2))
    await conflicts(store, 'account-1', [event()], 7, 1)
  }),
  onStore('a revision: conflicts with -1 on a stream nobody wrote', async (store) => {
    await conflicts(store, 'account-1', [event()], 0, -1)
  }),
  onStore('a revision: conflicts when the stream went on with other events', async (store) => {
    await append(store, 'account-1', events(5))
    await conflicts(store, 'account-1', [event()], 2, 4)
  }),
  onStore('-1 means none', async (store) => {
    await append(store, 'account-1', [event()], -1)
    await conflicts(store, 'account-1', [event()], -1, 0)
  }),
  onStore('any: accepted on a new and on a written stream', async (store) => {
    assert.equal((await append(store, 'account-1', [event()], 'any')).revision, 0)
    assert.equal((await append(store, 'account-1', [event()], 'any')).revision, 1)
  }),
  onStore('exists: needs at least one event', async (store) => {
    await conflicts(store, 'account-1', [event()], 'exists', -1)
    await append(store, 'account-1', [event()])
    assert.equal((await append(store, 'account-1', [event()], 'exists')).revision, 1)
  }),
  onStore('no such revision: refused', async (store) => {
    await refused(store, 'account-1', [event()], -2, 'InvalidOption')
    await refused(store, 'account-1', [event()], 1.5, 'InvalidOption')
  }),
]

export const batchCases: readonly ContractCase[] = [
  onStore('a batch takes consecutive revisions and rising positions', async (store) => {
    const batch = events(4)
    const outcome = await append(store, 'account-1', batch, 'none')
    const page = await store.readStream('account-1')
    assert.deepEqual(idsOf(page.events), idsOf(batch))
    assert.deepEqual(
      page.events.map(({ revision }) => revision),
      [0, 1, 2, 3],
    )
    const positions = page.events.map(({ position }) => position)
    assert.deepEqual(
      positions,
      [...positions].sort((left, right) => left - right),
    )
    assert.equal(new Set(positions).size, 4)
    assert.deepEqual(
      [outcome.revision, outcome.position, outcome.recordedAt],
      [3, positions[3], page.events[3]?.recordedAt],
    )
  }),
  onStore('a conflict writes nothing of the batch', async (store) => {
    await append(store, 'account-1', [event()])
    await conflicts(store, 'account-1', events(3), 'none', 0)
    assert.equal((await store.readStream('account-1')).events.length, 1)
    assert.equal((await store.readAll()).events.length, 1)
  }),
  onStore('an empty batch is refused', async (store) => {
    await refused(store, 'account-1', [], 'any', 'InvalidOption')
  }),
  onStore('the same id twice in one batch is refused, nothing is written', async (store) => {
    const twice = event()
    await refused(store, 'account-1', [event(), twice, twice], 'any', 'DuplicateEventId')
    assert.equal((await store.readStream('account-1')).head, -1)
  }),
  onStore('an event of exactly 1 MiB is taken and comes back', async (store) => {
    const big = sized(mebibyte)
    await append(store, 'account-1', [big])
    assert.equal((await store.readStream('account-1')).events[0]?.data, big.data)
  }),
  onStore('an event over 1 MiB is refused', async (store) => {
    await refused(store, 'account-1', [sized(mebibyte + 1)], 'any', 'TooLarge')
    assert.equal((await store.readStream('account-1')).head, -1)
  }),
  onStore('limits count bytes, not characters', async (store) => {
    const wide = { ...event('T'), data: JSON.stringify('€'.repeat(400_000)) }
    await refused(store, 'account-1', [wide], 'any', 'TooLarge')
  }),
  onStore('a batch of exactly 3 MiB is taken, one byte more is refused', async (store) => {
    const two = [sized(mebibyte), sized(mebibyte)]
    await append(store, 'account-1', [...two, sized(mebibyte)], 'none')
    const over = [
      ...two.map(({ data }) => ({ ...event('T'), data })),
      sized(mebibyte - 9),
      sized(10),
    ]
    await refused(store, 'account-2', over, 'none', 'TooLarge')
  }),
  onStore('a batch of 5,000 small events is one append', async (store) => {
    assert.equal((await append(store, 'account-1', events(5000), 'none')).revision, 4999)
    const last = await store.readStream('account-1', { direction: 'backwards', limit: 1 })
    assert.equal(last.events[0]?.data, '{"n":4999}')
  }),
  onStore('texts come back exactly as they went in', async (store) => {
    const stream = 'konto-Zürich☃𝄞'
    const odd = {
      ...event('Geöffnet 𝄞'),
      data: '{ "text" : "a\\u0000b\\n\u2028 \u{1f600} é e\u0301" }\n',
      metadata: '{"$correlationId":"ß"}',
    }
    await append(store, stream, [odd])
    const [recorded] = (await store.readStream(stream)).events
    assert.deepEqual(
      { ...odd, stream },
      {
        id: recorded?.id,
        type: recorded?.type,
        data: recorded?.data,
        metadata: recorded?.metadata,
        stream: recorded?.stream,
      },
    )
  }),
  onStore('text that would not come back is refused', async (store) => {
    for (const part of ['type', 'data', 'metadata'] as const) {
      await refused(store, 'a-1', [{ ...event(), [part]: '\ud800' }], 'any', 'InvalidPayload')
      await refused(store, 'a-1', [{ ...event(), [part]: 'a\0b' }], 'any', 'InvalidPayload')
    }
  }),
  onStore('a stream name has 1 to 255 bytes', async (store) => {
    await refused(store, '', [event()], 'any', 'InvalidName')
    await refused(store, `a-${'x'.repeat(254)}`, [event()], 'any', 'InvalidName')
    await refused(store, `a-${'é'.repeat(127)}`, [event()], 'any', 'InvalidName')
    await append(store, `a-${'x'.repeat(253)}`, [event()])
  }),
]

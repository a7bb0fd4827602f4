// The state store: values, compare and set, keys.

import { strict as assert } from 'node:assert'
import type { ContractCase } from './contract-case.ts'
import { onStore, rejects } from './contract-case.ts'

export const stateCases: readonly ContractCase[] = [
  onStore('state: an absent key has no entry', async ({ state }) => {
    assert.equal(await state.get('snapshot:a'), undefined)
  }),
  onStore('state: the first write has revision 0, each further one more', async ({ state }) => {
    assert.equal(await state.put('a', 'one'), 0)
    assert.equal(await state.put('a', 'two'), 1)
    assert.deepEqual(await state.get('a'), { value: 'two', revision: 1 })
  }),
  onStore('state: an expected revision must be the present one', async ({ state }) => {
    assert.equal(await state.put('a', 'one', -1), 0)
    assert.equal(await state.put('a', 'again', -1), undefined)
    assert.equal(await state.put('a', 'two', 5), undefined)
    assert.equal(await state.put('a', 'two', 0), 1)
    assert.equal(await state.put('a', 'three', 0), undefined)
    assert.deepEqual(await state.get('a'), { value: 'two', revision: 1 })
    assert.equal(await state.put('b', 'x', 0), undefined)
    assert.equal(await state.get('b'), undefined)
  }),
  onStore('state: a hundred rivals for one revision, one wins', async ({ state }) => {
    await state.put('lease', 'nobody')
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => state.put('lease', `rival ${n}`, 0)),
    )
    assert.equal(answers.filter((answer) => answer === 1).length, 1)
    const winner = answers.indexOf(1)
    assert.deepEqual(await state.get('lease'), { value: `rival ${winner}`, revision: 1 })
  }),
  onStore('state: a removed entry is gone, absent ones are fine', async ({ state }) => {
    await state.put('a', 'one')
    await state.delete('a')
    await state.delete('a')
    assert.equal(await state.get('a'), undefined)
    assert.notEqual(await state.put('a', 'new', -1), undefined)
  }),
  onStore(
    'state: keys of a prefix in byte order, its characters taken as they are',
    async ({ state }) => {
      for (const key of ['p%b', 'p%a', 'p%\uffee', 'p%\u{1f600}', 'pxa', 'P%a', 'q']) {
        await state.put(key, '1')
      }
      assert.deepEqual(await state.keys('p%'), ['p%a', 'p%b', 'p%\uffee', 'p%\u{1f600}'])
      assert.equal((await state.keys('')).length, 7)
      assert.deepEqual(await state.keys('nothing'), [])
    },
  ),
  onStore('state: long and odd values come back exactly', async ({ state }) => {
    const value = `${'x'.repeat(2_000_000)}\u{1f600}\n"é\u2028`
    await state.put('schlüssel', value)
    assert.equal((await state.get('schlüssel'))?.value, value)
    await state.put('empty', '')
    assert.equal((await state.get('empty'))?.value, '')
  }),
  onStore('state: what would not come back is refused', async ({ state }) => {
    await rejects(state.put('a', 'x\ud800'), 'InvalidPayload')
    await rejects(state.put('a\0b', 'x'), 'InvalidPayload')
    assert.deepEqual(await state.keys(''), [])
    await state.put('a', 'x')
    await state.delete('a\0b')
    assert.deepEqual(await state.keys(''), ['a'])
    assert.deepEqual(await state.keys('a\0'), [])
    assert.equal(await state.get('a\0b'), undefined)
  }),
  onStore('state: writes of one turn are seen in their order', async ({ state }) => {
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => state.put('a', `${n}`)))
    assert.deepEqual(
      answers,
      Array.from({ length: 50 }, (_, n) => n),
    )
    assert.deepEqual(await state.get('a'), { value: '49', revision: 49 })
  }),
]

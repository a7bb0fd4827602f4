// A long replay leaves the event loop its turns (C9).

import { expect } from 'chai'
import { createRuntime } from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'

describe('a long replay', () => {
  it('is folded in slices, so that the event loop stays alive', async () => {
    const runtime = await createRuntime({
      store: 'memory:',
      actors: [Account],
      limits: { snapshotEvery: 1_000_000, timeoutMs: 60_000 },
    })
    const ann = runtime.actor(Account, 'ann')
    await ann.send({ type: 'open', owner: 'Ann' })
    for (let batch = 0; batch < 20; batch += 1) {
      await Promise.all(
        Array.from({ length: 1_000 }, () => ann.send({ type: 'deposit', amount: 1 })),
      )
    }
    let turns = 0
    let replaying = true
    const count = (): void => {
      turns += 1
      if (replaying) setImmediate(count)
    }
    setImmediate(count)
    const { revision } = await ann.replay({ revision: 20_000 })
    replaying = false
    expect(revision).to.equal(20_000)
    expect(turns).to.be.greaterThan(1)
    await runtime.close()
  }).timeout(60_000)
})

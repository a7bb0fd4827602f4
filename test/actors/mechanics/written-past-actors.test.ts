// What users write through `runtime.store` past a live actor: it must see that before it answers from memory.

import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { expect } from 'chai'
import { systemPorts } from '../../../runtime/core/clock.ts'
import { createRuntime, type Runtime } from '../../../runtime/index.ts'
import { Account } from '../../fixtures/account.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const foreign = (amount: number) => ({
  id: randomUUID(),
  type: 'Deposited',
  data: JSON.stringify({ amount }),
  metadata: '{}',
})

describe('writes past a live actor', () => {
  const directory = temporaryFolder()
  let files = 0
  const fileStore = () => {
    files += 1
    return `file:${join(directory, `${files}.db`)}`
  }
  const put = (runtime: Runtime, amount: number) =>
    runtime.store.append('account-ann', [foreign(amount)], { expected: 'any' })

  for (let hops = 0; hops < 8; hops += 1) {
    it(`in the same commit as its own append (${hops} turns later)`, async () => {
      const runtime = await createRuntime({ store: fileStore(), actors: [Account] })
      const ann = runtime.actor(Account, 'ann')
      await ann.send({ type: 'open', owner: 'Ann' })
      const sent = ann.send({ type: 'deposit', amount: 1 })
      for (let hop = 0; hop < hops; hop += 1) await undefined
      const [, written] = await Promise.all([sent, put(runtime, 10)])
      expect(written.outcome).to.equal('committed')
      expect((await ann.state()).context.balance).to.equal(11)
      expect((await ann.send({ type: 'withdraw', amount: 11 })).accepted).to.equal(true)
      await runtime.close()
    })
  }

  it('while it is read', async () => {
    const store = fileStore()
    const before = await createRuntime({ store, actors: [Account] })
    await before.actor(Account, 'ann').send({ type: 'open', owner: 'Ann' })
    for (let n = 0; n < 70; n += 1) await put(before, 1)
    await before.close()
    let now = 0
    let turns = 0
    const runtime = await createRuntime({
      store,
      actors: [Account],
      ports: {
        clock: {
          now: systemPorts.clock.now,
          monotonic: () => {
            now += 10
            return now
          },
        },
        timers: {
          after: systemPorts.timers.after,
          turn: async () => {
            turns += 1
            if (turns === 1) await put(runtime, 10)
          },
        },
      },
    })
    const ann = runtime.actor(Account, 'ann')
    await ann.state()
    expect(turns).to.be.above(0)
    expect((await ann.state()).context.balance).to.equal(80)
    await runtime.close()
  })
})

// Projections of a log in EventStoreDB: the same, over the network.

import { expect } from 'chai'
import { createRuntime } from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { type ServerProcess, serverProcess } from '../server/support/server-process.ts'
import { Balances, eventually, failure, foldBalances, shown } from './support.ts'

describe('a projection of a log in EventStoreDB', function () {
  this.timeout(60_000)
  const folder = temporaryFolder()
  let server: ServerProcess

  before(() => {
    server = serverProcess()
  })
  after(() => server.kill())

  it('catches up, follows, goes on after a restart, and is rebuilt', async () => {
    const store = await server.start('memory:')
    const open = () => createRuntime({ store, actors: [Account], views: `file:${folder}` })
    let runtime = await open()
    const deposit = (amount: number) =>
      runtime.actor(Account, 'ann').send({ type: 'deposit', amount })
    await runtime.actor(Account, 'ann').send({ type: 'open', owner: 'Ann' })
    await deposit(1)
    await runtime.project([Balances])
    await runtime.view(Balances).waitFor(await deposit(2))
    expect((await runtime.view(Balances).get('ann'))?.balance).to.equal(3)
    await runtime.close()
    runtime = await open()
    await deposit(3)
    await runtime.project([Balances])
    await runtime.view(Balances).waitFor(await deposit(4))
    expect(await shown(runtime.view(Balances))).to.deep.equal(await foldBalances(runtime))
    expect(await runtime.projections.rebuild(Balances)).to.equal(true)
    await runtime.view(Balances).waitFor(await deposit(5))
    expect((await runtime.view(Balances).get('ann'))?.balance).to.equal(15)
    await eventually('no lag', async () => {
      const [status] = await runtime.projections.status()
      return status?.state === 'live' && status.lag.events === 0
    })
    await runtime.close()
  })

  it('wants to be told where its read models are', async () => {
    const runtime = await createRuntime({ store: await server.start('memory:'), actors: [Account] })
    await failure(runtime.project([Balances]), 'InvalidOption')
    await runtime.close()
  })
})

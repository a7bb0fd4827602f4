// Replayed actors beside a read model that somebody damaged.

import { expect } from 'chai'
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs'
import { createRuntime, type Runtime } from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { engines } from './engines.ts'
import { Balances } from './support.ts'

for (const engine of engines) {
  describe(`reconciliation on ${engine.name}`, () => {
    engine.setUp()
    const folder = temporaryFolder()
    let runtime: Runtime

    beforeEach(async () => {
      const views = await engine.address(folder)
      runtime = await createRuntime({ store: 'memory:', actors: [Account], views })
      await runtime.project([Balances])
      for (const id of ['ann', 'bob', 'cid']) {
        const actor = runtime.actor(Account, id)
        await actor.send({ type: 'open', owner: id })
        await runtime.view(Balances).waitFor(await actor.send({ type: 'deposit', amount: 5 }))
      }
    })
    afterEach(() => runtime.close())

    const compare = async ({
      id,
      state,
      view,
    }: {
      id: string
      state: { context: { balance: number } }
      view: { get(key: string): Promise<{ balance: number } | undefined> }
    }) => (await view.get(id))?.balance === state.context.balance

    const damage = (id: string) =>
      runtime.projections.standingStill(Balances, (write) =>
        write((view: { delete(key: string): void }) => view.delete(id)),
      )

    it('finds nothing wrong with what is right', async () => {
      const report = await firstValueFrom(runtime.reconcile(Account, Balances, { compare }))
      expect(report).to.deep.equal({ compared: 3, different: [], repaired: [], failed: [] })
    })

    it('reports what differs, and repairs it where it is told how', async () => {
      await damage('bob')
      const seen = await firstValueFrom(runtime.reconcile(Account, Balances, { compare }))
      expect(seen).to.deep.include({ different: ['bob'], repaired: [] })
      const repaired = await firstValueFrom(
        runtime.reconcile(Account, Balances, {
          compare,
          repair: ({ id, state, view }) =>
            view.put(id, { owner: state.context.owner, balance: state.context.balance, events: 2 }),
        }),
      )
      expect(repaired).to.deep.include({ different: ['bob'], repaired: ['bob'] })
      expect((await runtime.view(Balances).get('bob'))?.balance).to.equal(5)
      // The worker knows of the repair.
      const sent = await runtime.actor(Account, 'bob').send({ type: 'deposit', amount: 1 })
      await runtime.view(Balances).waitFor(sent)
      expect((await runtime.view(Balances).get('bob'))?.balance).to.equal(6)
    })

    it('comes again and again where that is wanted', async () => {
      const reports = runtime.reconcile(Account, Balances, { compare, every: 5 })
      const seen = await lastValueFrom(reports.pipe(take(3), toArray()))
      expect(seen.map(({ compared }) => compared)).to.deep.equal([3, 3, 3])
    })
  })
}

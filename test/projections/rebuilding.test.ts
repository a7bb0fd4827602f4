// Another build beside the live one, under load and under suspicion.

import { join } from 'node:path'
import { expect } from 'chai'
import { documents, projection } from '../../projections/index.ts'
import { createRuntime, onlyLive, type Runtime } from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { engines } from './engines.ts'
import { Balances, failure, foldBalances, shown } from './support.ts'

for (const engine of engines) {
  describe(`a rebuild on ${engine.name}`, () => {
    engine.setUp()
    const folder = temporaryFolder()
    let runtime: Runtime
    let files = 0

    beforeEach(async () => {
      files += 1
      const views = await engine.address(folder)
      const store = `file:${join(folder, `${engine.name}-${files}.db`)}`
      runtime = await createRuntime({ store, actors: [Account], views })
      for (const id of ['ann', 'bob']) {
        await runtime.actor(Account, id).send({ type: 'open', owner: id })
      }
    })
    afterEach(() => runtime.close())

    const deposit = (id: string, amount: number) =>
      runtime.actor(Account, id).send({ type: 'deposit', amount })

    it('is right while 64 writers write, and readers see one of the two builds at any time', async function () {
      this.timeout(60_000)
      await runtime.project([Balances])
      const view = runtime.view(Balances)
      await view.waitFor(await deposit('ann', 1))
      let writing = true
      let sent = 0
      const writers = Array.from({ length: 64 }, async (_, writer) => {
        const actor = runtime.actor(Account, `w${writer}`)
        await actor.send({ type: 'open', owner: 'Ann' })
        for (let amount = 1; writing; amount += 1) {
          await actor.send({ type: 'deposit', amount })
          sent += 1
          await new Promise((resolve) => setTimeout(resolve, 10))
        }
      })
      const reader = (async () => {
        while (writing) {
          expect((await view.get('ann'))?.balance).to.equal(1)
          await new Promise((resolve) => setTimeout(resolve, 2))
        }
      })()
      const progress: number[] = []
      const swapped = await runtime.projections.rebuild(Balances, {
        verify: (differences) => differences.length === 0,
        onProgress: ({ position, end, eventsPerSecond }) => {
          expect(position).to.be.at.most(end)
          expect(eventsPerSecond).to.be.at.least(0)
          progress.push(position)
        },
      })
      writing = false
      await Promise.all([...writers, reader])
      expect(swapped).to.equal(true)
      expect(sent).to.be.greaterThan(0)
      expect(progress.length).to.be.greaterThan(0)
      await view.waitFor(await deposit('bob', 1))
      expect(await shown(view)).to.deep.equal(await foldBalances(runtime))
      const [status] = await runtime.projections.status()
      expect([status?.build.id, status?.rebuilding]).to.deep.equal([2, undefined])
    })

    it('is compared with the live one, which wins when the candidate is doubted', async () => {
      await runtime.project([Balances])
      await deposit('ann', 1)
      await deposit('bob', 2)
      const Other = projection('balances', {
        from: Account,
        version: 2,
        view: Balances.view,
        on: {
          Opened: (event, view, { actorId }) =>
            view.put(actorId, { owner: event.owner, balance: 0, events: 1 }),
          Deposited: (event, view, { actorId }) =>
            view.patch(actorId, (row) => ({
              owner: row?.owner ?? '',
              balance: (row?.balance ?? 0) + (actorId === 'bob' ? 10 : 1) * event.amount,
              events: (row?.events ?? 0) + 1,
            })),
        },
      })
      const shadow = await runtime.projections.shadow(Other)
      await shadow.caughtUp()
      await runtime.view(Balances).waitFor(4)
      const differences = await shadow.diff()
      expect(differences.map(({ key }) => key)).to.deep.equal(['*', 'bob'])
      expect(differences[0]?.candidate).to.equal(undefined)
      expect(JSON.parse(differences[1]?.live ?? '')).to.include({ balance: 2 })
      expect(JSON.parse(differences[1]?.candidate ?? '')).to.include({ balance: 20 })
      expect(await shadow.promote((found) => found.length === 0)).to.equal(false)
      // Both go on.
      await runtime.view(Balances).waitFor(await deposit('bob', 3))
      expect((await runtime.view(Balances).get('bob'))?.balance).to.equal(5)
      expect((await shadow.diff()).map(({ key }) => key)).to.deep.equal(['*', 'bob'])
      expect(await shadow.promote()).to.equal(true)
      expect((await runtime.view(Other).get('bob'))?.balance).to.equal(50)
    })

    it('follows on another at once, and leaves what stood still standing still', async function () {
      this.timeout(60_000)
      await runtime.project([Balances])
      await runtime.view(Balances).waitFor(await deposit('ann', 1))
      await runtime.projections.pause(Balances)
      const verify = (differences: readonly unknown[]) => differences.length === 0
      for (let id = 2; id <= 4; id += 1) {
        expect(await runtime.projections.rebuild(Balances, { verify })).to.equal(true)
        const [status] = await runtime.projections.status()
        expect([status?.build.id, status?.rebuilding]).to.deep.equal([id, undefined])
      }
      const shadow = await runtime.projections.shadow(Balances)
      await failure(runtime.projections.shadow(Balances), 'InvalidOption')
      expect(await shadow.diff()).to.deep.equal([])
      await shadow.drop()
      const sent = await deposit('ann', 2)
      await failure(runtime.view(Balances).waitFor(sent, { timeoutMs: 100 }), 'NotYetProjected')
      expect((await runtime.view(Balances).get('ann'))?.balance).to.equal(1)
      runtime.projections.resume(Balances)
      await runtime.view(Balances).waitFor(sent)
      expect((await runtime.view(Balances).get('ann'))?.balance).to.equal(3)
    })

    it('leaves the live one as it is when it fails', async () => {
      await runtime.project([Balances])
      await runtime.view(Balances).waitFor(await deposit('ann', 1))
      const Broken = projection('balances', {
        from: Account,
        version: 2,
        view: Balances.view,
        on: {
          Deposited: () => {
            throw new Error('broken')
          },
        },
      })
      await failure(runtime.projections.rebuild(Broken), 'ProjectionFailed')
      await runtime.view(Balances).waitFor(await deposit('ann', 1))
      expect((await runtime.view(Balances).get('ann'))?.balance).to.equal(2)
      expect(await runtime.projections.drop(Balances)).to.equal(1)
    })

    it('acts on the world once for each event, whichever build handles it', async () => {
      const acts: number[] = []
      const acting = (version: number) =>
        projection('acting', {
          from: Account,
          version,
          view: documents<{ count: number }>(),
          on: {
            Deposited: (event, view, about) => {
              void view.patch('all', (row) => ({ count: (row?.count ?? 0) + 1 }))
              onlyLive(about, () => acts.push(event.amount))
            },
          },
        })
      await deposit('ann', 1)
      await runtime.project([acting(1)])
      const view = runtime.view(acting(1))
      await view.waitFor(3)
      // Past the first catching up, so that what follows is live.
      const [status] = await runtime.projections.status()
      expect(status?.position).to.equal(3)
      await new Promise((resolve) => setTimeout(resolve, 50))
      let amount = 1
      let writing = true
      const writer = (async () => {
        while (writing) {
          amount += 1
          await deposit('ann', amount)
        }
      })()
      await new Promise((resolve) => setTimeout(resolve, 30))
      expect(await runtime.projections.rebuild(acting(2))).to.equal(true)
      await new Promise((resolve) => setTimeout(resolve, 30))
      writing = false
      await writer
      await view.waitFor(await deposit('ann', 0))
      expect(acts).to.deep.equal([
        ...Array.from({ length: amount - 1 }, (_, index) => index + 2),
        0,
      ])
    })
  })
}

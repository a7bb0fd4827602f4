// The life of a projection in one process: catch up, follow, read, wait, pause, stop.

import { join } from 'node:path'
import { expect } from 'chai'
import { documents, projection } from '../../projections/index.ts'
import { createRuntime, onlyLive, type Runtime } from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { engines } from './engines.ts'
import { type Balance, Balances, eventually, failure, foldBalances, shown } from './support.ts'

for (const engine of engines) {
  describe(`a projection on ${engine.name}`, () => {
    const folder = temporaryFolder()
    engine.setUp()
    let views: string
    let runtime: Runtime
    let files = 0

    const open = () =>
      createRuntime({ store: `file:${join(folder, `log-${files}.db`)}`, actors: [Account], views })

    beforeEach(async () => {
      files += 1
      views = await engine.address(folder)
      runtime = await open()
    })
    afterEach(() => runtime.close())

    const deposit = async (id: string, amount: number) => {
      const actor = runtime.actor(Account, id)
      if ((await actor.state()).value === 'unopened') {
        await actor.send({ type: 'open', owner: id.toUpperCase() })
      }
      return actor.send({ type: 'deposit', amount })
    }

    it('catches up with what happened, then follows', async () => {
      await deposit('ann', 5)
      await runtime.project([Balances])
      const view = runtime.view(Balances)
      await view.waitFor(await deposit('bob', 7))
      expect(await view.get('ann')).to.deep.equal({ owner: 'ANN', balance: 5, events: 2 })
      expect(await shown(view)).to.deep.equal(await foldBalances(runtime))
      expect(await view.get('nobody')).to.equal(undefined)
    })

    it('goes on where it stopped', async () => {
      await runtime.project([Balances])
      await runtime.view(Balances).waitFor(await deposit('ann', 5))
      await runtime.close()
      runtime = await open()
      await deposit('ann', 6)
      await runtime.project([Balances])
      const view = runtime.view(Balances)
      await view.waitFor(await deposit('ann', 7))
      expect((await view.get('ann'))?.balance).to.equal(18)
      expect(await shown(view)).to.deep.equal(await foldBalances(runtime))
    })

    it('removes documents, and finds them by their fields', async () => {
      await runtime.project([Balances])
      const view = runtime.view(Balances)
      for (const [id, amount] of [
        ['ann', 5],
        ['bob', 7],
        ['cid', 9],
        ['dan', 7],
      ] as const) {
        await deposit(id, amount)
      }
      const ann = runtime.actor(Account, 'ann')
      await ann.send({ type: 'withdraw', amount: 5 })
      await view.waitFor(await ann.send({ type: 'close' }))
      const keys = async (options: Parameters<typeof view.find>[0]) =>
        (await view.find(options)).map(({ key }) => key)
      expect(await keys({})).to.deep.equal(['*', 'bob', 'cid', 'dan'])
      expect(await keys({ where: { balance: 7 } })).to.deep.equal(['bob', 'dan'])
      expect(await keys({ where: { balance: { from: 8, to: 10 } } })).to.deep.equal(['cid'])
      expect(await keys({ where: { owner: 'BOB', balance: 7 } })).to.deep.equal(['bob'])
      expect(await keys({ orderBy: 'balance', descending: true, limit: 2 })).to.deep.equal([
        '*',
        'cid',
      ])
      expect(await keys({ orderBy: 'balance', offset: 1, limit: 2 })).to.deep.equal(['dan', 'cid'])
      expect(await view.count({ balance: 7 })).to.equal(2)
      expect(await view.count()).to.equal(4)
    })

    it('waits for what is not its own without an event of its own', async () => {
      const Closings = projection('closings', {
        from: Account,
        view: documents<{ at: number }>(),
        on: { Closed: (_event, view, { actorId, time }) => view.put(actorId, { at: time }) },
      })
      await runtime.project([Closings])
      await runtime.view(Closings).waitFor(await deposit('ann', 5))
      expect(await runtime.view(Closings).count()).to.equal(0)
    })

    it('keeps how far it looked where nothing was for it', async () => {
      const Closings = projection('closings', {
        from: Account,
        view: documents<{ closed: true }>(),
        on: { Closed: (_event, view, { actorId }) => view.put(actorId, { closed: true }) },
      })
      for (let amount = 1; amount <= 5; amount += 1) await deposit('ann', amount)
      await runtime.project([Closings])
      // Read from the database: after a restart the worker goes on from there.
      const position = () => runtime.view(Closings).position()
      await eventually('the checkpoint', async () => (await position()) === 6)
    })

    it('says when it did not get there in time', async () => {
      await runtime.project([Balances])
      await runtime.projections.pause(Balances)
      const sent = await deposit('ann', 5)
      const view = runtime.view(Balances)
      const { details } = await failure(view.waitFor(sent, { timeoutMs: 30 }), 'NotYetProjected')
      expect(details).to.include({ projection: 'balances', position: sent.position })
      runtime.projections.resume(Balances)
      await view.waitFor(sent)
      expect((await view.get('ann'))?.balance).to.equal(5)
    })

    it('tells lag, state and rate', async () => {
      await runtime.project([Balances])
      const view = runtime.view(Balances)
      await view.waitFor(await deposit('ann', 5))
      await eventually(
        'live',
        async () => (await runtime.projections.status())[0]?.state === 'live',
      )
      await runtime.projections.pause(Balances)
      await deposit('ann', 5)
      await deposit('ann', 5)
      const [paused] = await runtime.projections.status()
      expect(paused).to.deep.include({ name: 'balances', state: 'paused', deadLetters: 0 })
      expect(paused?.lag.events).to.equal(2)
      expect(paused?.lag.ms).to.be.at.least(0)
      expect(paused?.eventsPerSecond).to.be.greaterThan(0)
      runtime.projections.resume(Balances)
      await eventually('caught up', async () => {
        const [status] = await runtime.projections.status()
        return status?.lag.events === 0 && status.lag.ms === 0
      })
      expect((await runtime.projections.status())[0]?.state).to.equal('live')
    })

    it('tells of its changes', async () => {
      await runtime.project([Balances])
      const view = runtime.view(Balances)
      await view.waitFor(await deposit('ann', 5))
      const seen: (readonly string[])[] = []
      const subscription = view.changes.subscribe(({ keys = [] }) => seen.push(keys))
      await view.waitFor(await deposit('ann', 6))
      await eventually('a change', async () => seen.length > 0)
      subscription.unsubscribe()
      expect(seen.flat()).to.include.members(['ann', '*'])
    })

    it('tells of changes made by another runtime', async () => {
      await runtime.project([Balances])
      const sent = await deposit('ann', 5)
      await runtime.view(Balances).waitFor(sent)
      const reading = await createRuntime({ store: 'memory:', actors: [Account], views })
      const seen: unknown[] = []
      const subscription = reading.view(Balances).changes.subscribe((change) => seen.push(change))
      const position = () => reading.view(Balances).position()
      await eventually('a change', async () => {
        if (seen.length === 0) await runtime.view(Balances).waitFor(await deposit('ann', 6))
        return seen.length > 0
      })
      subscription.unsubscribe()
      expect(seen[0]).to.have.property('keys', undefined)
      expect(seen[0])
        .to.have.property('position')
        .within(sent.position + 1, await position())
      await reading.close()
    })

    it('gives handlers what stands beside the event', async () => {
      const Facts = projection('facts', {
        from: Account,
        view: documents<{ facts: unknown[] }>(),
        on: {
          Deposited: (event, view, about) =>
            view.put('last', {
              facts: [
                event.type,
                event.amount,
                about.kind,
                about.actorId,
                about.revision,
                about.commandId,
                about.correlationId,
                about.metadata ?? null,
                about.time,
              ],
            }),
        },
      })
      await runtime.project([Facts])
      await deposit('ann', 1)
      const sent = await runtime
        .actor(Account, 'ann')
        .send(
          { type: 'deposit', amount: 5 },
          { commandId: 'c-1', correlationId: 'k-1', metadata: { by: 'me' } },
        )
      const view = runtime.view(Facts)
      await view.waitFor(sent)
      const time = sent.state.time
      expect((await view.get('last'))?.facts).to.deep.equal([
        'Deposited',
        5,
        'account',
        'ann',
        2,
        'c-1',
        'k-1',
        { by: 'me' },
        time,
      ])
    })

    it("hears of refused commands where it asks for the runtime's own records", async () => {
      const Refusals = projection('refusals', {
        from: Account,
        view: documents<{ count: number }>(),
        on: {
          'reenact.Rejected': (event, view) =>
            view.patch(event.command.type, (row) => ({ count: (row?.count ?? 0) + 1 })),
        },
      })
      await runtime.project([Refusals])
      await deposit('ann', 1)
      const ann = runtime.actor(Account, 'ann')
      const refused = await ann.send({ type: 'withdraw', amount: 9 }, { commandId: 'w' })
      const view = runtime.view(Refusals)
      await view.waitFor({ position: Math.max(refused.position, 3) })
      expect(await view.get('withdraw')).to.deep.equal({ count: 1 })
    })

    it('keeps what acts on the world off while it catches up, and on ever after', async () => {
      const mails: string[] = []
      const Mails = projection('mails', {
        from: Account,
        view: documents<Balance>(),
        on: {
          Deposited: (event, _view, about) =>
            onlyLive(about, () => {
              mails.push(`${about.actorId} ${event.amount}`)
            }),
        },
      })
      await deposit('ann', 1)
      await runtime.project([Mails])
      const live = async () => (await runtime.projections.status())[0]?.state === 'live'
      await eventually('live', live)
      await runtime.view(Mails).waitFor(await deposit('ann', 2))
      expect(mails).to.deep.equal(['ann 2'])
      await runtime.close()
      runtime = await open()
      await deposit('ann', 3)
      await runtime.project([Mails])
      await runtime.view(Mails).waitFor(await deposit('ann', 4))
      expect(mails, 'also what came while nobody worked').to.deep.equal(['ann 2', 'ann 3', 'ann 4'])
    })

    it('is as it was at a moment', async () => {
      const ann = runtime.actor(Account, 'ann')
      await ann.send({ type: 'open', owner: 'Ann' }, { occurredAt: '2026-01-01T00:00:00Z' })
      await ann.send({ type: 'deposit', amount: 5 }, { occurredAt: '2026-01-02T00:00:00Z' })
      await ann.send({ type: 'deposit', amount: 6 }, { occurredAt: '2026-01-03T00:00:00Z' })
      const then = await runtime.view(Balances).asOf('2026-01-02T12:00:00Z')
      expect(await then.get('ann')).to.deep.equal({ owner: 'Ann', balance: 5, events: 2 })
      await then.close()
    })

    it('is not there before it was projected', async () => {
      await failure(runtime.view(Balances).get('ann'), 'UnknownProjection')
    })

    it('is refused twice, and for actors that are not there', async () => {
      await runtime.project([Balances])
      await failure(runtime.project([Balances]), 'InvalidOption')
      const other = await createRuntime({ store: 'memory:', actors: [Account] })
      const Strange = projection('strange', {
        from: { ...Account, name: 'stranger' },
        view: documents<Balance>(),
        on: { Opened: () => {} },
      })
      await failure(other.project([Strange]), 'UnknownActor')
      await failure(other.project([Balances], { batchMax: 0 }), 'InvalidOption')
      await other.close()
    })
  })
}

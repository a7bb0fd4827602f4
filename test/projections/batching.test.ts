// What comes into one read model and into one transaction, and what happens when the database goes away.

import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { expect } from 'chai'
import pg from 'pg'
import { documents, projection } from '../../projections/index.ts'
import { createRuntime, type Runtime } from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'
import { Counter } from '../fixtures/counter.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { engines } from './engines.ts'
import { Balances, failure, foldBalances, shown } from './support.ts'

/** What an account and the counter of the same id say together. */
const Joined = projection('joined', {
  from: [Account, Counter],
  view: documents<{ owner?: string; balance: number; counted: number }>(),
  on: {
    Opened: ({ owner }, view, { actorId }) =>
      view.patch(actorId, (row) => ({ ...(row ?? nothing), owner })),
    Deposited: ({ amount }, view, { actorId }) =>
      view.patch(actorId, (row = nothing) => ({ ...row, balance: row.balance + amount })),
    Added: ({ n }, view, { actorId, kind }) => {
      expect(kind).to.equal('counter')
      return view.patch(actorId, (row = nothing) => ({ ...row, counted: row.counted + n }))
    },
  },
})
const nothing = { balance: 0, counted: 0 }

const Slow = projection('slow', {
  from: Account,
  view: documents<{ position: number }>(),
  on: {
    Deposited: async (_, view, { actorId, position }) => {
      await new Promise((resolve) => setTimeout(resolve, 3))
      view.put(actorId, { position })
    },
  },
})

for (const engine of engines) {
  describe(`a batch on ${engine.name}`, () => {
    engine.setUp()
    const folder = temporaryFolder()
    let runtime: Runtime
    let views: string

    beforeEach(async () => {
      views = await engine.address(folder)
      runtime = await createRuntime({ store: 'memory:', actors: [Account, Counter], views })
      await runtime.actor(Account, 'ann').send({ type: 'open', owner: 'Ann' })
    })
    afterEach(() => runtime.close())

    const deposit = (amount: number) =>
      runtime.actor(Account, 'ann').send({ type: 'deposit', amount })

    it('holds what several kinds of actors say, joined by key', async () => {
      await runtime.project([Joined])
      const counter = runtime.actor(Counter, 'ann')
      await counter.send({ type: 'add', n: 3 })
      await deposit(5)
      await runtime.view(Joined).waitFor(await counter.send({ type: 'add', n: 4 }))
      const row = await runtime.view(Joined).get('ann')
      expect(row).to.deep.equal({ owner: 'Ann', balance: 5, counted: 7 })
    })

    for (const { when, options, commits } of [
      {
        when: 'when it has as many events as it may',
        options: { batchMax: 2, batchMs: 60_000 },
        commits: 3,
      },
      { when: 'when it took as long as it may', options: { batchMs: 1 }, commits: 6 },
    ]) {
      it(`is committed ${when}`, async () => {
        for (let amount = 1; amount <= 5; amount += 1) await deposit(amount)
        const last = await deposit(6)
        const seen: number[] = []
        const watched = runtime.view(Slow)
        await runtime.project([Slow], options)
        const subscription = watched.changes.subscribe(({ position, keys }) => {
          if (keys?.length) seen.push(position)
        })
        await watched.waitFor(last)
        subscription.unsubscribe()
        expect(seen).to.have.length(commits)
      })
    }

    it('is tried again when the database was away', async function () {
      this.timeout(60_000)
      await runtime.project([Balances])
      await runtime.view(Balances).waitFor(await deposit(1))
      const back = await takeAway()
      const sent = await deposit(2)
      try {
        await failure(runtime.view(Balances).waitFor(sent, { timeoutMs: 100 }), 'NotYetProjected')
      } finally {
        await back()
      }
      await runtime.view(Balances).waitFor(sent, { timeoutMs: 15_000 })
      expect(await shown(runtime.view(Balances))).to.deep.equal(await foldBalances(runtime))
    })

    /** Locks the file, or the table of the checkpoint after cutting all connections. Answers how to undo it. */
    async function takeAway(): Promise<() => Promise<void>> {
      if (engine.name === 'sqlite') {
        const file = join(views.slice('file:'.length), 'balances_1.db')
        const other = new DatabaseSync(file)
        other.exec('BEGIN IMMEDIATE')
        return async () => other.close()
      }
      const admin = new pg.Client(views)
      await admin.connect()
      await admin.query('BEGIN')
      await admin.query('LOCK TABLE reenact_balances_1.reenact_checkpoint IN EXCLUSIVE MODE')
      await admin.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'reenact'",
      )
      return () => admin.end()
    }
  })
}

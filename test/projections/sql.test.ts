// Views of the user's own tables, on every database.

import { join } from 'node:path'
import { expect } from 'chai'
import { projection } from '../../projections/index.ts'
import { sql } from '../../projections/sql/index.ts'
import { createRuntime, type Runtime } from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { engines } from './engines.ts'
import { eventually } from './support.ts'

interface Tables {
  accounts: { id: string; owner: string; balance: number }
  moves: { position: number; account: string; amount: number }
}

const accounts = (version = 1) =>
  projection('accounts', {
    from: Account,
    version,
    view: sql<Tables>({
      create: async (db) => {
        await db.schema
          .createTable('accounts')
          .addColumn('id', 'text', (column) => column.primaryKey())
          .addColumn('owner', 'text', (column) => column.notNull())
          .addColumn('balance', 'integer', (column) => column.notNull())
          .execute()
        await db.schema
          .createTable('moves')
          .addColumn('position', 'integer', (column) => column.primaryKey())
          .addColumn('account', 'text', (column) => column.notNull().references('accounts.id'))
          .addColumn('amount', 'integer', (column) => column.notNull())
          .execute()
      },
    }),
    on: {
      Opened: async ({ owner }, db, { actorId }) => {
        await db.insertInto('accounts').values({ id: actorId, owner, balance: 0 }).execute()
      },
      Deposited: async ({ amount }, db, { actorId, position }) => {
        // Not awaited: the checkpoint waits for it all the same.
        void db.insertInto('moves').values({ position, account: actorId, amount }).execute()
        await db
          .updateTable('accounts')
          .set((e) => ({ balance: e('balance', '+', amount) }))
          .where('id', '=', actorId)
          .execute()
        if (amount > 100) {
          await db.insertInto('moves').values({ position, account: actorId, amount }).execute()
        }
      },
    },
  })

for (const engine of engines) {
  describe(`tables on ${engine.name}`, () => {
    engine.setUp()
    const folder = temporaryFolder()
    let runtime: Runtime
    let files = 0
    const Accounts = accounts()

    beforeEach(async () => {
      files += 1
      const views = await engine.address(folder)
      const store = `file:${join(folder, `${engine.name}-${files}.db`)}`
      runtime = await createRuntime({ store, actors: [Account], views })
      await runtime.actor(Account, 'ann').send({ type: 'open', owner: 'Ann' })
      await runtime.actor(Account, 'bob').send({ type: 'open', owner: 'Bob' })
    })
    afterEach(() => runtime.close())

    const deposit = (id: string, amount: number) =>
      runtime.actor(Account, id).send({ type: 'deposit', amount })

    const balances = () =>
      runtime
        .view(Accounts)
        .query((db) => db.selectFrom('accounts').select(['id', 'balance']).orderBy('id').execute())

    it('are filled and joined', async () => {
      await deposit('ann', 5)
      await runtime.project([Accounts])
      await deposit('bob', 7)
      const view = runtime.view(Accounts)
      await view.waitFor(await deposit('ann', 6))
      const joined = await view.query((db) =>
        db
          .selectFrom('moves')
          .innerJoin('accounts', 'accounts.id', 'moves.account')
          .select(['owner', 'amount'])
          .orderBy('position')
          .execute(),
      )
      expect(joined).to.deep.equal([
        { owner: 'Ann', amount: 5 },
        { owner: 'Bob', amount: 7 },
        { owner: 'Ann', amount: 6 },
      ])
    })

    it('undo all an event did when a statement of it fails', async () => {
      await runtime.project([Accounts], { poison: 'park', attemptsMax: 1 })
      await deposit('ann', 5)
      await deposit('ann', 500)
      await runtime.view(Accounts).waitFor(await deposit('bob', 7))
      expect(await balances()).to.deep.equal([
        { id: 'ann', balance: 5 },
        { id: 'bob', balance: 7 },
      ])
      const letters = await runtime.projections.deadLetters(Accounts)
      expect(letters.map(({ position }) => position)).to.deep.equal([4])
    })

    it('cannot be written by readers', async () => {
      await runtime.project([Accounts])
      const write = runtime
        .view(Accounts)
        .query((db) => db.deleteFrom('accounts').execute())
        .then(
          () => 'written',
          (error: Error) => error.message,
        )
      expect(await write).to.match(/read.?only/i)
    })

    it('are rebuilt, compared and swapped while they are written', async () => {
      await runtime.project([Accounts])
      for (let amount = 1; amount <= 20; amount += 1) await deposit('ann', amount)
      let differences: readonly unknown[] = ['not asked']
      const rebuilt = await runtime.projections.rebuild(Accounts, {
        verify: (found) => {
          differences = found
          return true
        },
      })
      expect([rebuilt, differences]).to.deep.equal([true, []])
      await runtime.view(Accounts).waitFor(await deposit('ann', 5))
      expect(await balances()).to.deep.equal([
        { id: 'ann', balance: 215 },
        { id: 'bob', balance: 0 },
      ])
    })

    it('are shown as of a moment', async () => {
      const sent = await deposit('ann', 5)
      await new Promise((resolve) => setTimeout(resolve, 5))
      await deposit('ann', 6)
      const then = await runtime.view(Accounts).asOf(sent.state.time ?? 0)
      const rows = await then.query((db) => db.selectFrom('moves').select('amount').execute())
      expect(rows).to.deep.equal([{ amount: 5 }])
      await then.close()
    })

    it('refuse a transaction inside the transaction', async () => {
      const Nested = projection('nested', {
        from: Account,
        view: Accounts.view,
        on: {
          Opened: (_event, db) =>
            db.transaction().execute(async (inner) => {
              await inner.deleteFrom('moves').execute()
            }),
        },
      })
      await runtime.project([Nested], { attemptsMax: 1 })
      await eventually('stopped', async () => {
        const [status] = await runtime.projections.status()
        return status?.lastError?.message.includes('one transaction already') ?? false
      })
    })
  })
}

// What a projection does when something is wrong: handlers, the log, the read model, another version.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { expect } from 'chai'
import { documents, type ProjectOptions, projection } from '../../projections/index.ts'
import { createRuntime, type Runtime } from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { Balances, eventually, failure, foldBalances, shown } from './support.ts'

describe('a projection in trouble', () => {
  const folder = temporaryFolder()
  let runtime: Runtime
  let files = 0
  const open = (views = `file:${join(folder, `views-${files}`)}`, log = files) =>
    createRuntime({ store: `file:${join(folder, `log-${log}.db`)}`, actors: [Account], views })

  beforeEach(async () => {
    files += 1
    runtime = await open()
    await runtime.actor(Account, 'ann').send({ type: 'open', owner: 'Ann' })
  })
  afterEach(() => runtime.close())

  const deposit = (amount: number) =>
    runtime.actor(Account, 'ann').send({ type: 'deposit', amount })

  const state = async (wanted: string, of = runtime) =>
    eventually(wanted, async () => (await of.projections.status())[0]?.state === wanted)

  /** Deposits above a limit are poison until they are healed. */
  const poisoned = () => {
    const sick = { healed: false }
    const Amounts = projection('amounts', {
      from: Account,
      view: documents<{ sum: number; count: number }>(),
      on: {
        Deposited: async (event, view) => {
          await view.patch('sum', (row) => ({
            sum: (row?.sum ?? 0) + event.amount,
            count: (row?.count ?? 0) + 1,
          }))
          if (event.amount > 100 && !sick.healed) throw new Error('too much')
        },
      },
    })
    return { sick, Amounts }
  }
  const quick: ProjectOptions = { attemptsMax: 2 }

  describe('with an event its handler cannot take', () => {
    it('stops before it, keeps what was before it, and goes on once it is mended', async () => {
      const { sick, Amounts } = poisoned()
      for (const amount of [1, 2, 500, 4]) await deposit(amount)
      await runtime.project([Amounts], quick)
      await state('stopped')
      const [status] = await runtime.projections.status()
      expect(status?.position).to.equal(3)
      expect(status?.lag.events).to.equal(2)
      expect(status?.lastError?.code).to.equal('ProjectionFailed')
      expect(status?.lastError?.message).to.include('account-ann@3').and.include('too much')
      const view = runtime.view(Amounts)
      expect(await view.get('sum')).to.deep.equal({ sum: 3, count: 2 })
      sick.healed = true
      runtime.projections.resume(Amounts)
      await view.waitFor(5)
      expect(await view.get('sum')).to.deep.equal({ sum: 507, count: 4 })
    })

    it('puts it aside and goes on, where that is wanted, and handles it later', async () => {
      const { sick, Amounts } = poisoned()
      for (const amount of [1, 500, 2, 600, 4]) await deposit(amount)
      await runtime.project([Amounts], { ...quick, poison: 'park' })
      const view = runtime.view(Amounts)
      await view.waitFor(await deposit(8))
      expect(await view.get('sum')).to.deep.equal({ sum: 15, count: 4 })
      const letters = await runtime.projections.deadLetters(Amounts)
      expect(letters.map(({ position, type, stream }) => [position, type, stream])).to.deep.equal([
        [3, 'Deposited', 'account-ann'],
        [5, 'Deposited', 'account-ann'],
      ])
      expect(letters[0]?.error).to.include('too much')
      const again = await failure(runtime.projections.redrive(Amounts, 3), 'ProjectionFailed')
      expect(again.details.position).to.equal(3)
      expect(await view.get('sum')).to.deep.equal({ sum: 15, count: 4 })
      sick.healed = true
      expect(await runtime.projections.redrive(Amounts)).to.equal(2)
      expect(await view.get('sum')).to.deep.equal({ sum: 1115, count: 6 })
      expect(await runtime.projections.deadLetters(Amounts)).to.deep.equal([])
    })

    it('is left out of the past as well, where that was asked for', async () => {
      const { Amounts } = poisoned()
      for (const amount of [1, 500, 2]) await deposit(amount)
      const view = runtime.view(Amounts)
      const never = await failure(view.asOf(new Date()), 'ProjectionFailed')
      expect(never.message).to.include('account-ann@2').and.include('too much.')
      await runtime.project([Amounts], { ...quick, poison: 'park' })
      await view.waitFor(await deposit(4))
      const then = await view.asOf(new Date())
      expect(await then.get('sum')).to.deep.equal({ sum: 7, count: 3 })
      await then.close()
    })

    it('finds it also where the fault shows only when all is written', async () => {
      const Bad = projection('bad', {
        from: Account,
        view: documents<{ value: unknown }>(),
        on: {
          Deposited: (event, view, { position }) =>
            view.put(String(position), { value: event.amount > 100 ? new Map() : event.amount }),
        },
      })
      for (const amount of [1, 2, 500, 4]) await deposit(amount)
      await runtime.project([Bad], { ...quick, poison: 'park' })
      await runtime.view(Bad).waitFor(5)
      const rows = await runtime.view(Bad).find()
      expect(rows.map(({ document }) => document.value)).to.deep.equal([1, 2, 4])
      const [letter] = await runtime.projections.deadLetters(Bad)
      expect(letter?.error).to.include('$.value')
    })

    it('fails an event whose patch nobody awaited', async () => {
      const Loose = projection('loose', {
        from: Account,
        view: documents<{ sum: number }>(),
        on: { Deposited: (_event, view) => void view.patch('absent', { sum: 1 }) },
      })
      await deposit(1)
      await runtime.project([Loose])
      await state('stopped')
      const [status] = await runtime.projections.status()
      expect(status?.lastError?.message).to.include("no document 'absent'")
    })
  })

  describe('with a log that is not its own', () => {
    it('stops when the log is shorter than the checkpoint', async () => {
      for (const amount of [1, 2, 3]) await deposit(amount)
      await runtime.project([Balances])
      await runtime.view(Balances).waitFor(4)
      await runtime.close()
      runtime = await open(undefined, files + 1_000)
      await runtime.actor(Account, 'ann').send({ type: 'open', owner: 'Ann' })
      await runtime.project([Balances])
      await state('stopped')
      const [status] = await runtime.projections.status()
      expect(status?.lastError?.code).to.equal('AheadOfLog')
      expect(status?.lastError?.message).to.include('position 4').and.include('ends at 1')
    })

    it('stops when the log is long enough, but another one', async () => {
      await deposit(1)
      await runtime.project([Balances])
      await runtime.view(Balances).waitFor(2)
      await runtime.close()
      runtime = await open(undefined, files + 2_000)
      const bob = runtime.actor(Account, 'bob')
      await bob.send({ type: 'open', owner: 'Bob' })
      for (const amount of [1, 2, 3]) await bob.send({ type: 'deposit', amount })
      await runtime.project([Balances])
      await state('stopped')
      const [status] = await runtime.projections.status()
      expect(status?.lastError?.code).to.equal('AheadOfLog')
      expect(status?.lastError?.message).to.include('another log')
    })
  })

  describe('with other code than the read model was made with', () => {
    const sums = (version: number, factor: number) =>
      projection('sums', {
        from: Account,
        version,
        view: documents<{ sum: number }>(),
        // Two texts, since the handlers' text is what tells them apart.
        on:
          factor === 1
            ? {
                Deposited: (event, view) =>
                  view.patch('sum', (row) => ({ sum: (row?.sum ?? 0) + event.amount })),
              }
            : {
                Deposited: (event, view) =>
                  view.patch('sum', (row) => ({ sum: (row?.sum ?? 0) + 10 * event.amount })),
              },
      })

    const reopened = async (): Promise<void> => {
      await runtime.close()
      runtime = await open()
    }

    beforeEach(async () => {
      await deposit(1)
      await runtime.project([sums(1, 1)])
      await runtime.view(sums(1, 1)).waitFor(2)
      await reopened()
    })

    for (const [what, version, factor] of [
      ['another version', 2, 1],
      ['other handlers', 1, 10],
    ] as const) {
      it(`refuses to go on with ${what}`, async () => {
        await deposit(2)
        await runtime.project([sums(version, factor)])
        await state('stopped')
        const [status] = await runtime.projections.status()
        expect(status?.lastError?.code).to.equal('ProjectionChanged')
        expect(await runtime.view(sums(1, 1)).get('sum')).to.deep.equal({ sum: 1 })
      })
    }

    it('refuses to go on with a view of another shape', async () => {
      const { handlers } = sums(1, 1)
      const indexed = projection('sums', {
        from: Account,
        view: documents<{ sum: number }>({ indexes: ['sum'] }),
        on: Object.fromEntries(handlers) as object,
      })
      await runtime.project([indexed])
      await state('stopped')
      const [status] = await runtime.projections.status()
      expect(status?.lastError?.code).to.equal('ProjectionChanged')
      expect(status?.lastError?.message).to.include('another shape')
    })

    it('goes on with handlers that were adopted', async () => {
      const changed = sums(1, 10)
      await runtime.project([changed])
      await state('stopped')
      await runtime.projections.adopt(changed)
      await runtime.view(changed).waitFor(await deposit(2))
      expect(await runtime.view(changed).get('sum')).to.deep.equal({ sum: 21 })
    })

    it('rebuilds and swaps by itself where that is wanted', async () => {
      const changed = sums(2, 10)
      await runtime.project([changed], { changed: 'rebuild' })
      const view = runtime.view(changed)
      await eventually('swapped', async () => (await view.get('sum'))?.sum === 10)
      await state('live')
      await view.waitFor(await deposit(2))
      expect(await view.get('sum')).to.deep.equal({ sum: 30 })
      const [status] = await runtime.projections.status()
      expect(status?.build).to.deep.equal({ id: 2, version: 2 })
      await reopened()
      await runtime.project([sums(1, 1)], { changed: 'rebuild' })
      await state('stopped')
      const [older] = await runtime.projections.status()
      expect(older?.lastError?.message).to.include('Deploy the newer code')
    })
  })

  it('says that its file is lost, and is rebuilt from nothing', async () => {
    await deposit(1)
    await runtime.project([Balances])
    await runtime.view(Balances).waitFor(2)
    await runtime.close()
    rmSync(join(folder, `views-${files}`, 'balances_1.db'))
    runtime = await open()
    await runtime.project([Balances])
    await state('stopped')
    const [status] = await runtime.projections.status()
    expect(status?.lastError?.message).to.include('Rebuild it')
    expect(await runtime.projections.rebuild(Balances)).to.equal(true)
    await runtime.view(Balances).waitFor(await deposit(2))
    expect(await shown(runtime.view(Balances))).to.deep.equal(await foldBalances(runtime))
  })

  it('is found out when it does not give the same twice', async () => {
    let calls = 0
    const Moody = projection('moody', {
      from: Account,
      view: documents<{ call: number }>(),
      on: {
        Deposited: (_event, view, { actorId }) => {
          calls += 1
          view.put(actorId, { call: calls })
        },
      },
    })
    await deposit(1)
    await runtime.project([Moody])
    await runtime.view(Moody).waitFor(2)
    let differing: readonly string[] = []
    const swapped = await runtime.projections.rebuild(Moody, {
      verify: (differences) => {
        differing = differences.map(({ key }) => key)
        return differences.length === 0
      },
    })
    expect([swapped, differing]).to.deep.equal([false, ['ann']])
    expect(await runtime.view(Moody).get('ann')).to.deep.equal({ call: 1 })
  })

  it('follows where streams were truncated, deleted and tombstoned', async () => {
    for (const id of ['bob', 'cid', 'dan']) {
      await runtime.actor(Account, id).send({ type: 'open', owner: id })
      await runtime.actor(Account, id).send({ type: 'deposit', amount: 1 })
    }
    const stream = (id: string) => `account-${id}`
    await runtime.store.setStreamMetadata(stream('bob'), { truncateBefore: 1 })
    await runtime.store.deleteStream(stream('cid'))
    await runtime.store.tombstoneStream(stream('dan'))
    const Deposits = projection('deposits', {
      from: Account,
      view: documents<{ amount: number }>(),
      on: {
        Opened: (_event, view, { actorId }) => view.put(`opened ${actorId}`, { amount: 0 }),
        Deposited: ({ amount }, view, { actorId }) => view.put(actorId, { amount }),
      },
    })
    await runtime.project([Deposits])
    const view = runtime.view(Deposits)
    await view.waitFor(await deposit(5))
    expect((await view.find()).map(({ key }) => key)).to.deep.equal(['ann', 'bob', 'opened ann'])
  })

  it('begins again where another one moved its checkpoint', async () => {
    await runtime.project([Balances])
    const view = runtime.view(Balances)
    await view.waitFor(await deposit(1))
    await runtime.projections.pause(Balances)
    const other = new DatabaseSync(join(folder, `views-${files}`, 'balances_1.db'))
    // As if somebody else had done the work up to the next event.
    const sent = await deposit(2)
    other.exec(`UPDATE reenact_checkpoint SET position = ${sent.position}`)
    other.close()
    runtime.projections.resume(Balances)
    await view.waitFor(await deposit(4))
    expect((await view.get('ann'))?.balance).to.equal(5)
    expect((await runtime.projections.status())[0]?.lastError?.code).to.equal('Fenced')
  })

  it('is rebuilt beside itself, and the old build dropped', async () => {
    await deposit(1)
    await runtime.project([Balances])
    await runtime.view(Balances).waitFor(2)
    expect(await runtime.projections.rebuild(Balances)).to.equal(true)
    expect(await shown(runtime.view(Balances))).to.deep.equal(await foldBalances(runtime))
    expect(await runtime.projections.drop(Balances)).to.equal(1)
  })
})

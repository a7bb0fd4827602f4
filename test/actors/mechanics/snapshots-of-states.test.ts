// States of every kind through snapshots: parallel regions, remembered states, and damage on a real disk.

import { DatabaseSync } from '@photostructure/sqlite'
import { expect } from 'chai'
import fc from 'fast-check'
import { emit, setup } from 'xstate'
import { aggregate, createRuntime } from '../../../runtime/index.ts'
import { Account } from '../../fixtures/account.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'
import { freshFile } from '../../runtime/stores/support/store-files.ts'
import { world } from './support.ts'

const cases = Math.ceil(Number(process.env['REENACT_CASES'] ?? 100) / 4)

const facts = ['Next', 'Back', 'Paused', 'Resumed', 'DeepResumed', 'Flipped'] as const
type Fact = { type: (typeof facts)[number] }
type Do = { type: 'do'; what: (typeof facts)[number] }

/** Two regions; one has nested states that a shallow and a deep history state remember. */
const machine = setup({ types: { events: {} as Do | Fact, emitted: {} as Fact } }).createMachine({
  id: 'player',
  type: 'parallel',
  on: {
    do: { actions: emit(({ event }) => ({ type: event.what })) },
    Next: {},
    Back: {},
    Paused: {},
    Resumed: {},
    DeepResumed: {},
    Flipped: {},
  },
  states: {
    tape: {
      initial: 'side',
      states: {
        side: {
          initial: 'a',
          on: { Paused: 'paused' },
          states: {
            a: {
              initial: 'one',
              on: { Flipped: 'b' },
              states: { one: { on: { Next: 'two' } }, two: { on: { Back: 'one' } } },
            },
            b: {
              initial: 'one',
              on: { Flipped: 'a' },
              states: { one: { on: { Next: 'two' } }, two: { on: { Back: 'one' } } },
            },
            last: { type: 'history' },
            exactly: { type: 'history', history: 'deep' },
          },
        },
        paused: { on: { Resumed: 'side.last', DeepResumed: 'side.exactly' } },
      },
    },
    lamp: {
      initial: 'off',
      states: { off: { on: { Paused: 'on' } }, on: { on: { Flipped: 'off', Next: 'off' } } },
    },
  },
})

const events = {
  Next: {},
  Back: {},
  Paused: {},
  Resumed: {},
  DeepResumed: {},
  Flipped: {},
}
const Player = aggregate('player', machine, { events })

describe('a snapshot of a parallel machine with remembered states', () => {
  it('goes on exactly as the events alone would', async () => {
    const history = fc.array(fc.constantFrom(...facts), { minLength: 1, maxLength: 14 })
    await fc.assert(
      fc.asyncProperty(history, history, async (before, after) => {
        const here = world()
        // A snapshot after each event, and a process that begins with the last of them.
        const first = (await here.open({ snapshotEvery: 1 }, [Player])).actor(Player, 'p')
        for (const what of before) await here.until(first.send({ type: 'do', what }))
        const runtime = await here.open({ snapshotEvery: 1_000 }, [Player])
        const resumed = runtime.actor(Player, 'p')
        for (const what of after) await here.until(resumed.send({ type: 'do', what }))
        expect(runtime.metrics().snapshotsIgnored).to.equal(0)
        const state = await here.until(resumed.state())
        await here.log.state.delete('snapshot:player-p')
        const fresh = (await here.open({}, [Player])).actor(Player, 'p')
        expect(state).to.deep.equal(await here.until(fresh.state()))
        expect((await here.until(fresh.verify())).ok).to.equal(true)
      }),
      { numRuns: cases },
    )
  })

  it('remembers what was left before it: shallow and deep', async () => {
    const steps = ['Flipped', 'Next', 'Paused'] as const
    for (const [what, one] of [
      ['Resumed', 'one'],
      ['DeepResumed', 'two'],
    ] as const) {
      const here = world()
      const first = (await here.open({ snapshotEvery: 1 }, [Player])).actor(Player, 'p')
      for (const step of steps) await here.until(first.send({ type: 'do', what: step }))
      expect(await here.log.state.get('snapshot:player-p')).not.to.equal(undefined)
      const resumed = (await here.open({}, [Player])).actor(Player, 'p')
      const { state } = await here.until(resumed.send({ type: 'do', what }))
      expect(state.value).to.deep.equal({ tape: { side: { b: one } }, lamp: 'on' })
    }
  })
})

describe('a snapshot whose row the disk changed', () => {
  const directory = temporaryFolder()
  const damages = [
    "value = replace(value, '1', '2')",
    'crc = crc + 1',
    'revision = 77',
    "value = ''",
    "value = CAST(x'ff00' AS TEXT)",
  ]
  for (const damage of damages) {
    it(`${damage}: the actor comes to life from its events, and the next snapshot mends it`, async () => {
      const file = freshFile(directory)
      const open = () =>
        createRuntime({ store: `file:${file}`, actors: [Account], limits: { snapshotEvery: 10 } })
      const before = await open()
      await before.actor(Account, 'ann').send({ type: 'open', owner: 'Ann' })
      const deposit = async (runtime: typeof before, times: number) => {
        for (let sent = 0; sent < times; sent += 1) {
          await runtime.actor(Account, 'ann').send({ type: 'deposit', amount: 1 })
        }
      }
      await deposit(before, 12)
      await before.close()
      const database = new DatabaseSync(file)
      database.exec(`UPDATE state SET ${damage} WHERE key = 'snapshot:account-ann'`)
      expect(database.prepare('SELECT changes() AS n').get()).to.deep.equal({ n: 1 })
      database.close()

      const runtime = await open()
      const ann = runtime.actor(Account, 'ann')
      expect(await ann.state()).to.deep.include({
        revision: 12,
        context: { owner: 'Ann', balance: 12 },
      })
      expect(runtime.metrics()).to.include({ snapshotsIgnored: 1, faults: 0 })
      await deposit(runtime, 10)
      await runtime.close()

      const after = await open()
      expect((await after.actor(Account, 'ann').state()).revision).to.equal(22)
      expect(after.metrics()).to.include({ snapshotsIgnored: 0, faults: 0 })
      expect((await after.store.state.get('snapshot:account-ann'))?.value).to.be.a('string')
      await after.close()
    })
  }
})

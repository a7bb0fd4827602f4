// A rebuild with another number of partitions than the live build has, whose partitions stand at different places.

import { expect } from 'chai'
import { documents, projection } from '../../projections/index.ts'
import { partitionOf } from '../../projections/projected-event.ts'
import {
  createMemoryStore,
  createRuntime,
  type EventStore,
  onlyLive,
  type Runtime,
} from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { engines } from './engines.ts'
import { eventually, failure } from './support.ts'

const ids = Array.from({ length: 8 }, (_, number) => `a${number}`)

for (const engine of engines) {
  describe(`a rebuild with other partitions on ${engine.name}`, () => {
    engine.setUp()
    const folder = temporaryFolder()
    let store: EventStore
    const runtimes: Runtime[] = []
    let acts: number[] = []
    let views: string

    beforeEach(async () => {
      acts = []
      store = createMemoryStore()
      views = await engine.address(folder)
    })
    afterEach(async () => {
      for (const runtime of runtimes.splice(0)) await runtime.close()
    })

    const open = async () => {
      const runtime = await createRuntime({ store, actors: [Account], views })
      runtimes.push(runtime)
      return runtime
    }

    /** Adds up by account and in all, refuses 13, and acts for each deposit. */
    const sums = (name: string, partitions: number) =>
      projection(name, {
        from: Account,
        partitions,
        view: documents<{ sum: number }>(),
        on: {
          Deposited: async ({ amount }, view, about) => {
            for (const key of [about.actorId, 'all']) {
              await view.patch(key, (row) => ({ sum: (row?.sum ?? 0) + amount }))
            }
            if (amount === 13) throw new Error('unlucky')
            onlyLive(about, () => acts.push(about.position))
          },
        },
      })

    /** Deposits to every account; answers where the events are. */
    async function deposit(runtime: Runtime, amount: number): Promise<readonly number[]> {
      const sent = await Promise.all(
        ids.map(async (id) => {
          const actor = runtime.actor(Account, id)
          if ((await actor.state()).revision === -1)
            await actor.send({ type: 'open', owner: 'Ann' })
          return actor.send({ type: 'deposit', amount })
        }),
      )
      return sent.map(({ position }) => position)
    }

    for (const [from, to] of [
      [4, 1],
      [2, 3],
    ] as const) {
      it(`from ${from} to ${to} compares the same events, and acts once for each`, async function () {
        this.timeout(60_000)
        const name = `sums${from}`
        const before = await open()
        await deposit(before, 1)
        await before.project([sums(name, from)], { poison: 'park', attemptsMax: 1 })
        const isLive = async (runtime: Runtime) =>
          (await runtime.projections.status())[0]?.state === 'live'
        await eventually('live', () => isLive(before))
        await before.close()
        // The first partition alone goes on, past an event it puts aside.
        const ahead = await open()
        await ahead.project([sums(name, from)], {
          partitions: [0],
          poison: 'park',
          attemptsMax: 1,
        })
        const all = [...(await deposit(ahead, 2)), ...(await deposit(ahead, 5))]
        const [first = ''] = ids.filter((id) => partitionOf(`account-${id}`, from) === 0)
        const unlucky = await ahead.actor(Account, first).send({ type: 'deposit', amount: 13 })
        all.push(...(await deposit(ahead, 7)))
        const inFirst = ids.filter((id) => partitionOf(`account-${id}`, from) === 0).length
        await eventually('the first is ahead', async () => acts.length === 3 * inFirst)
        expect(inFirst).to.be.within(1, ids.length - 1)
        const shadow = await ahead.projections.shadow(sums(name, to))
        await shadow.caughtUp()
        expect(await shadow.diff()).to.deep.equal([])
        let differences = -1
        const promoted = await shadow.promote((found) => {
          differences = found.length
          return found.length === 0
        })
        expect([promoted, differences]).to.deep.equal([true, 0])
        const view = ahead.view(sums(name, to))
        all.push(...(await deposit(ahead, 1)))
        await view.waitFor(Math.max(...all))
        expect(acts.sort((a, b) => a - b)).to.deep.equal(all.sort((a, b) => a - b))
        expect((await view.get('all'))?.sum).to.equal(ids.length * 16)
        for (const id of ids) expect((await view.get(id))?.sum).to.equal(16)
        const letters = await ahead.projections.deadLetters(sums(name, to))
        expect(letters.map(({ position }) => position)).to.deep.equal([unlucky.position])
      })
    }

    it('is needed: such a read model cannot be adopted', async () => {
      const runtime = await open()
      await runtime.project([sums('adopted', 2)])
      const error = await failure(runtime.projections.adopt(sums('adopted', 3)), 'InvalidOption')
      expect(error.message).to.include('has 2 partitions').and.include('rebuild')
    })

    it('are named as they are', async () => {
      const runtime = await open()
      for (const partitions of [[], [2], [0, 0], [-1], [0.5]]) {
        const error = await failure(
          runtime.project([sums('named', 2)], { partitions }),
          'InvalidOption',
        )
        expect(error.message).to.include('0 to 1')
      }
    })
  })
}

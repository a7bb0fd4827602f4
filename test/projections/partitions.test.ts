// Work shared by streams: within one process, and between two.

import { expect } from 'chai'
import { documents, projection } from '../../projections/index.ts'
import {
  createMemoryStore,
  createRuntime,
  type EventStore,
  type Runtime,
} from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { engines } from './engines.ts'

interface Sum {
  readonly sum: number
  readonly order: readonly number[]
}

/** Handlers that wait, so that partitions overlap; all of them write `all`. */
const Sums = projection('sums', {
  from: Account,
  partitions: 4,
  view: documents<Sum>(),
  on: {
    Deposited: async (event, view, { actorId }) => {
      const before = await view.get(actorId)
      await new Promise((resolve) => setImmediate(resolve))
      const order = [...(before?.order ?? []), event.amount]
      view.put(actorId, { sum: (before?.sum ?? 0) + event.amount, order })
      await view.patch('all', (row) => ({ sum: (row?.sum ?? 0) + event.amount, order: [] }))
    },
  },
})

/** The first event of each account begins to write a document, does not wait for it, and fails. */
const Hasty = projection('hasty', {
  from: Account,
  partitions: 2,
  view: documents<{ events: number }>(),
  on: {
    Opened: (_event, view) => {
      void view.patch('hasty', () => ({ events: 1 }))
      throw new Error('after the write was begun')
    },
    Deposited: async (_event, view, { actorId }) => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      view.put(actorId, { events: 1 })
    },
  },
})

const accounts = 12
const deposits = 15

for (const engine of engines) {
  describe(`partitions on ${engine.name}`, () => {
    engine.setUp()
    const folder = temporaryFolder()
    const runtimes: Runtime[] = []
    afterEach(async () => {
      for (const runtime of runtimes.splice(0)) await runtime.close()
    })

    const open = async (store: EventStore, views: string) => {
      const runtime = await createRuntime({ store, actors: [Account], views })
      runtimes.push(runtime)
      return runtime
    }

    async function write(runtime: Runtime): Promise<number> {
      await Promise.all(
        Array.from({ length: accounts }, async (_, account) => {
          const actor = runtime.actor(Account, `a${account}`)
          await actor.send({ type: 'open', owner: 'Ann' })
          for (let amount = 1; amount <= deposits; amount += 1) {
            await actor.send({ type: 'deposit', amount })
          }
        }),
      )
      const { events } = await runtime.store.readAll({ direction: 'backwards', limit: 1 })
      return events[0]?.position ?? 0
    }

    async function check(runtime: Runtime, position: number): Promise<void> {
      const view = runtime.view(Sums)
      await view.waitFor(position, { timeoutMs: 30_000 })
      const one = (deposits * (deposits + 1)) / 2
      expect((await view.get('all'))?.sum).to.equal(accounts * one)
      for (let account = 0; account < accounts; account += 1) {
        const { sum, order } = (await view.get(`a${account}`)) ?? {}
        expect([sum, order]).to.deep.equal([
          one,
          Array.from({ length: deposits }, (_, index) => index + 1),
        ])
      }
    }

    it('lose nothing where several write one document, and keep the order of each stream', async function () {
      this.timeout(60_000)
      const runtime = await open(createMemoryStore(), await engine.address(folder))
      await runtime.project([Sums], { batchMax: 7 })
      await check(runtime, await write(runtime))
    })

    it('write nothing of a failed handler into the next transaction', async () => {
      const runtime = await open(createMemoryStore(), await engine.address(folder))
      await runtime.project([Hasty], { poison: 'park', attemptsMax: 1 })
      await runtime.actor(Account, 'ann').send({ type: 'open', owner: 'Ann' })
      const sent = await runtime.actor(Account, 'ann').send({ type: 'deposit', amount: 1 })
      const view = runtime.view(Hasty)
      await view.waitFor(sent)
      const found = await view.find()
      expect(found.map(({ key }) => key)).to.deep.equal(['ann'])
      expect(await runtime.projections.deadLetters(Hasty)).to.have.length(1)
    })

    it('are shared by two processes', async function () {
      this.timeout(60_000)
      const store = createMemoryStore()
      const views = await engine.address(folder)
      const [one, two] = [await open(store, views), await open(store, views)]
      await one.project([Sums], { batchMax: 7, partitions: [0, 1] })
      await two.project([Sums], { batchMax: 7, partitions: [2, 3] })
      await check(two, await write(one))
      const states = [one, two].map(async ({ projections }) => (await projections.status())[0])
      for (const status of await Promise.all(states)) expect(status?.eventsPerSecond).to.be.above(0)
    })
  })
}

// A target that fails before, in the middle of and after its work: it ends as if it never had.

import { join } from 'node:path'
import { expect } from 'chai'
import { projection, type SinkWrite, sink } from '../../projections/index.ts'
import { createMemoryStore, createRuntime } from '../../runtime/index.ts'
import { createSeededRandom } from '../../runtime/testing/index.ts'
import { Account } from '../fixtures/account.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { eventually } from './support.ts'

class Cache {
  readonly kept = new Map<string, SinkWrite<number>>()
  repeated = 0
  failures = 0
  readonly #random = createSeededRandom(7)

  async write(batch: readonly SinkWrite<number>[]): Promise<void> {
    const failAt = this.#random.next() < 0.25 ? Math.floor(this.#random.next() * batch.length) : -1
    for (const [index, write] of batch.entries()) {
      if ((this.kept.get(write.key)?.position ?? 0) >= write.position) this.repeated += 1
      else this.kept.set(write.key, write)
      if (index === failAt) this.#fail()
    }
    // All is kept, but the answer is lost.
    if (this.#random.next() < 0.15) this.#fail()
  }

  #fail(): never {
    this.failures += 1
    throw new Error('gone')
  }
}

describe('a sink', () => {
  const folder = temporaryFolder()

  it('has an event put aside that its target refuses for good', async () => {
    const kept: number[] = []
    const Amounts = projection('amounts', {
      from: Account,
      view: sink<number>({
        write: async (batch) => {
          if (batch.some(({ value }) => value === 13)) throw new RangeError('13 is refused')
          kept.push(...batch.map(({ value }) => value ?? 0))
        },
        isPermanent: (error) => error instanceof RangeError,
      }),
      on: { Deposited: ({ amount }, view, { actorId }) => view.put(actorId, amount) },
    })
    const views = `file:${join(folder, 'permanent')}`
    const runtime = await createRuntime({ store: 'memory:', actors: [Account], views })
    const ann = runtime.actor(Account, 'ann')
    await ann.send({ type: 'open', owner: 'Ann' })
    for (const amount of [1, 2, 13, 4]) await ann.send({ type: 'deposit', amount })
    await runtime.project([Amounts], { poison: 'park', attemptsMax: 1 })
    await runtime.view(Amounts).waitFor(5)
    expect(kept).to.deep.equal([1, 2, 4])
    const [letter] = await runtime.projections.deadLetters(Amounts)
    expect(letter).to.include({ position: 4, type: 'Deposited' })
    expect(letter?.error).to.include('13 is refused')
    await runtime.close()
  })

  it('holds the last write of each key, however often its target failed', async function () {
    this.timeout(60_000)
    const cache = new Cache()
    // A turn that ends leaves nothing waiting behind: Node warns of listeners that pile up.
    const warnings: string[] = []
    const warned = ({ message }: Error) => void warnings.push(message)
    process.on('warning', warned)
    const Amounts = projection('amounts', {
      from: Account,
      view: sink<number>(cache),
      on: {
        Deposited: (event, view, { actorId }) => view.put(actorId, event.amount),
        Closed: (_event, view, { actorId }) => view.delete(actorId),
      },
    })
    const store = createMemoryStore()
    const views = `file:${join(folder, 'views')}`
    const open = () => createRuntime({ store, actors: [Account], views })
    const runtime = await open()
    const expected = new Map<string, number | undefined>()
    for (let amount = 1; amount <= 40; amount += 1) {
      const id = `a${amount % 4}`
      const actor = runtime.actor(Account, id)
      if (amount <= 4) await actor.send({ type: 'open', owner: 'Ann' })
      await actor.send({ type: 'deposit', amount })
      expected.set(id, amount)
    }
    const closed = runtime.actor(Account, 'a0')
    await closed.send({ type: 'withdraw', amount: (await closed.state()).context.balance })
    await closed.send({ type: 'close' })
    expected.set('a0', undefined)
    await runtime.close()
    const { events } = await store.readAll({ direction: 'backwards', limit: 1 })
    const end = events[0]?.position ?? 0
    // Each life of the worker ends somewhere.
    for (let life = 0; life < 3; life += 1) {
      const working = await open()
      await working.project([Amounts], { batchMax: 3 })
      const before = cache.failures
      await eventually('a failure', async () => cache.failures > before)
      await working.close()
    }
    const last = await open()
    await last.project([Amounts], { batchMax: 3 })
    await last.view(Amounts).waitFor(end, { timeoutMs: 20_000 })
    await last.close()
    const found = new Map([...cache.kept].map(([key, { value }]) => [key, value]))
    expect(found).to.deep.equal(expected)
    expect(cache.repeated, 'batches that came again').to.be.greaterThan(0)
    process.off('warning', warned)
    expect(warnings).to.deep.equal([])
  })
})

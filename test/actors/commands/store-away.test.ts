// A store that is away says nothing about the commands: they wait, and so do those who wait for them.

import { expect } from 'chai'
import { createMemoryStore, createRuntime, ReenactError } from '../../../runtime/index.ts'
import { createManualPorts } from '../../../runtime/testing/index.ts'
import { Account } from '../../fixtures/account.ts'

describe('posted commands while the store is away', () => {
  it('wait however long it takes, and are handled afterwards', async () => {
    const ports = createManualPorts()
    let away = false
    const gone = () =>
      new ReenactError('StoreUnavailable', 'The server is away. Look at the network.', {
        store: 'esdb://nowhere',
        reason: 'unreachable',
      })
    const store = new Proxy(createMemoryStore(ports), {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (name === 'supports') return { durable: true, exclusiveWriter: false }
        if (typeof value !== 'function') return value
        return (...given: unknown[]) => {
          if (away && name === 'readStream') return Promise.reject(gone())
          return value.apply(target, given)
        }
      },
    })
    const runtime = await createRuntime({ store, actors: [Account], ports })
    await ports.until(runtime.actor(Account, 'ann').send({ type: 'open', owner: 'Ann' }))
    runtime.work()
    const first = await ports.until(runtime.post(Account, 'ann', { type: 'deposit', amount: 1 }))
    await ports.until(first.outcome())
    // The actor leaves memory: it has to be read again, by a worker that knows where it is.
    await ports.advance(180_000)
    const posted = await ports.until(runtime.post(Account, 'ann', { type: 'deposit', amount: 5 }))
    away = true
    const outcome = posted.outcome({ timeoutMs: 3_600_000 })
    // Longer than any class of failure is tried again.
    await ports.advance(600_000)
    away = false
    const { accepted, state } = await ports.until(outcome)
    expect([accepted, state.context.balance]).to.deep.equal([true, 6])
    const letters: string[] = []
    const listing = (async () => {
      for await (const { id } of runtime.deadLetters.list()) letters.push(id)
    })()
    await ports.until(listing)
    expect(letters).to.deep.equal([])
    await ports.until(runtime.close())
  })
})

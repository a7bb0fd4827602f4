// A worker that stood still comes back: what it has in hand may be with another worker, or done, without its knowing.

import { expect } from 'chai'
import { createMemoryStore, createRuntime, type EventStore } from '../../../runtime/index.ts'
import { Counter } from '../../fixtures/counter.ts'

const messageTimeoutMs = 100

/** The store as a worker sees it that hangs while it writes events of some actors. */
function hanging(store: EventStore): { store: EventStore; release(stream: string): void } {
  const releases = new Map<string, () => void>()
  const gates = new Map<string, Promise<void>>()
  for (const stream of ['counter-a', 'counter-b']) {
    gates.set(stream, new Promise((resolve) => releases.set(stream, resolve)))
  }
  const append: EventStore['append'] = async (stream, ...rest) => {
    await gates.get(stream)
    return store.append(stream, ...rest)
  }
  const get = (target: EventStore, key: keyof EventStore) => {
    const value: unknown = key === 'append' ? append : target[key]
    return typeof value === 'function' ? value.bind(target) : value
  }
  return {
    store: new Proxy(store, { get } as ProxyHandler<EventStore>),
    release: (stream) => releases.get(stream)?.(),
  }
}

describe('a worker that stood still', () => {
  it('keeps the delivery of what comes later, though it lost that of what came before', async () => {
    const log = createMemoryStore()
    const key = { name: 'reenact:counter' }
    const filter = { categories: ['counter:command'] }
    await log.groups.create({ ...key, filter, settings: { strategy: 'Pinned', messageTimeoutMs } })
    const group = () => log.groups.info(key)
    const until = async (holds: () => Promise<boolean> | boolean): Promise<void> => {
      while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 2))
    }
    const { store, release } = hanging(log)
    const stalled = await createRuntime({ store, actors: [Counter] })
    const other = await createRuntime({ store: log, actors: [Counter] })
    const slow = stalled.work()
    const add = (id: string, n: number) => other.post(Counter, id, { type: 'add', n })

    const first = await add('a', 1)
    await add('b', 1)
    await until(() => slow.metrics().lanes === 2)
    // Its time is over: another worker does it all, and leaves.
    const quick = other.work()
    expect((await first.outcome()).accepted).to.equal(true)
    await until(async () => (await group()).inFlight === 0)
    await quick.stop()

    // It goes on with one actor, and so takes part again, while it still hangs with the other.
    release('counter-b')
    await until(() => slow.metrics().lanes === 1)
    const second = await add('a', 2)
    await until(() => slow.metrics().deliveries === 3)
    await new Promise((resolve) => setTimeout(resolve, 20))
    // Should it die now, somebody must come back to this actor.
    expect(slow.metrics().lanes).to.equal(1)
    expect((await group()).inFlight).to.equal(1)

    release('counter-a')
    expect((await second.outcome()).state.context.sum).to.equal(3)
    await stalled.close()
    await other.close()
    await log.close()
  })
})

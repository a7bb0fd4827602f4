// Commands that wait for a worker: those of one actor are handled together, not one signal at a time.

import { expect } from 'chai'
import { createMemoryStore, createRuntime, type EventStore } from '../../../runtime/index.ts'
import { Counter } from '../../fixtures/counter.ts'

const count = 300
/** Commands of one actor that are decided together. */
const pageMax = 128

/** The store, and how often it was asked about each stream. */
function counting(store: EventStore) {
  const calls = new Map<string, number>()
  const get = (target: EventStore, key: keyof EventStore) => {
    const value: unknown = target[key]
    if (typeof value !== 'function') return value
    return (...given: unknown[]) => {
      const call = `${key} ${String(given[0])}`
      calls.set(call, (calls.get(call) ?? 0) + 1)
      return value.apply(target, given)
    }
  }
  return { store: new Proxy(store, { get } as ProxyHandler<EventStore>), calls }
}

describe('a backlog', () => {
  it('is handled in order and page by page, and its signals are answered without a look', async () => {
    const log = createMemoryStore()
    const poster = await createRuntime({ store: log, actors: [Counter] })
    const items = Array.from({ length: count }, (_, n) => ({
      id: 'a',
      command: { type: 'add' as const, n },
    }))
    const last = (await poster.postMany(Counter, items)).at(-1)
    const { store, calls } = counting(log)
    const runtime = await createRuntime({ store, actors: [Counter] })
    // No more than two signals at a time.
    const worker = runtime.work({ concurrency: 1 })
    const outcome = await last?.outcome()
    expect(outcome?.state.context.last).to.equal(count - 1)
    while (worker.metrics().deliveries < count || worker.metrics().lanes > 0) {
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    const history = await poster.actor(Counter, 'a').history()
    const order = history.map(({ event }) => 'n' in event && event.n)
    expect(order).to.deep.equal(items.map(({ command }) => command.n))
    const pages = Math.ceil(count / pageMax)
    expect(calls.get('append counter-a')).to.equal(pages)
    expect(calls.get('readStream counter:command-a')).to.be.at.most(pages + 1)
    expect(calls.get('readStream counter:parked-a')).to.equal(1)
    expect(worker.metrics().handled).to.equal(count)
    await runtime.close()
    await poster.close()
    expect(await log.state.keys('claim:')).to.deep.equal([])
    await log.close()
  })

  it('of a group that brings the whole log is answered, whatever the signal', async () => {
    const log = createMemoryStore()
    const key = { name: 'reenact:counter' }
    await log.groups.create({ ...key, settings: { strategy: 'Pinned' } })
    const runtime = await createRuntime({ store: log, actors: [Counter] })
    const worker = runtime.work()
    const posted = await runtime.post(Counter, 'a', { type: 'add', n: 1 })
    expect((await posted.outcome()).accepted).to.equal(true)
    const group = () => log.groups.info(key)
    while (worker.metrics().deliveries < 2 || (await group()).inFlight > 0) {
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    expect(worker.metrics()).to.deep.include({ handled: 1, lanes: 0 })
    await runtime.close()
    await log.close()
  })
})

// Posted commands under faults: replies lost, requests late or repeated, workers that come, go and vanish. Each command has
// exactly one outcome, and each actor decides its commands in the order of its command stream.

import { expect } from 'chai'
import fc from 'fast-check'
import { createMemoryStore, createRuntime, type Runtime } from '../../runtime/index.ts'
import { createFaultyStore, createManualPorts } from '../../runtime/testing/index.ts'
import { Account } from '../fixtures/account.ts'
import { numRuns } from './histories.ts'

interface Plan {
  readonly seed: number
  readonly actors: number
  /** Commands posted between the changes of workers. */
  readonly rounds: readonly {
    readonly posts: readonly number[]
    readonly change: 'start' | 'stop' | 'vanish' | 'none'
    readonly advanceMs: number
  }[]
  readonly faults: number
  readonly snapshotEvery: number
}

const anyPlan: fc.Arbitrary<Plan> = fc.record({
  seed: fc.nat(),
  actors: fc.integer({ min: 1, max: 4 }),
  rounds: fc.array(
    fc.record({
      posts: fc.array(fc.nat({ max: 30 }), { maxLength: 12 }),
      change: fc.constantFrom('start', 'stop', 'vanish', 'none'),
      advanceMs: fc.nat({ max: 15_000 }),
    }),
    { minLength: 1, maxLength: 8 },
  ),
  faults: fc.constantFrom(0, 0.05, 0.2),
  snapshotEvery: fc.integer({ min: 1, max: 20 }),
})

/** Runs a plan and answers the final log by stream. */
async function run({ seed, actors, rounds, faults, snapshotEvery }: Plan) {
  const ports = createManualPorts({ seed: seed + 1 })
  const store = createMemoryStore(ports)
  const rates = {
    'lose-reply': faults,
    drop: faults / 2,
    late: faults / 2,
    slow: faults,
    hang: faults / 4,
  }
  const limits = { snapshotEvery, appendTimeoutMs: 200 }
  const open = (withFaults: boolean) =>
    createRuntime({
      store: withFaults ? createFaultyStore(store, { ports, rates, delayMsMax: 500 }) : store,
      actors: [Account],
      ports,
      limits,
    })
  const poster = await open(false)
  let workers: Runtime[] = []
  const start = async (withFaults = true) => {
    const runtime = await open(withFaults)
    runtime.work({ concurrency: 3 })
    workers.push(runtime)
  }
  await start()
  const posted = new Set<string>()
  const post = async (n: number) => {
    const id = `a${n % actors}`
    const commandId = `command ${n}`
    posted.add(`${id} ${commandId}`)
    const command =
      n < actors ? { type: 'open' as const, owner: id } : { type: 'deposit' as const, amount: n }
    await poster.post(Account, id, command, { commandId })
  }
  for (let n = 0; n < actors; n += 1) await post(n)
  for (const { posts, change, advanceMs } of rounds) {
    for (const n of posts) await post(n)
    const [first] = workers
    if (change === 'start') await start()
    if (change === 'stop' && first) {
      await ports.until(first.close({ graceMs: 5_000 }))
      workers = workers.slice(1)
    }
    // Gone without a word: what it began may still arrive, nobody hears of it.
    if (change === 'vanish' && first) {
      void first.close({ graceMs: 0 })
      workers = workers.slice(1)
    }
    await ports.advance(advanceMs)
  }
  await start(false)
  const outcomes = [...posted].map((each) => {
    const [id = '', ...rest] = each.split(' ')
    return poster.outcome(Account, id, rest.join(' '), { timeoutMs: 3_600_000 })
  })
  await ports.until(Promise.all(outcomes))
  for (const worker of workers) await ports.until(worker.close({ graceMs: 1_000 }))
  const { events } = await store.readAll({ limit: 100_000 })
  await poster.close()
  return { events, posted }
}

describe('workers under faults', () => {
  it('give each command one outcome, in the order of its stream', async function () {
    this.timeout(600_000)
    await fc.assert(
      fc.asyncProperty(anyPlan, async (plan) => {
        const { events, posted } = await run(plan)
        const decided = new Map<string, string[]>()
        const asked = new Map<string, string[]>()
        for (const { stream, metadata } of events) {
          const { commandId } = JSON.parse(metadata) as { commandId?: string }
          const [category, id = ''] = stream.split('-')
          if (commandId === undefined) continue
          const lists =
            category === 'account' ? decided : category === 'account:command' ? asked : undefined
          const list = lists?.get(id) ?? []
          lists?.set(id, list)
          // What was posted again keeps its first place.
          if (category === 'account' || !list.includes(commandId)) list.push(commandId)
        }
        expect(Object.fromEntries(decided)).to.deep.equal(Object.fromEntries(asked))
        let count = 0
        for (const list of decided.values()) count += list.length
        expect(count).to.equal(posted.size)
        expect(events.some(({ stream }) => stream.startsWith('account:parked'))).to.equal(false)
      }),
      { numRuns },
    )
  })
})

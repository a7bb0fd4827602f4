// The faulty store itself: each fault is what it says, and everything else passes through.

import { expect } from 'chai'
import { type AppendOutcome, createMemoryStore, type EventStore } from '../../runtime/index.ts'
import {
  type ContractHarness,
  contractFor,
  createFaultyStore,
  createManualPorts,
  type Fault,
  type FaultyStore,
  type FaultyStoreOptions,
  type ManualPorts,
} from '../../runtime/testing/index.ts'

interface Here {
  readonly ports: ManualPorts
  readonly log: EventStore
  readonly store: FaultyStore
  readonly append: () => Promise<AppendOutcome>
  readonly head: () => Promise<number>
}

function faulty(options: Partial<FaultyStoreOptions> = {}): Here {
  const ports = createManualPorts()
  const log = createMemoryStore(ports)
  const store = createFaultyStore(log, { ports, ...options })
  let count = 0
  return {
    ports,
    log,
    store,
    append: () => {
      count += 1
      const id = `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`
      return store.append('a-1', [{ id, type: 'T', data: '{}', metadata: '{}' }], {
        expected: 'any',
      })
    },
    head: async () => (await log.readStream('a-1')).head,
  }
}

/** What a promise has come to, without waiting for it. */
async function now(ports: ManualPorts, promise: Promise<AppendOutcome>): Promise<string> {
  let found = 'pending'
  promise.then(
    ({ outcome }) => {
      found = outcome
    },
    () => {
      found = 'rejected'
    },
  )
  await ports.settle()
  return found
}

const table: readonly (readonly [Fault, answer: string, head: number, later: number])[] = [
  [{ kind: 'none' }, 'committed', 0, 0],
  [{ kind: 'drop' }, 'unknown', -1, -1],
  [{ kind: 'lose-reply' }, 'unknown', 0, 0],
  [{ kind: 'late', delayMs: 100 }, 'unknown', -1, 0],
  [{ kind: 'slow', delayMs: 100 }, 'pending', -1, 0],
  [{ kind: 'reject', arrives: true }, 'rejected', 0, 0],
  [{ kind: 'reject', arrives: false }, 'rejected', -1, -1],
  [{ kind: 'hang', arrives: true }, 'pending', 0, 0],
  [{ kind: 'hang', arrives: false }, 'pending', -1, -1],
  [{ kind: 'refuse' }, 'refused', -1, -1],
]

describe('a faulty store', () => {
  for (const [fault, answer, head, later] of table) {
    it(`${JSON.stringify(fault)}: answers ${answer}, writes ${later === 0 ? 'once' : 'nothing'}`, async () => {
      const here = faulty()
      here.store.script(fault)
      const appended = here.append()
      expect(await now(here.ports, appended)).to.equal(answer)
      expect(await here.head()).to.equal(head)
      expect(here.store.outstanding).to.equal(fault.kind === 'late' ? 1 : 0)
      await here.ports.advance(100)
      expect(await here.head()).to.equal(later)
      expect(here.store).to.include({ appends: 1, outstanding: 0 })
      expect(here.store.faults[fault.kind]).to.equal(1)
      // The script is over.
      expect(await now(here.ports, here.append())).to.equal('committed')
    })
  }

  it('draws faults about as often as it is told, the same with the same seed', async () => {
    const rates = { drop: 0.2, 'lose-reply': 0.1, refuse: 0.05 }
    const counts = async () => {
      const here = faulty({ rates })
      for (let sent = 0; sent < 2_000; sent += 1) await here.append()
      return here.store.faults
    }
    const found = await counts()
    expect(found.drop).to.be.within(330, 470)
    expect(found['lose-reply']).to.be.within(150, 250)
    expect(found.refuse).to.be.within(60, 140)
    expect(found.late + found.hang + found.slow + found.reject).to.equal(0)
    expect(await counts()).to.deep.equal(found)
  })

  it('is healed at once, and what is under way still arrives', async () => {
    const here = faulty({ rates: { drop: 1 } })
    here.store.script({ kind: 'late', delayMs: 50 }, { kind: 'drop' })
    await here.append()
    here.store.heal()
    expect(await now(here.ports, here.append())).to.equal('committed')
    await here.ports.advance(50)
    expect(await here.head()).to.equal(1)
  })

  it('delays reads by chance, and reads what there is then', async () => {
    const here = faulty({ rates: { 'slow-read': 1 }, delayMsMax: 100 })
    const reading = here.store.readStream('a-1')
    await here.append()
    expect((await here.ports.until(reading)).head).to.equal(0)
    expect((await here.ports.until(here.store.readAll())).events).to.have.length(1)
  })

  it('passes everything else through', async () => {
    const { store, append, log } = faulty()
    await append()
    expect(store.name).to.equal('faulty memory:')
    expect(store.supports).to.deep.equal(log.supports)
    expect(store.state).to.equal(log.state)
    expect(await store.listStreams({ category: 'a' })).to.deep.equal(['a-1'])
    await store.setStreamMetadata('a-1', { maxCount: 5 })
    expect(await store.streamMetadata('a-1')).to.deep.equal({ maxCount: 5 })
    const subscription = store.subscribe({ stream: 'a-1' })
    const { value } = await subscription[Symbol.asyncIterator]().next()
    expect(value).to.include({ kind: 'events' })
    subscription.close()
    await store.deleteStream('a-1')
    expect((await log.readStream('a-1')).deleted).to.equal('soft')
    await store.tombstoneStream('a-1')
    expect((await log.readStream('a-1')).deleted).to.equal('tombstone')
    await store.close()
    expect(await log.readAll().then(String, ({ code }) => code)).to.equal('Closed')
  })
})

describe('event store contract: faulty without faults', () => {
  const harness: ContractHarness = {
    open: async (options) =>
      createFaultyStore(createMemoryStore(options), { ports: createManualPorts() }),
    takesClock: true,
    truncatesAtOnce: true,
  }
  for (const { name, run } of contractFor(harness)) it(name, () => run(harness))
})

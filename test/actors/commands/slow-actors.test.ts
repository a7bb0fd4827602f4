// Actors far too slow for what is posted: a worker holds a bounded number of commands, the rest waits in the log.

import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { systemPorts } from '../../../runtime/core/clock.ts'
import { openStore } from '../../../runtime/host/open-store.ts'
import { createRuntime, type EventStore } from '../../../runtime/index.ts'
import { Counter } from '../../fixtures/counter.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const concurrency = 8
const actors = 500
const commands = 5_000
const note = 'x'.repeat(4_096)

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heapUsed(): number {
  collect()
  return process.memoryUsage().heapUsed
}

/** A store where actors' events are written only when a test lets them. */
function gated(store: EventStore): { store: EventStore; pass(): void; open(): void } {
  const waiting: (() => void)[] = []
  let isOpen = false
  const append: EventStore['append'] = async (stream, ...rest) => {
    if (!isOpen && stream.startsWith('counter-')) {
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
    return store.append(stream, ...rest)
  }
  const get = (target: EventStore, key: keyof EventStore) => {
    if (key === 'append') return append
    const value: unknown = target[key]
    return typeof value === 'function' ? value.bind(target) : value
  }
  return {
    store: new Proxy(store, { get } as ProxyHandler<EventStore>),
    pass: () => waiting.shift()?.(),
    open: () => {
      isOpen = true
      for (const resolve of waiting.splice(0)) resolve()
    },
  }
}

describe('actors that are too slow', () => {
  const folder = temporaryFolder()

  it('leave their commands in the log: what a worker holds has a bound', async function () {
    this.timeout(60_000)
    const file = await openStore(`file:${join(folder, 'slow.db')}`, systemPorts)
    const gate = gated(file)
    const runtime = await createRuntime({ store: gate.store, actors: [Counter] })
    for (let n = 0; n < commands; n += 500) {
      const items = Array.from({ length: 500 }, (_, at) => ({
        id: `a${(n + at) % actors}`,
        command: { type: 'add' as const, n: n + at },
        options: { metadata: { note } },
      }))
      await runtime.postMany(Counter, items)
    }
    const before = heapUsed()
    const worker = runtime.work({ concurrency })
    const group = () => file.groups.info({ name: 'reenact:counter' })
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    while (!(await file.groups.list()).some(({ name }) => name === 'reenact:counter')) await turn()
    const { bufferMax, readMax } = (await group()).settings
    while ((await group()).waiting < bufferMax) await turn()
    // One gets through while a hundred could: the bounds hold all the time.
    for (let passed = 0; passed < 50; passed += 1) {
      gate.pass()
      for (let others = 0; others < 100; others += 1) await turn()
      const { waiting, inFlight } = await group()
      expect(waiting).to.be.at.most(bufferMax + readMax)
      expect(inFlight).to.be.at.most(2 * concurrency)
      expect(worker.metrics().lanes).to.be.at.most(2 * concurrency)
      // Of one actor a lane hands over a page at most, and all of it was read.
      expect(runtime.metrics().pending).to.be.at.most(concurrency * (commands / actors))
    }
    expect(worker.metrics().handled).to.be.greaterThan(0)
    expect(worker.metrics().handled).to.be.lessThan(commands / 2)
    expect(heapUsed() - before).to.be.lessThan((commands * note.length) / 2)
    gate.open()
    await runtime.close()
    await file.close()
  })
})

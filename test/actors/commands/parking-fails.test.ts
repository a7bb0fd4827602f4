// What cannot be parked is not dropped (D13): its actor waits, the others go on, until it can be parked.

import { expect } from 'chai'
import { emit, setup } from 'xstate'
import {
  aggregate,
  createMemoryStore,
  createRuntime,
  isReenactError,
  ReenactError,
} from '../../../runtime/index.ts'
import { createManualPorts } from '../../../runtime/testing/index.ts'

const machine = setup({
  types: {
    events: {} as { type: 'work' } | { type: 'explode' } | { type: 'Worked' },
    emitted: {} as { type: 'Worked' },
  },
  guards: {
    sound: () => {
      throw new Error('the guard is broken')
    },
  },
}).createMachine({
  on: {
    work: { actions: emit({ type: 'Worked' }) },
    explode: { guard: 'sound', actions: emit({ type: 'Worked' }) },
    Worked: {},
  },
})
const Job = aggregate('job', machine, { events: { Worked: {} } })

describe('a dead letter that cannot be written', () => {
  it('holds its actor and no other, and is written once there is room', async () => {
    const ports = createManualPorts()
    let full = true
    let refused = 0
    const store = new Proxy(createMemoryStore(ports), {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...given: unknown[]) => {
          if (name !== 'append' || !full || given[0] !== 'job:parked-a') {
            return value.apply(target, given)
          }
          refused += 1
          const error = new ReenactError('DiskFull', 'The disk is full. Make room.', { file: 'x' })
          return Promise.resolve({ outcome: 'refused', error })
        }
      },
    })
    const runtime = await createRuntime({ store, actors: [Job], ports })
    runtime.work()
    const work = { type: 'work' } as const
    const [bad, behind, other] = await ports.until(
      runtime.postMany(Job, [
        { id: 'a', command: { type: 'explode' } },
        { id: 'a', command: work },
        { id: 'b', command: work },
      ]),
    )
    expect((await ports.until(other?.outcome() as Promise<unknown>)) !== undefined).to.equal(true)
    const warnings: Error[] = []
    const note = (warning: Error) => warnings.push(warning)
    process.on('warning', note)
    await ports.advance(600_000)
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', note)
    expect(refused).to.be.greaterThan(3)
    expect(warnings.map(({ message }) => message).join()).to.match(
      /^A dead letter cannot be written to 'job:parked-a': The disk is full/,
    )
    expect((await store.readStream('job-a')).events).to.have.length(0)
    full = false
    const outcome = async () => bad?.outcome()
    const parked = await ports.until(outcome().catch((error: unknown) => error))
    expect(isReenactError(parked, 'CommandParked'), String(parked)).to.equal(true)
    await ports.until(behind?.outcome() as Promise<unknown>)
    const types = (await store.readStream('job-a')).events.map(({ type }) => type)
    expect(types).to.deep.equal(['reenact.NoEffect', 'Worked'])
    await ports.until(runtime.close())
  })
})

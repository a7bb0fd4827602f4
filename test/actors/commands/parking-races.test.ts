// One worker gives a command up while another, only slow, has it in hand: dead letter and log must agree in the end.

import { expect } from 'chai'
import { assign, emit, setup } from 'xstate'
import {
  aggregate,
  createMemoryStore,
  createRuntime,
  type EventStore,
  exponential,
  type Runtime,
} from '../../../runtime/index.ts'

type Command = { type: 'add'; n: number }
type Event = { type: 'Added'; n: number }

/** The guard throws. */
let broken = false

const machine = setup({
  types: { context: {} as { sum: number }, events: {} as Command | Event, emitted: {} as Event },
  guards: {
    sound: () => {
      if (broken) throw new Error('the guard is broken')
      return true
    },
  },
}).createMachine({
  id: 'counter',
  context: { sum: 0 },
  on: {
    add: { guard: 'sound', actions: emit(({ event }) => ({ type: 'Added', n: event.n })) },
    Added: { actions: assign({ sum: ({ context, event }) => context.sum + event.n }) },
  },
})
const Counter = aggregate('counter', machine, { events: { Added: {} } })

const retry = { poison: exponential({ delayMsMin: 1, delayMsMax: 1, attemptsMax: 1 }) }
const act = { by: 'ann', reason: 'mended' }

interface Held {
  readonly store: EventStore
  /** Something waits. */
  readonly reached: Promise<void>
  release(): void
}

const releases: (() => void)[] = []

/** The store as a worker sees it that stands still before it appends such events to the actor. */
function held(store: EventStore, isHeld: (type: string) => boolean = () => true): Held {
  let release = (): void => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  releases.push(release)
  let reach = (): void => {}
  const reached = new Promise<void>((resolve) => {
    reach = resolve
  })
  const append: EventStore['append'] = async (stream, events, options) => {
    if (stream === 'counter-a' && isHeld(events[0]?.type ?? '')) {
      reach()
      await released
    }
    return store.append(stream, events, options)
  }
  const get = (target: EventStore, key: keyof EventStore) => {
    const value: unknown = key === 'append' ? append : target[key]
    return typeof value === 'function' ? value.bind(target) : value
  }
  return { store: new Proxy(store, { get } as ProxyHandler<EventStore>), reached, release }
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 1))
}

describe('a command that is parked while another worker has it in hand', () => {
  let log: EventStore
  let runtime: Runtime
  let slow: Held
  let opened: Runtime[]

  const open = async (store: EventStore): Promise<Runtime> => {
    const made = await createRuntime({ store, actors: [Counter] })
    opened.push(made)
    return made
  }
  /** As if what is first on the command stream had killed three processes. */
  const accuse = async (): Promise<void> => {
    await log.state.put('claim:reenact:dead', JSON.stringify([['counter:command-a', 0]]))
    const counted = JSON.stringify({ from: 0, to: 0, attempts: 3 })
    await log.state.put('attempts:counter:command-a', counted)
  }
  const post = (n: number, commandId: string) =>
    runtime.post(Counter, 'a', { type: 'add', n }, { commandId })
  const parked = async (): Promise<string[]> => {
    const ids: string[] = []
    for await (const { commandId } of runtime.deadLetters.list()) ids.push(commandId)
    return ids
  }
  const isParked = async () => (await parked()).length > 0
  const sum = async () => (await runtime.actor(Counter, 'a').state()).context.sum
  const revision = async () => (await log.readStream('counter-a', { limit: 1 })).head
  /** A worker that has decided what is there, and stands still before it is written. */
  const startSlow = async () => {
    slow = held(log)
    const worker = (await open(slow.store)).work({ group: 'slow' })
    await slow.reached
    return worker
  }

  beforeEach(async () => {
    broken = false
    opened = []
    log = createMemoryStore()
    runtime = await open(log)
  })
  afterEach(async () => {
    for (const release of releases.splice(0)) release()
    for (const one of opened) await one.close()
    await log.close()
  })

  it('is not decided: parking took its turn', async () => {
    const bad = await post(1, 'bad')
    await startSlow()
    await accuse()
    const worker = runtime.work()
    await until(isParked)
    await worker.stop()
    slow.release()
    await opened[1]?.close()
    expect(await sum()).to.equal(0)
    runtime.work()
    // A retry is decided: only the turn was taken, not the command.
    await runtime.deadLetters.retry('counter:command-a@0', act)
    expect((await bad.outcome()).state.context.sum).to.equal(1)
  })

  it('is not decided either when it failed and killed nobody', async () => {
    await post(1, 'bad')
    await startSlow()
    broken = true
    const worker = runtime.work({ retry })
    await until(isParked)
    await worker.stop()
    broken = false
    slow.release()
    await opened[1]?.close()
    expect([await sum(), await parked()]).to.deep.equal([0, ['bad']])
  })

  it('is not decided when the one who parked it died before it took the turn: the next one does', async () => {
    await post(1, 'bad')
    await startSlow()
    await accuse()
    const dying = held(log)
    const dead = await open(dying.store)
    dead.work()
    await until(isParked)
    await dying.reached
    const next = (await open(log)).work({ group: 'next' })
    await until(() => next.metrics().deliveries === 1 && next.metrics().lanes === 0)
    slow.release()
    await opened[1]?.close()
    expect([await sum(), await parked()]).to.deep.equal([0, ['bad']])
  })

  it('is no dead letter any more when it was decided before its turn was taken', async () => {
    const bad = await post(1, 'bad')
    await startSlow()
    await accuse()
    const dying = held(log)
    const dead = await open(dying.store)
    dead.work()
    await until(isParked)
    await dying.reached
    slow.release()
    expect((await bad.outcome()).accepted).to.equal(true)
    // Neither of the two knows of the other. Whoever comes next sees both.
    const next = (await open(log)).work({ group: 'next' })
    await until(() => next.metrics().deliveries === 1 && next.metrics().lanes === 0)
    expect([await sum(), await parked()]).to.deep.equal([1, []])
    const letter = await runtime.deadLetters.show('counter:command-a@0')
    expect([letter.status, letter.act?.by]).to.deep.equal(['skipped', 'reenact'])
  })

  it('is not decided when it comes once more among what was read before it was parked', async () => {
    await post(1, 'bad')
    await post(10, 'good')
    await post(1, 'bad')
    const worker = await startSlow()
    expect(worker.metrics().deliveries).to.equal(3)
    await accuse()
    // The other worker parks the first, and gets no further.
    const stuck = held(log, (type) => type === 'Added')
    const other = await open(stuck.store)
    other.work()
    await stuck.reached
    expect(await revision()).to.equal(0)
    slow.release()
    await until(() => worker.metrics().lanes === 0)
    expect([await sum(), await parked()]).to.deep.equal([10, ['bad']])
    stuck.release()
    await other.close()
    expect([await sum(), await parked()]).to.deep.equal([10, ['bad']])
  })
})

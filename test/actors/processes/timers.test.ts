// Durable timers: they survive restarts, go beyond 24.8 days, are cancelled by leaving, and are drained at a bounded rate.

import { expect } from 'chai'
import { assign, setup } from 'xstate'
import {
  type ActivityArgs,
  activity,
  type DomainEvent,
  processManager,
} from '../../../runtime/index.ts'
import { Case, type World, world } from './world.ts'

const day = 24 * 3_600_000

/** Waits, or is told to stop before. */
const waiting = (waitMs: number, deadlineMs = 1_000 * day) =>
  processManager(
    'waiting',
    setup({
      types: { context: {} as { fired: number }, events: {} as DomainEvent<typeof Case> },
    }).createMachine({
      context: { fired: 0 },
      initial: 'waiting',
      states: {
        waiting: {
          after: {
            [waitMs]: {
              target: 'over',
              actions: assign({ fired: ({ context }) => context.fired + 1 }),
            },
          },
          on: { 'case.Noted': 'stopped' },
        },
        over: { on: { 'case.Noted': 'ended' } },
        stopped: { on: { 'case.Noted': { target: 'stopped', reenter: true } } },
        ended: { type: 'final' },
      },
    }),
    { on: [{ event: 'case.Begun', starts: true }, { event: 'case.Noted' }], deadlineMs },
  )

describe('durable timers', () => {
  let all: World
  beforeEach(() => {
    all = world()
  })
  /** The clock goes on; a quarter of an hour later everybody has noticed. */
  const pass = async (ms: number) => {
    all.ports.jump(ms)
    await all.ports.advance(900_000)
  }
  const begin = async (runtime: Awaited<ReturnType<World['open']>>, id = 'a') => {
    await all.until(runtime.actor(Case, id).send({ type: 'begin' }))
    await all.ports.advance(100)
  }

  it('fire after a restart, and far beyond 24.8 days', async () => {
    const Waiting = waiting(100 * day)
    const first = await all.open([Waiting])
    await begin(first)
    await pass(40 * day)
    await all.until(first.close())
    await pass(10 * day)
    const second = await all.open([Waiting])
    await pass(49 * day)
    expect((await all.until(second.processes.show(Waiting, 'a'))).value).to.equal('waiting')
    await pass(2 * day)
    const { value, context } = await all.until(second.processes.show(Waiting, 'a'))
    expect([value, context?.fired]).to.deep.equal(['over', 1])
    await all.until(second.close())
  })

  it('are cancelled by leaving the state', async () => {
    const Waiting = waiting(1_000)
    const runtime = await all.open([Waiting])
    await begin(runtime)
    await all.until(runtime.actor(Case, 'a').send({ type: 'note', text: 'stop' }))
    await all.ports.advance(10_000)
    const { value, timers } = await all.until(runtime.processes.show(Waiting, 'a'))
    expect(value).to.equal('stopped')
    expect(timers.map(({ event }) => event)).to.deep.equal(['reenact.deadline'])
    expect(await all.types('waiting-a')).not.to.include('TimerFired')
    await all.until(runtime.close())
  })

  it('that are due after downtime fire once, oldest first, at a bounded rate', async () => {
    const Waiting = waiting(1_000)
    const first = await all.open([Waiting])
    const ids = Array.from({ length: 60 }, (_, n) => `c${n}`)
    for (const id of ids) {
      await all.until(first.actor(Case, id).send({ type: 'begin' }))
      await all.ports.advance(5)
    }
    await all.until(first.close())
    await all.ports.advance(60_000)
    const second = await all.open([Waiting], { timersPerSecondMax: 100 })
    const fired = async () => {
      const { events } = await all.log.readAll({ filter: { types: ['reenact.TimerFired'] } })
      return events.map(({ stream }) => stream.replace('waiting-', ''))
    }
    await all.ports.advance(250)
    const soon = (await fired()).length
    expect(soon).to.be.within(1, 40)
    await all.ports.advance(5_000)
    const order = await fired()
    expect([...order].sort()).to.deep.equal([...ids].sort())
    // Ten at a time: those of one tick may overtake each other, those of different ticks not.
    for (const [place, id] of order.entries()) {
      expect(Math.abs(ids.indexOf(id) - place), id).to.be.lessThan(10)
    }
    await all.until(second.close())
  })

  it('are spread only by a share of the time between two ticks', async () => {
    const runtime = await all.open([])
    for (const timerJitter of [-0.1, 1.1, Number.NaN]) {
      const work = () => runtime.processes.work({ timerJitter })
      expect(work).to.throw().with.property('code', 'InvalidOption')
    }
    await all.until(runtime.close())
  })

  it('of the deadline are told to the machine, or park the process', async () => {
    const Waiting = waiting(100 * day, 5 * day)
    const runtime = await all.open([Waiting])
    await begin(runtime)
    await pass(6 * day)
    const { status, parked } = await all.until(runtime.processes.show(Waiting, 'a'))
    expect([status, parked?.why]).to.deep.equal(['parked', 'deadline'])
    await all.until(runtime.close())
  })

  it('are owned by one worker at a time, and handed over', async () => {
    const Waiting = waiting(60_000)
    const first = await all.open([Waiting])
    const second = await all.open([Waiting])
    await begin(first)
    await all.until(first.close())
    await all.ports.advance(70_000)
    expect((await all.until(second.processes.show(Waiting, 'a'))).value).to.equal('over')
    const types = await all.types('waiting-a')
    expect(types.filter((type) => type === 'TimerFired')).to.have.length(1)
    await all.until(second.close())
  })
})

describe('invocations of the same state', () => {
  it('are told apart when the state is entered again', async () => {
    const all = world()
    const calls: { key: string; end: (output: string) => void }[] = []
    const work = activity(
      ({ idempotencyKey }: ActivityArgs<null>) =>
        new Promise<string>((resolve) => calls.push({ key: idempotencyKey, end: resolve })),
      { timeoutMs: 3_600_000 },
    )
    const machine = setup({
      types: { context: {} as { got: string }, events: {} as DomainEvent<typeof Case> },
      actors: { work },
    }).createMachine({
      context: { got: '' },
      initial: 'working',
      states: {
        working: {
          invoke: {
            src: 'work',
            input: null,
            onDone: { target: 'done', actions: assign({ got: ({ event }) => event.output }) },
          },
          on: { 'case.Noted': { target: 'working', reenter: true } },
        },
        done: { type: 'final' },
      },
    })
    const Working = processManager('working', machine, {
      on: [{ event: 'case.Begun', starts: true }, { event: 'case.Noted' }],
    })
    const runtime = await all.open([Working])
    await all.until(runtime.actor(Case, 'a').send({ type: 'begin' }))
    await all.ports.advance(50)
    await all.until(runtime.actor(Case, 'a').send({ type: 'note', text: 'again' }))
    await all.ports.advance(50)
    expect(new Set(calls.map(({ key }) => key)).size).to.equal(2)
    calls[0]?.end('stale')
    await all.ports.advance(50)
    expect((await all.until(runtime.processes.show(Working, 'a'))).status).to.equal('running')
    calls[1]?.end('fresh')
    const { context } = await all.until(runtime.processes.settled(Working, 'a'))
    expect(context?.got).to.equal('fresh')
    await all.until(runtime.close())
  })
})

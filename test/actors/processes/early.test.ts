// Events that come before the process they feed was started: held where that is declared, and taken right after the start.

import { expect } from 'chai'
import { assign, emit, setup } from 'xstate'
import {
  aggregate,
  command,
  createRuntime,
  type Deadline,
  type DomainEvent,
  isReenactError,
  processManager,
  type Runtime,
} from '../../../runtime/index.ts'
import { processScenario } from '../../../runtime/testing/index.ts'
import { deadly, Life } from './shop.ts'
import { Case, type World, world } from './world.ts'

const act = { by: 'ann', reason: 'a test' }
const day = 24 * 3_600_000

/** Set by tests: what fails on the start. */
let broken = false

const machine = setup({
  types: {
    context: {} as { readonly id: string; readonly seen: readonly string[] },
    events: {} as DomainEvent<typeof Case> | Deadline,
    input: {} as { readonly id: string; readonly event: { readonly type: string } },
    emitted: {} as { readonly type: 'Told'; readonly text: string },
  },
  actors: { note: command(Case) },
}).createMachine({
  context: ({ input: { id, event } }) => {
    if (broken) throw new Error('not today')
    return { id, seen: [event.type] }
  },
  initial: 'reading',
  states: {
    reading: {
      on: {
        'case.Noted': [
          { guard: ({ event }) => event.text === 'end', target: 'logging' },
          {
            actions: [
              assign({ seen: ({ context, event }) => [...context.seen, event.text] }),
              emit(({ event }) => ({ type: 'Told', text: event.text })),
            ],
          },
        ],
        'reenact.deadline': 'over',
      },
    },
    logging: {
      invoke: {
        src: 'note',
        input: ({ context: { id, seen } }) => ({
          id: `${id}-log`,
          command: { type: 'note', text: seen.join(' ') },
        }),
        onDone: 'over',
      },
    },
    over: { type: 'final' },
  },
})

/** Notes come early; whatever is written to `a-log` is for nobody. */
const on = [
  { event: 'case.Begun', starts: true },
  {
    event: 'case.Noted',
    id: (_: unknown, { actorId }: { actorId: string }) => actorId,
    early: 'park',
  },
] as const
const Reading = processManager('reading', machine, { on, deadlineMs: day })

/** Writes notes in a shape that only it knows. */
const NewerCase = aggregate('case', Case.machine, {
  events: { Begun: {}, Noted: { version: 2, upcast: { 1: (data) => data } } },
})

describe('events that come before their process was started', () => {
  let all: World
  let runtime: Runtime
  beforeEach(() => {
    all = world()
    broken = false
  })
  afterEach(() => all.until(runtime.close()))

  const note = async (text: string, id = 'a') => {
    await all.until(runtime.actor(Case, id).send({ type: 'note', text }))
    await all.ports.advance(100)
  }
  const begin = async (options: { readonly correlationId?: string } = {}) => {
    await all.until(runtime.actor(Case, 'a').send({ type: 'begin' }, options))
    await all.ports.advance(100)
  }
  const show = () => all.until(runtime.processes.show(Reading, 'a'))
  const code = (promise: Promise<unknown>) =>
    all.until(
      promise.then(
        () => 'done',
        (error: unknown) => (isReenactError(error) ? error.code : String(error)),
      ),
    )

  it('park it; it begins with what starts it, and takes what was held in order, in one append', async () => {
    runtime = await all.look([Reading])
    const work = runtime.processes.work()
    await note('one')
    await note('two')
    const { status, value, context, parked, timers } = await show()
    expect([status, value, context, timers]).to.deep.equal(['parked', undefined, undefined, []])
    expect(parked).to.deep.include({ why: 'early', step: null })
    expect(parked?.error.message).to.include("'case.Noted' came before the process was started")
    const listed = []
    for await (const { id } of runtime.processes.list(Reading, { status: 'parked' }))
      listed.push(id)
    expect(listed).to.deep.equal(['a'])
    const letters = []
    for await (const { id, why } of runtime.processes.parked()) letters.push([id, why])
    expect(letters).to.deep.equal([['a', 'early']])
    expect(work.metrics(Reading)).to.include({ open: 1, parked: 1, triggers: 2, passedOver: 0 })
    const before = (await all.log.readStream('reading-a')).head
    const ended = runtime.processes.settled(Reading, 'a')
    await begin({ correlationId: 'talk' })
    const { events } = await all.log.readStream('reading-a', { from: before + 1 })
    expect(events.map(({ type }) => type)).to.deep.equal(['reenact.Triggered', 'Told', 'Told'])
    const headers = events.map(({ metadata }) => JSON.parse(metadata))
    for (const { $correlationId, $causationId } of headers) {
      expect($correlationId, 'the conversation of the start').to.equal('talk')
      expect($causationId, 'one append').to.equal(headers[0].$causationId)
    }
    expect((await show()).context?.seen).to.deep.equal(['case.Begun', 'one', 'two'])
    expect(work.metrics(Reading)).to.include({ open: 1, parked: 0 })
    await note('end')
    expect((await all.until(ended)).status).to.equal('done')
    const { context: log } = await all.until(runtime.actor(Case, 'a-log').state())
    expect(log.notes).to.deep.equal(['case.Begun one two'])
  })

  it('are passed over where nothing is declared, also while others are held', async () => {
    const plain = [{ ...on[0] }, { event: 'case.Noted' }] as const
    const Plain = processManager('reading', machine, { on: plain })
    runtime = await all.open([Plain])
    await note('one')
    expect(await code(runtime.processes.show(Plain, 'a'))).to.equal('ProcessNotFound')
    await all.until(runtime.close())
    // A note that is held, by code that declares it; the next one comes to code that does not.
    runtime = await all.open([Reading])
    await note('two')
    await all.until(runtime.close())
    runtime = await all.open([Plain])
    await note('three')
    await begin()
    const { context } = await all.until(runtime.processes.show(Plain, 'a'))
    expect(context?.seen).to.deep.equal(['case.Begun', 'two'])
  })

  it('come twice and are held once, as the start begins it once', async () => {
    const before = world()
    runtime = await before.open([Reading])
    const { until, ports, log } = before
    const notes = (text: string) =>
      until(runtime.actor(Case, 'a').send({ type: 'note', text })).then(() => ports.advance(100))
    await notes('one')
    // The next worker reads the log from its beginning.
    const again = async () => {
      await until(runtime.close())
      await log.state.delete('checkpoint:process:reading')
      runtime = await before.open([Reading])
      await ports.advance(100)
    }
    await again()
    await notes('two')
    await again()
    await until(runtime.actor(Case, 'a').send({ type: 'begin' }))
    await ports.advance(100)
    await again()
    const { context } = await until(runtime.processes.show(Reading, 'a'))
    expect(context?.seen).to.deep.equal(['case.Begun', 'one', 'two'])
    const types = await before.types('reading-a')
    expect(types.slice(0, 3)).to.deep.equal(['ProcessParked', 'Triggered', 'Triggered'])
    expect(types.filter((type) => type === 'Told')).to.have.length(2)
  })

  it('wait for a start by hand as well', async () => {
    runtime = await all.open([Reading])
    await note('one')
    const start = () => runtime.processes.start(Reading, 'a', { type: 'case.Begun' })
    await all.until(start())
    await all.until(start())
    await note('two')
    expect((await show()).context?.seen).to.deep.equal(['case.Begun', 'one', 'two'])
  })

  it('let an operator cancel, which ends it: what would have started it is passed over then', async () => {
    runtime = await all.look([Reading])
    const { processes } = runtime
    const working = processes.work()
    await note('one')
    for (const what of ['pause', 'resume', 'retry', 'skip'] as const) {
      const error = await all.until(processes[what](Reading, 'a', act).catch((one) => one))
      expect(isReenactError(error, 'ProcessNotFound'), what).to.equal(true)
      expect(error.message, what).to.include('it was never started')
    }
    expect((await show()).parked?.why, 'and nothing was done').to.equal('early')
    // Nothing is to be undone: it needs no worker.
    await all.until(working.stop())
    await all.until(processes.cancel(Reading, 'a', act))
    const { status, undone } = await show()
    expect([status, undone]).to.deep.equal(['cancelled', 0])
    expect(await all.types('reading-a')).to.deep.equal([
      'ProcessParked',
      'ProcessCancelled',
      'ProcessEnded',
    ])
    const work = processes.work()
    await begin()
    await note('two')
    await all.until(processes.start(Reading, 'a', { type: 'case.Begun' }))
    expect((await show()).status).to.equal('cancelled')
    expect(work.metrics(Reading)).to.include({ triggers: 0, passedOver: 2, open: 0 })
  })

  it('have no deadline: it counts from the start', async () => {
    runtime = await all.open([Reading])
    await note('one')
    all.ports.jump(3 * day)
    await all.ports.advance(1_000)
    expect((await show()).parked?.why).to.equal('early')
    await begin()
    const [timer] = (await show()).timers
    expect(timer?.event).to.equal('reenact.deadline')
    expect((timer?.dueAt ?? 0) - all.ports.clock.now()).to.be.within(day - 1_000, day)
    all.ports.jump(day)
    await all.ports.advance(900_000)
    expect((await show()).status).to.equal('done')
  })

  it('follow the start also where the machine failed on it', async () => {
    runtime = await all.open([Reading])
    await note('one')
    broken = true
    await begin()
    expect((await show()).parked?.why).to.equal('machine')
    await note('two')
    broken = false
    await all.until(runtime.processes.resume(Reading, 'a', act))
    expect((await show()).context?.seen).to.deep.equal(['case.Begun', 'one', 'two'])
  })

  it('are held also when many reactions led to them, and do not begin it', async () => {
    runtime = await all.open([Reading])
    const metadata = { hops: 64 }
    for (const text of ['one', 'two'])
      await all.until(runtime.actor(Case, 'a').send({ type: 'note', text }, { metadata }))
    await all.ports.advance(100)
    expect((await show()).parked?.why).to.equal('early')
    await begin()
    expect((await show()).context?.seen).to.deep.equal(['case.Begun', 'one', 'two'])
  })

  it('are kept, as the start is, also by code that cannot replay it', async () => {
    const provided = machine.provide({ actors: { note: command(NewerCase) } })
    const Newer = processManager('reading', provided, { on })
    const newer = world([NewerCase], all)
    runtime = await newer.open([Newer])
    await all.until(runtime.actor(NewerCase, 'a').send({ type: 'note', text: 'one' }))
    await all.ports.advance(100)
    await all.until(runtime.close())
    runtime = await all.open([Reading])
    const writer = await newer.look([])
    await all.until(writer.actor(NewerCase, 'a').send({ type: 'begin' }))
    await all.ports.advance(100)
    await all.until(writer.close())
    expect(await code(runtime.processes.show(Reading, 'a'))).to.equal('NewerSchema')
    await all.until(runtime.close())
    runtime = await newer.open([Newer])
    await all.ports.advance(1_000)
    const { context } = await all.until(runtime.processes.show(Newer, 'a'))
    expect(context?.seen).to.deep.equal(['case.Begun', 'one'])
  })

  it('are part of a scenario', () => {
    const early = processScenario(Reading, { id: 'a' }).given(
      { type: 'case.Noted', text: 'one' },
      { type: 'case.Noted', text: 'two' },
    )
    expect([early.status, early.parked?.why, early.value]).to.deep.equal([
      'parked',
      'early',
      undefined,
    ])
    expect(early.after(9 * day).parked?.why).to.equal('early')
    const begun = early.given({ type: 'case.Begun' })
    expect(begun.context?.seen).to.deep.equal(['case.Begun', 'one', 'two'])
    expect(begun.emitted.map(({ type }) => type)).to.deep.equal(['Told', 'Told'])
  })

  it('are kept by a worker that dies at any moment', async function () {
    this.timeout(60_000)
    const live = async (lives: readonly Life[]): Promise<number> => {
      all = world()
      for (const life of lives) {
        runtime = await createRuntime({
          store: life.store(all.log),
          actors: [Case],
          processes: [Reading],
          ports: deadly(all.ports, life),
        })
        runtime.processes.work()
        const doing = async () => {
          const actor = runtime.actor(Case, 'a')
          await actor.send({ type: 'note', text: 'one' }, { commandId: 'one' })
          await actor.send({ type: 'begin' }, { commandId: 'begin' })
          await actor.send({ type: 'note', text: 'end' }, { commandId: 'end' })
          await runtime.processes.settled(Reading, 'a', { timeoutMs: 3_600_000 })
        }
        let over = false
        void doing().then(() => {
          over = true
        })
        for (let ticks = 0; !over && !life.dead && ticks < 100; ticks += 1)
          await all.ports.advance(500)
        if (life.dead) continue
        expect(over, 'it has ended').to.equal(true)
      }
      const { context } = await all.until(runtime.actor(Case, 'a-log').state())
      expect(context.notes).to.deep.equal(['case.Begun one'])
      const calls = lives.at(-1)?.calls ?? 0
      return calls
    }
    const calls = await live([new Life()])
    expect(calls).to.be.greaterThan(10)
    for (let at = 1; at <= calls; at += 1) {
      await all.until(runtime.close())
      await live([new Life(at, at % 2 === 0), new Life()])
    }
  })
})

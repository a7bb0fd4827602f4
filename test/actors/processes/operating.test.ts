// What people do to processes, dead letters included: each act is an event with who and why.

import { expect } from 'chai'
import { assign, setup } from 'xstate'
import {
  type ActivityArgs,
  activity,
  command,
  compensate,
  type DomainEvent,
  isReenactError,
  isStepError,
  type ProcessFilter,
  type ProcessWork,
  processManager,
  type Runtime,
  steps,
  TerminalError,
} from '../../../runtime/index.ts'
import { Case, type World, world } from './world.ts'

const act = { by: 'ann', reason: 'the service is back' }

/** Two notes around work that fails as it is told to. */
function processes(script: ('fail' | 'refuse' | 'ok')[], undoScript: 'fail'[] = []) {
  const calls: string[] = []
  const work = activity(
    ({ attempt }: ActivityArgs<null>) => {
      calls.push(`work ${attempt}`)
      const next = script.shift() ?? 'ok'
      if (next === 'fail') throw new Error('it is down')
      if (next === 'refuse') throw new TerminalError('never')
      return 'worked'
    },
    { retry: steps([1_000]) },
  )
  const prepare = activity(() => 'prepared', {
    undo: () => {
      calls.push('undo')
      if (undoScript.shift()) throw new Error('cannot undo now')
    },
  })
  const note = command(Case, {
    undo: ({ input }) => ({ type: 'note', text: `not in ${input.id}` }),
  })
  const machine = setup({
    types: {
      context: {} as { id: string; got: string },
      events: {} as DomainEvent<typeof Case>,
      input: {} as { id: string },
    },
    actors: { work, prepare, note, compensate },
  }).createMachine({
    context: ({ input }) => ({ id: input.id, got: '' }),
    initial: 'preparing',
    states: {
      preparing: { invoke: { src: 'prepare', input: {}, onDone: 'noting' } },
      noting: {
        invoke: {
          src: 'note',
          input: ({ context }) => ({
            id: `${context.id}-log`,
            command: { type: 'note', text: 'in' },
          }),
          onDone: 'working',
        },
      },
      working: {
        invoke: {
          src: 'work',
          input: null,
          onDone: { target: 'done', actions: assign({ got: ({ event }) => event.output }) },
        },
      },
      done: { type: 'final' },
    },
  })
  const Case2 = processManager('working', machine, { on: [{ event: 'case.Begun', starts: true }] })
  return { Process: Case2, calls }
}

describe('operating processes', () => {
  let all: World
  let runtime: Runtime
  let work: ProcessWork
  beforeEach(() => {
    all = world()
  })
  afterEach(() => all.until(runtime.close()))

  const start = async (made: ReturnType<typeof processes>) => {
    runtime = await all.look([made.Process])
    work = runtime.processes.work()
    await all.until(runtime.actor(Case, 'a').send({ type: 'begin' }))
    await all.ports.advance(100)
    return made.Process
  }
  const show = (Process: ReturnType<typeof processes>['Process']) =>
    all.until(runtime.processes.show(Process, 'a'))

  const parked = async () => {
    const found = []
    for await (const one of runtime.processes.parked()) found.push(one)
    return found
  }

  it('a step that fails for good and that nobody catches parks the process', async () => {
    const made = processes(['fail', 'fail'])
    const Process = await start(made)
    await all.ports.advance(5_000)
    const shown = await show(Process)
    expect(shown.status).to.equal('parked')
    expect(shown.parked?.error).to.deep.include({
      kind: 'failed',
      message: 'it is down',
      attempts: 2,
    })
    const listed = []
    for await (const one of runtime.processes.list(Process, { status: 'parked' }))
      listed.push(one.id)
    expect(listed).to.deep.equal(['a'])
    const [letter, ...others] = await parked()
    expect(others).to.deep.equal([])
    expect(letter?.process).to.equal(Process)
    expect(letter).to.deep.include({ id: 'a', why: 'step', error: shown.parked?.error })
    expect(letter?.step).to.equal(shown.parked?.step)
    expect(letter?.since).to.equal(shown.lastAt)
    expect(work.metrics(Process)).to.include({ open: 1, parked: 1 })
    await all.until(runtime.processes.resume(Process, 'a', act))
    const { context, status } = await all.until(runtime.processes.settled(Process, 'a'))
    expect([status, context?.got]).to.deep.equal(['done', 'worked'])
    expect(await parked()).to.deep.equal([])
    expect(work.metrics(Process)).to.include({ open: 0, parked: 0 })
    expect(made.calls).to.deep.equal(['work 1', 'work 2', 'work 1'])
    const { events } = await all.log.readStream('working-a')
    const resumed = events.find(({ type }) => type === 'reenact.ProcessResumed')
    expect(JSON.parse(resumed?.data ?? '')).to.deep.equal(act)
  })

  it('a step can be skipped with an output', async () => {
    const Process = await start(processes(['refuse']))
    await all.ports.advance(1_000)
    await all.until(runtime.processes.skip(Process, 'a', { ...act, output: 'by hand' }))
    const { context, status } = await all.until(runtime.processes.settled(Process, 'a'))
    expect([status, context?.got]).to.deep.equal(['done', 'by hand'])
  })

  it('a process can be cancelled, which undoes what it did, the last first', async () => {
    const made = processes(['refuse'])
    const Process = await start(made)
    await all.ports.advance(1_000)
    await all.until(runtime.processes.cancel(Process, 'a', act))
    const { status, undone } = await all.until(runtime.processes.settled(Process, 'a'))
    expect([status, undone]).to.deep.equal(['cancelled', 2])
    const { context } = await all.until(runtime.actor(Case, 'a-log').state())
    expect(context.notes).to.deep.equal(['in', 'not in a-log'])
    expect(made.calls.at(-1)).to.equal('undo')
  })

  it('a single step can be cancelled: its process takes that as a failure, or is parked with it', async () => {
    const slow = activity(() => new Promise<never>(() => {}), { timeoutMs: 60_000 })
    const caught = setup({
      types: {
        context: {} as { kind: string },
        events: {} as DomainEvent<typeof Case>,
      },
      actors: { slow },
    }).createMachine({
      context: { kind: '' },
      initial: 'working',
      states: {
        working: {
          invoke: {
            src: 'slow',
            input: null,
            onError: {
              target: 'over',
              actions: assign({
                kind: ({ event }) => (isStepError(event.error) ? event.error.kind : ''),
              }),
            },
          },
        },
        over: { type: 'final' },
      },
    })
    const Caught = processManager('caught', caught, { on: [{ event: 'case.Begun', starts: true }] })
    const made = processes(['fail'])
    runtime = await all.open([Caught, made.Process])
    await all.until(runtime.actor(Case, 'a').send({ type: 'begin' }))
    await all.ports.advance(100)
    for (const Process of [Caught, made.Process]) {
      const [step] = (await all.until(runtime.processes.show(Process, 'a'))).steps
      const cancel = (key = '') => runtime.processes.cancel(Process, 'a', { ...act, step: key })
      const none = await all.until(cancel('9/none').catch((error: unknown) => error))
      expect(isReenactError(none, 'ProcessNotFound')).to.equal(true)
      await all.until(cancel(step?.step))
    }
    const ended = await all.until(runtime.processes.settled(Caught, 'a'))
    expect([ended.status, ended.context?.kind]).to.deep.equal(['done', 'cancelled'])
    const { status, parked } = await show(made.Process)
    expect([status, parked?.error.kind]).to.deep.equal(['parked', 'cancelled'])
    const [, letter] = (await all.log.readStream('caught-a')).events.filter(({ type }) =>
      /Triggered|StepCancelled/.test(type),
    )
    expect(JSON.parse(letter?.data ?? '')).to.deep.include(act)
    await all.until(runtime.processes.retry(made.Process, 'a', act))
    expect((await all.until(runtime.processes.settled(made.Process, 'a'))).status).to.equal('done')
  })

  it('are listed by state, by age and by whether undoing gets on', async () => {
    const made = processes(
      ['refuse', 'ok'],
      Array.from({ length: 30 }, () => 'fail' as const),
    )
    const Process = await start(made)
    const between = all.ports.clock.now()
    await all.until(runtime.actor(Case, 'b').send({ type: 'begin' }))
    await all.ports.advance(1_000)
    const ids = async (filter: ProcessFilter) => {
      const found = []
      for await (const { id } of runtime.processes.list(Process, filter)) found.push(id)
      return found.sort()
    }
    const listed = (filter: ProcessFilter) => all.until(ids(filter))
    expect(await listed({})).to.deep.equal(['a'])
    expect(await listed({ status: 'all' })).to.deep.equal(['a', 'b'])
    expect(await listed({ status: 'done' })).to.deep.equal(['b'])
    expect(await listed({ status: 'all', startedBefore: between })).to.deep.equal(['a'])
    expect(await listed({ stuck: true })).to.deep.equal([])
    await all.until(runtime.processes.cancel(Process, 'a', act))
    for (let tries = 0; tries < 400 && (await listed({ stuck: true })).length === 0; tries += 1)
      await all.ports.advance(1_000)
    expect(await listed({ stuck: true })).to.deep.equal(['a'])
    expect(await listed({ status: 'cancelling', stuck: false })).to.deep.equal([])
  })

  it('undoing that fails is repeated until it is done, and shows that it does not get on', async () => {
    const made = processes(
      ['refuse'],
      Array.from({ length: 12 }, () => 'fail' as const),
    )
    const Process = await start(made)
    await all.ports.advance(1_000)
    await all.until(runtime.processes.cancel(Process, 'a', act))
    const isStuck = async () => (await all.types('working-a')).includes('CompensationStuck')
    for (let tries = 0; tries < 400 && !(await isStuck()); tries += 1)
      await all.ports.advance(1_000)
    expect((await parked()).map(({ id, why, error }) => [id, why, error.kind])).to.deep.equal([
      ['a', 'undo', 'failed'],
    ])
    const { status } = await all.until(
      runtime.processes.settled(Process, 'a', { timeoutMs: 3_600_000 }),
    )
    expect(status).to.equal('cancelled')
    expect(made.calls.filter((call) => call === 'undo')).to.have.length(13)
  })

  it('a paused process holds what comes, and begins nothing', async () => {
    const made = processes(['fail'])
    const Process = await start(made)
    await all.until(runtime.processes.pause(Process, 'a', act))
    await all.ports.advance(60_000)
    expect((await show(Process)).status).to.equal('paused')
    expect(made.calls).to.deep.equal(['work 1'])
    await all.until(runtime.processes.resume(Process, 'a', act))
    expect((await all.until(runtime.processes.settled(Process, 'a'))).status).to.equal('done')
  })

  it('an act from another process of the system is noticed', async () => {
    const Process = await start(processes(['refuse']))
    await all.ports.advance(1_000)
    const elsewhere = await all.look([Process])
    await all.until(elsewhere.processes.retry(Process, 'a', act))
    expect((await all.until(elsewhere.processes.settled(Process, 'a'))).status).to.equal('done')
    await all.until(elsewhere.close())
  })

  it('acts need a name, a reason and a process', async () => {
    const Process = await start(processes([]))
    await all.until(runtime.processes.settled(Process, 'a'))
    const code = (promise: Promise<unknown>) =>
      all.until(
        promise.then(
          () => 'done',
          (error: unknown) => (isReenactError(error) ? error.code : 'other'),
        ),
      )
    const { processes: operate } = runtime
    expect(await code(operate.pause(Process, 'a', { by: '', reason: 'x' }))).to.equal(
      'InvalidOption',
    )
    expect(await code(operate.pause(Process, 'a', act))).to.equal('ProcessNotFound')
    expect(await code(operate.cancel(Process, 'nobody', act))).to.equal('ProcessNotFound')
    expect(await code(operate.show(Process, 'nobody'))).to.equal('ProcessNotFound')
    expect(await code(operate.show(processes([]).Process, 'a'))).to.equal('UnknownProcess')
    expect(() => operate.work()).to.throw('runs here already')
  })
})

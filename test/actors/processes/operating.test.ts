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
  beforeEach(() => {
    all = world()
  })
  afterEach(() => all.until(runtime.close()))

  const start = async (made: ReturnType<typeof processes>) => {
    runtime = await all.open([made.Process])
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
    await all.until(runtime.processes.resume(Process, 'a', act))
    const { context, status } = await all.until(runtime.processes.settled(Process, 'a'))
    expect([status, context?.got]).to.deep.equal(['done', 'worked'])
    expect(await parked()).to.deep.equal([])
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

  it('a machine that fails on an event is parked with it, and goes on when it is mended', async () => {
    const make = (fails: boolean) =>
      processManager(
        'failing',
        setup({
          types: { context: {} as { n: number }, events: {} as DomainEvent<typeof Case> },
        }).createMachine({
          context: { n: 0 },
          on: {
            'case.Begun': {},
            'case.Noted': {
              actions: assign({
                n: ({ context }) => {
                  if (fails) throw new Error('not yet')
                  return context.n + 1
                },
              }),
            },
          },
        }),
        { on: [{ event: 'case.Begun', starts: true }, { event: 'case.Noted' }] },
      )
    const Broken = make(true)
    runtime = await all.open([Broken])
    await all.until(runtime.actor(Case, 'a').send({ type: 'begin' }))
    for (const text of ['x', 'y'])
      await all.until(runtime.actor(Case, 'a').send({ type: 'note', text }))
    await all.ports.advance(1_000)
    expect((await all.until(runtime.processes.show(Broken, 'a'))).parked?.why).to.equal('machine')
    await all.until(runtime.close())
    const Mended = make(false)
    runtime = await all.open([Mended])
    await all.until(runtime.processes.resume(Mended, 'a', act))
    expect((await all.until(runtime.processes.show(Mended, 'a'))).context?.n).to.equal(2)
  })

  it('a machine that was changed under a process stops it, loses nothing, and goes on when it is put back', async () => {
    const make = (waitMs: number) =>
      processManager(
        'changing',
        setup({
          types: { context: {} as { n: number }, events: {} as DomainEvent<typeof Case> },
        }).createMachine({
          context: { n: 0 },
          initial: 'a',
          states: { a: { after: { [waitMs]: 'b' } }, b: {} },
          on: { 'case.Noted': { actions: assign({ n: ({ context }) => context.n + 1 }) } },
        }),
        { on: [{ event: 'case.Begun', starts: true }, { event: 'case.Noted' }] },
      )
    const Old = make(1_000_000)
    runtime = await all.open([Old])
    await all.until(runtime.actor(Case, 'a').send({ type: 'begin' }))
    await all.ports.advance(100)
    await all.until(runtime.close())
    const New = make(2_000_000)
    runtime = await all.open([New])
    await all.ports.advance(100)
    await all.until(runtime.actor(Case, 'a').send({ type: 'note', text: 'x' }))
    await all.until(runtime.actor(Case, 'b').send({ type: 'begin' }))
    await all.ports.advance(1_000)
    const error = await all.until(
      runtime.processes.show(New, 'a').catch((thrown: unknown) => thrown),
    )
    expect(isReenactError(error, 'NonDeterministic'), String(error)).to.equal(true)
    expect((await all.until(runtime.processes.show(New, 'b'))).value).to.equal('a')
    await all.until(runtime.close())
    runtime = await all.open([Old])
    await all.ports.advance(1_000)
    expect((await all.until(runtime.processes.show(Old, 'a'))).context?.n).to.equal(1)
  })
})

// Processes and reactions that lead in a circle: they end where somebody can see them.

import { expect } from 'chai'
import { setup } from 'xstate'
import {
  type AnyProcessManager,
  command,
  createRuntime,
  type DomainEvent,
  type ProcessInput,
  processManager,
  reaction,
} from '../../../runtime/index.ts'
import { Case, world } from './world.ts'

type Event = DomainEvent<typeof Case>

const next = (text: string) =>
  ({ id: 'loop', command: { type: 'note', text: `${Number(text) + 1}` } }) as const

/** For each note a process that writes the next one, at once or after a while. */
const echo = (waitMs?: number) =>
  processManager(
    'echo',
    setup({
      types: {
        context: {} as { readonly text: string },
        events: {} as Event,
        input: {} as ProcessInput<Event>,
      },
      actors: { note: command(Case) },
    }).createMachine({
      context: ({ input: { id } }) => ({ text: id }),
      initial: waitMs === undefined ? 'noting' : 'waiting',
      states: {
        waiting: { after: { [waitMs ?? 0]: 'noting' } },
        noting: {
          invoke: { src: 'note', input: ({ context }) => next(context.text), onDone: 'done' },
        },
        done: { type: 'final' },
      },
    }),
    {
      on: [
        {
          event: 'case.Noted',
          starts: true,
          id: (event) => ('text' in event ? event.text : ''),
        },
      ],
    },
  )

describe('processes that lead in a circle', () => {
  const all = () => world([Case])
  const act = { by: 'ann', reason: 'it is none' }

  async function parkedOf(
    runtime: Awaited<ReturnType<ReturnType<typeof world>['look']>>,
    kind: AnyProcessManager,
  ) {
    const found = []
    for await (const one of runtime.processes.parked()) if (one.process === kind) found.push(one)
    return found
  }

  it('are parked, go on when somebody says so, and are counted anew', async () => {
    const one = all()
    const Echo = echo()
    const runtime = await one.open([Echo])
    await one.until(runtime.actor(Case, 'loop').send({ type: 'note', text: '0' }))
    await one.ports.advance(60_000)
    const [parked, ...others] = await one.until(parkedOf(runtime, Echo))
    expect(others).to.deep.equal([])
    expect(parked).to.deep.include({ id: '64', why: 'circle' })
    expect(parked?.error.code).to.equal('TooManyHops')
    const notes = async () =>
      (await one.until(runtime.actor(Case, 'loop').state())).context.notes.length
    expect(await notes()).to.equal(65)
    await one.until(runtime.processes.resume(Echo, '64', act))
    await one.ports.advance(60_000)
    expect(await notes()).to.equal(129)
    const [again] = await one.until(parkedOf(runtime, Echo))
    await one.until(runtime.processes.cancel(Echo, again?.id ?? '', act))
    expect(await one.until(parkedOf(runtime, Echo))).to.deep.equal([])
    await one.until(runtime.close())
  })

  it('are no circle where time passes between', async () => {
    const one = all()
    const Echo = echo(1_000)
    const runtime = await one.open([Echo])
    await one.until(runtime.actor(Case, 'loop').send({ type: 'note', text: '0' }))
    for (let round = 0; round < 80; round += 1) await one.ports.advance(1_500)
    expect(await one.until(parkedOf(runtime, Echo))).to.deep.equal([])
    const { context } = await one.until(runtime.actor(Case, 'loop').state())
    expect(context.notes.length).to.be.greaterThan(70)
    await one.until(runtime.close())
  })

  it('are counted together with reactions', async () => {
    const one = all()
    const Asking = processManager(
      'asking',
      setup({
        types: {
          context: {} as { readonly id: string },
          events: {} as Event,
          input: {} as ProcessInput<Event>,
        },
        actors: { note: command(Case) },
      }).createMachine({
        context: ({ input: { id } }) => ({ id }),
        initial: 'noting',
        states: {
          noting: {
            invoke: { src: 'note', input: ({ context }) => next(context.id), onDone: 'done' },
          },
          done: { type: 'final' },
        },
      }),
      { on: [{ event: 'case.Begun', starts: true }] },
    )
    const Answer = reaction('answer', {
      from: Case,
      on: 'Noted',
      to: Case,
      send: ({ text }) => ({ id: text, command: { type: 'begin' } }),
    })
    const { log: store, ports } = one
    const runtime = await createRuntime({
      store,
      ports,
      actors: [Case],
      processes: [Asking],
      reactions: [Answer],
    })
    runtime.processes.work()
    runtime.work()
    await one.until(runtime.actor(Case, '0').send({ type: 'begin' }))
    await one.ports.advance(120_000)
    const { context } = await one.until(runtime.actor(Case, 'loop').state())
    expect(context.notes).to.deep.equal(Array.from({ length: 32 }, (_, n) => `${n + 1}`))
    expect(await one.until(parkedOf(runtime, Asking))).to.have.length(1)
    await one.until(runtime.close())
  })
})

// Machines that fail, or were changed under their processes: nothing is lost, and they go on when that is mended.

import { expect } from 'chai'
import { assign, setup } from 'xstate'
import {
  type DomainEvent,
  isReenactError,
  processManager,
  type Runtime,
} from '../../../runtime/index.ts'
import { Case, type World, world } from './world.ts'

const act = { by: 'ann', reason: 'it is mended' }

describe('a process with a broken machine', () => {
  let all: World
  let runtime: Runtime
  beforeEach(() => {
    all = world()
  })
  afterEach(() => all.until(runtime.close()))

  it('that fails on an event is parked with it, and goes on when it is mended', async () => {
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

  it('that was changed meanwhile stops, loses nothing, and goes on when it is put back', async () => {
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

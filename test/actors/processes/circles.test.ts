// Processes that lead to one another in a circle are ended before they fill the log.

import { expect } from 'chai'
import { setup } from 'xstate'
import {
  type ActivityArgs,
  activity,
  command,
  type DomainEvent,
  processManager,
  type Runtime,
  reaction,
} from '../../../runtime/index.ts'
import { Case, world } from './world.ts'

/** Writes a note with the next number, whoever wrote the one before. */
const next = (id: string) => ({
  id: 'log',
  command: { type: 'note', text: `${Number(id) + 1}` } as const,
})

const machine = setup({
  types: {
    context: {} as { id: string },
    events: {} as DomainEvent<typeof Case>,
    input: {} as { id: string },
  },
  actors: { note: command(Case) },
}).createMachine({
  context: ({ input }) => ({ id: input.id }),
  initial: 'noting',
  states: {
    noting: {
      invoke: { src: 'note', input: ({ context }) => next(context.id), onDone: 'noted' },
    },
    noted: { type: 'final' },
  },
})

const Echo = processManager('echo', machine, {
  on: [{ event: 'case.Noted', id: ({ text }) => text, starts: true }],
})

describe('circles of processes', () => {
  it('stop after 64 in a row, until somebody lets the last one go on', async () => {
    const all = world()
    const runtime = await all.open([Echo])
    await all.until(runtime.actor(Case, 'log').send({ type: 'note', text: '0' }))
    await all.ports.advance(60_000)
    const notes = async () =>
      (await all.until(runtime.actor(Case, 'log').state())).context.notes.length
    expect(await notes()).to.equal(65)
    const stopped = await all.until(runtime.processes.show(Echo, '64'))
    expect(stopped.status).to.equal('parked')
    expect(stopped.parked?.error.message).to.include('circle')
    const act = { by: 'ann', reason: 'it was meant' }
    await all.until(runtime.processes.resume(Echo, '64', act))
    await all.ports.advance(60_000)
    // Resumed it counts from the beginning.
    expect(await notes()).to.equal(65 + 64)
    await all.until(runtime.close())
  })

  it('count what activities send and post themselves, where they hand on what they are given', async () => {
    const all = world()
    let runtime: Runtime | undefined
    const note = activity(
      async ({ input, idempotencyKey, metadata }: ActivityArgs<string>): Promise<void> => {
        const { id, command: write } = next(input)
        const options = { commandId: idempotencyKey, metadata }
        if (Number(input) % 2) await runtime?.actor(Case, id).send(write, options)
        else await runtime?.post(Case, id, write, options)
      },
    )
    const noting = setup({
      types: {
        context: {} as { id: string },
        events: {} as DomainEvent<typeof Case>,
        input: {} as { id: string },
      },
      actors: { note },
    }).createMachine({
      context: ({ input }) => ({ id: input.id }),
      initial: 'noting',
      states: {
        noting: { invoke: { src: 'note', input: ({ context }) => context.id, onDone: 'noted' } },
        noted: { type: 'final' },
      },
    })
    const Posting = processManager('posting', noting, {
      on: [{ event: 'case.Noted', id: ({ text }) => text, starts: true }],
    })
    runtime = await all.react([], [Posting])
    await all.until(runtime.actor(Case, 'log').send({ type: 'note', text: '0' }))
    await all.ports.advance(60_000)
    const { context } = await all.until(runtime.actor(Case, 'log').state())
    expect(context.notes).to.have.length(65)
    expect((await all.until(runtime.processes.show(Posting, '64'))).status).to.equal('parked')
    await all.until(runtime.close())
  })

  it('count what reactions post between their steps', async () => {
    const again = reaction('again', {
      from: Case,
      on: 'Begun',
      to: Case,
      send: () => next('0'),
    })
    const begin = setup({
      types: {
        context: {} as { id: string },
        events: {} as DomainEvent<typeof Case>,
        input: {} as { id: string },
      },
      actors: { begin: command(Case) },
    }).createMachine({
      context: ({ input }) => ({ id: input.id }),
      initial: 'beginning',
      states: {
        beginning: {
          invoke: { src: 'begin', input: { id: 'log', command: { type: 'begin' } } },
          on: { 'case.Noted': { target: 'beginning', reenter: true } },
        },
      },
    })
    const Begin = processManager('starting', begin, {
      on: [{ event: 'case.Noted', id: () => 'one', starts: true }],
    })
    const all = world()
    const runtime = await all.react([again], [Begin])
    await all.until(runtime.actor(Case, 'log').send({ type: 'note', text: '0' }))
    await all.ports.advance(120_000)
    const begun = (await all.types('case-log')).filter((type) => type === 'Begun')
    expect(begun).to.have.length(32)
    expect((await all.until(runtime.processes.show(Begin, 'one'))).status).to.equal('parked')
    await all.until(runtime.close())
  })
})

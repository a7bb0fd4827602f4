// Processes and newer versions of the events they take: what came in the old shape is replayed in today's.

import { expect } from 'chai'
import { assign, emit, setup } from 'xstate'
import {
  aggregate,
  type DomainEvent,
  type ProcessInput,
  processManager,
} from '../../../runtime/index.ts'
import { type World, world } from './world.ts'

const act = { by: 'ann', reason: 'on with it' }
const hour = 3_600_000

/** As it was: amounts without a currency. */
const Old = (() => {
  const machine = setup({
    types: {
      context: {} as object,
      events: {} as
        | { readonly type: 'pay'; readonly amount: number }
        | { readonly type: 'Paid'; readonly amount: number },
      emitted: {} as { readonly type: 'Paid'; readonly amount: number },
    },
  }).createMachine({
    context: {},
    on: {
      pay: { actions: emit(({ event }) => ({ type: 'Paid', amount: event.amount })) },
      Paid: {},
    },
  })
  return aggregate('till', machine, { events: { Paid: {} } })
})()

/** As it is now: renamed, and with a currency. */
const Today = (() => {
  type Settled = { readonly type: 'Settled'; readonly amount: number; readonly currency: string }
  const machine = setup({
    types: {
      context: {} as object,
      events: {} as { readonly type: 'pay'; readonly amount: number } | Settled,
      emitted: {} as Settled,
    },
  }).createMachine({
    context: {},
    on: {
      pay: {
        actions: emit(({ event }) => ({ type: 'Settled', amount: event.amount, currency: 'EUR' })),
      },
      Settled: {},
    },
  })
  return aggregate('till', machine, {
    events: {
      Settled: {
        version: 2,
        aliases: ['Paid'],
        upcast: { 1: (data) => ({ ...data, currency: 'DM' }) },
      },
    },
  })
})()

const OldProcess = processManager(
  'paying',
  setup({
    types: {
      context: {} as { readonly sum: string },
      events: {} as DomainEvent<typeof Old>,
      input: {} as ProcessInput<DomainEvent<typeof Old>>,
    },
  }).createMachine({
    context: { sum: '' },
    initial: 'waiting',
    states: { waiting: { after: { [hour]: 'done' } }, done: { type: 'final' } },
    on: { 'till.Paid': { actions: assign({ sum: ({ event }) => `${event.amount}` }) } },
  }),
  { on: [{ event: 'till.Paid', starts: true }] },
)

const TodayProcess = processManager(
  'paying',
  setup({
    types: {
      context: {} as { readonly sum: string },
      events: {} as DomainEvent<typeof Today>,
      input: {} as ProcessInput<DomainEvent<typeof Today>>,
    },
  }).createMachine({
    context: { sum: '' },
    initial: 'waiting',
    states: { waiting: { after: { [hour]: 'done' } }, done: { type: 'final' } },
    on: {
      'till.Settled': {
        actions: assign({
          sum: ({ context, event }) => `${context.sum} ${event.amount} ${event.currency}`.trim(),
        }),
      },
    },
  }),
  { on: [{ event: 'till.Settled', starts: true }] },
)

describe('events in the history of a process', () => {
  const waiting = async (): Promise<World> => {
    const all = world([Old])
    const runtime = await all.open([OldProcess])
    await all.until(runtime.actor(Old, 'a').send({ type: 'pay', amount: 5 }))
    await all.ports.advance(100)
    await all.until(runtime.processes.pause(OldProcess, 'a', act))
    await all.until(runtime.actor(Old, 'a').send({ type: 'pay', amount: 6 }))
    await all.ports.advance(100)
    await all.until(runtime.close())
    return all
  }

  it('are replayed in today’s shape and under today’s name, also those that were held', async () => {
    const { log, ports, until } = await waiting()
    const now = world([Today], { log, ports })
    const runtime = await now.open([TodayProcess])
    await until(runtime.processes.resume(TodayProcess, 'a', act))
    await until(runtime.actor(Today, 'a').send({ type: 'pay', amount: 7 }))
    await ports.advance(hour)
    const { status, context } = await until(runtime.processes.settled(TodayProcess, 'a'))
    expect([status, context?.sum]).to.deep.equal(['done', '5 DM 6 DM 7 EUR'])
    await until(runtime.close())
    // And once more, what was written by both.
    const later = await now.look([TodayProcess])
    const shown = await until(later.processes.show(TodayProcess, 'a'))
    expect(shown.context?.sum).to.equal('5 DM 6 DM 7 EUR')
    await until(later.close())
  })
})

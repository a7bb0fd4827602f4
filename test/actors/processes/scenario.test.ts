// Given, when, then for processes: their rules without a runtime, and time that passes when told.

import { expect } from 'chai'
import { expectTypeOf } from 'expect-type'
import { assign, emit, setup } from 'xstate'
import { orderProcess } from '../../../examples/orders/order-process.ts'
import {
  type ActivityArgs,
  activity,
  type Deadline,
  type DomainEvent,
  isReenactError,
  processManager,
} from '../../../runtime/index.ts'
import { processScenario } from '../../../runtime/testing/index.ts'
import type { Case } from './world.ts'

const hour = 3_600_000
const OrderProcess = orderProcess({ payments: { approve: async () => {} } })
const order = { customer: 'ann', item: 'lamp', units: 2, amount: 40 }
const placed = processScenario(OrderProcess, { id: 'o1' }).given({ type: 'order.Placed', ...order })

describe('a scenario of a process', () => {
  it('tells what is owed, with what each step was invoked with', () => {
    expect(placed.value).to.deep.equal({ open: 'reserving' })
    expect(placed.owed).to.deep.equal([
      {
        step: 'reserve',
        kind: 'command',
        input: { id: 'lamp', command: { type: 'reserve', order: 'o1', units: 2 } },
      },
    ])
    expectTypeOf(placed.context).exclude<undefined>().toHaveProperty('customer')
  })

  it('goes on with what came of a step, to its end', () => {
    const paid = placed.completed('reserve').completed('freeze').completed('approve')
    const shipped = paid.completed('ship').completed('deduct').completed('grant')
    const done = shipped.completed('confirm')
    expect([done.status, done.value]).to.deep.equal(['done', 'completed'])
    expect(done.owed).to.deep.equal([])
    expect(placed.value, 'never changes').to.deep.equal({ open: 'reserving' })
  })

  it('tells what is undone, the last first, and by which commands', () => {
    const refused = placed.completed('reserve').completed('freeze').failed('approve')
    expect(refused.owed).to.deep.equal([
      {
        step: 'compensate',
        kind: 'compensate',
        input: null,
        undoes: [
          { step: 'freeze', command: { type: 'unfreeze', order: 'o1' } },
          { step: 'reserve', command: { type: 'release', order: 'o1' } },
        ],
      },
    ])
    const cancelled = refused.completed('compensate').completed('cancel')
    expect([cancelled.status, cancelled.value]).to.deep.equal(['done', 'cancelled'])
  })

  it('what is left without an outcome is undone as if it had happened', () => {
    const left = placed.completed('reserve').given({ type: 'order.CancelRequested' })
    expect(left.value).to.equal('undoing')
    expect(left.completed('compensate').value).to.equal('cancelling')
  })

  it('lets time pass: timers fire in their order, the deadline among them', () => {
    expect(placed.timers).to.deep.equal([{ event: 'reenact.deadline', inMs: 24 * hour }])
    const waited = placed.after(23 * hour)
    expect(waited.value).to.deep.equal({ open: 'reserving' })
    expect(waited.timers).to.deep.equal([{ event: 'reenact.deadline', inMs: hour }])
    expect(waited.after(hour).context?.reason).to.equal('it took too long')

    const machine = setup({
      types: {
        context: {} as { readonly seen: string },
        events: {} as DomainEvent<typeof Case> | Deadline,
        emitted: {} as { readonly type: 'Slept'; readonly hours: number },
      },
    }).createMachine({
      context: { seen: '' },
      initial: 'a',
      states: {
        a: { after: { [2 * hour]: { target: 'b', actions: emit({ type: 'Slept', hours: 2 }) } } },
        b: { after: { [3 * hour]: { target: 'c', actions: emit({ type: 'Slept', hours: 3 }) } } },
        c: { on: { 'case.Noted': { actions: assign({ seen: ({ event }) => event.text }) } } },
      },
    })
    const Sleeping = processManager('sleeping', machine, {
      on: [{ event: 'case.Begun', starts: true }, { event: 'case.Noted' }],
    })
    const fresh = processScenario(Sleeping)
    expect(fresh.given({ type: 'case.Noted', text: 'early' }).value).to.equal(undefined)
    const asleep = fresh.given({ type: 'case.Begun' })
    expect(asleep.after(5 * hour - 1).value).to.equal('b')
    const awake = asleep.after(5 * hour)
    expect(awake.value).to.equal('c')
    expect(awake.emitted).to.deep.equal([
      { type: 'Slept', hours: 2 },
      { type: 'Slept', hours: 3 },
    ])
    expect(awake.given({ type: 'case.Noted', text: 'late' }).context?.seen).to.equal('late')
    const late = asleep.after(31 * 24 * hour)
    expect([late.status, late.parked?.why]).to.deep.equal(['parked', 'deadline'])
  })

  it('parks where nothing takes a failure, and says so', () => {
    const work = activity(({ input }: ActivityArgs<number>) => input)
    const machine = setup({
      types: { events: {} as DomainEvent<typeof Case> },
      actors: { work },
    }).createMachine({ invoke: { src: 'work', input: 1 } })
    const Working = processManager('working', machine, {
      on: [{ event: 'case.Begun', starts: true }],
    })
    const parked = processScenario(Working)
      .given({ type: 'case.Begun' })
      .failed('work', { kind: 'timeout', message: 'silence' })
    expect(parked.parked).to.deep.equal({
      why: 'step',
      error: { kind: 'timeout', message: 'silence', attempts: 1 },
    })
  })

  it('refuses steps that are not owed, and what no log could hold', () => {
    const code = (work: () => unknown) => {
      try {
        work()
      } catch (error) {
        return isReenactError(error) ? error.code : String(error)
      }
      return 'nothing thrown'
    }
    expect(code(() => placed.completed('freeze'))).to.equal('InvalidOption')
    expect(code(() => placed.completed('reserve', { at: new Date() }))).to.equal('InvalidPayload')
  })
})

// Schemas of commands and events at run time, with a library of Standard Schema.

import { expect } from 'chai'
import { assign, emit, setup } from 'xstate'
import { z } from 'zod'
import { aggregate } from '../../../runtime/index.ts'
import { errorOf, world } from './support.ts'

type Command = { type: 'pay'; amount: number; note?: string }
type Event = { type: 'Paid'; amount: number; note: string }

const machine = setup({
  types: {
    context: {} as { paid: number; notes: string },
    events: {} as Command | Event,
    emitted: {} as Event,
  },
}).createMachine({
  context: { paid: 0, notes: '' },
  on: {
    pay: {
      actions: emit(({ event }) => ({
        type: 'Paid',
        amount: event.amount,
        note: String(event.note),
      })),
    },
    Paid: {
      actions: assign(({ context, event }) => ({
        paid: context.paid + event.amount,
        notes: context.notes + event.note,
      })),
    },
  },
})

const pay = z.object({
  amount: z.number().positive().max(1_000_000),
  note: z.string().trim().default('none'),
})
const paid = z.object({ type: z.literal('Paid'), amount: z.number().max(100), note: z.string() })

const Bill = aggregate('bill', machine, {
  events: { Paid: { schema: paid } },
  commands: { pay: { schema: pay } },
})

async function bill() {
  const here = world()
  const actor = (await here.open({}, [Bill])).actor(Bill, 'one')
  return { here, actor }
}

describe('a schema', () => {
  it('of a command refuses what does not fit, naming each place, and nothing is written', async () => {
    const { here, actor } = await bill()
    const wrong = { type: 'pay', amount: -1, note: 7 } as unknown as Command
    const error = await errorOf(here.until(actor.send(wrong)), 'InvalidCommand')
    expect(error.details).to.include({ actor: 'bill-one', type: 'pay' })
    expect(error.details.issues).to.have.length(2)
    expect(error.details.issues[0]).to.match(/^amount: /)
    expect(error.details.issues[1]).to.match(/^note: /)
    expect(error.message).to.include(error.details.issues[0])
    const recorded = errorOf(here.until(actor.send(wrong, { commandId: 'once' })), 'InvalidCommand')
    expect((await recorded).details.issues).to.deep.equal(error.details.issues)
    expect((await here.log.readStream('bill-one')).head).to.equal(-1)
  })

  it('of a command gives the machine what it makes of it: defaults and changes', async () => {
    const { here, actor } = await bill()
    const first = await here.until(actor.send({ type: 'pay', amount: 1 }))
    const second = await here.until(actor.send({ type: 'pay', amount: 2, note: '  ok ' }))
    expect(first.accepted && first.events).to.deep.equal([
      { type: 'Paid', amount: 1, note: 'none' },
    ])
    expect(second.state.context).to.deep.equal({ paid: 3, notes: 'noneok' })
  })

  it('of an event refuses what the machine emits, and nothing is written', async () => {
    const { here, actor } = await bill()
    await here.until(actor.send({ type: 'pay', amount: 5 }))
    const error = await errorOf(
      here.until(actor.send({ type: 'pay', amount: 101 })),
      'InvalidEvent',
    )
    expect(error.details).to.include({ aggregate: 'bill', type: 'Paid' })
    expect(error.details.issues[0]).to.match(/^amount: /)
    expect((await here.log.readStream('bill-one')).head).to.equal(0)
    // The actor goes on.
    const next = await here.until(actor.send({ type: 'pay', amount: 100 }))
    expect(next.state).to.deep.include({ revision: 1, context: { paid: 105, notes: 'nonenone' } })
  })

  it('that needs to wait is refused: a decision cannot', async () => {
    const here = world()
    const slow = aggregate('bill', machine, {
      events: { Paid: {} },
      commands: { pay: { schema: pay.refine(async () => true) } },
    })
    const actor = (await here.open({}, [slow])).actor(slow, 'one')
    const asynchronous = {
      '~standard': { version: 1, vendor: 'test', validate: async (value: unknown) => ({ value }) },
    } as const
    const slower = aggregate('bill', machine, {
      events: { Paid: {} },
      commands: { pay: { schema: asynchronous as unknown as typeof pay } },
    })
    const other = (await here.open({}, [slower])).actor(slower, 'two')
    await errorOf(here.until(actor.send({ type: 'pay', amount: 1 })), 'InvalidCommand')
    const sent = here.until(other.send({ type: 'pay', amount: 1 }))
    const { details } = await errorOf(sent, 'InvalidCommand')
    expect(details.issues).to.deep.equal(['the schema is asynchronous: use a synchronous one'])
  })
})

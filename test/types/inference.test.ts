// What TypeScript infers from a machine, and what it refuses. Checked by the compiler; run to be counted.

import { expectTypeOf } from 'expect-type'
import { emit, setup } from 'xstate'
import { z } from 'zod'
import { aggregate } from '../../actors/aggregate.ts'
import {
  type ActorState,
  type CommandOf,
  type ContextOf,
  createRuntime,
  type EventOf,
  type SendResult,
} from '../../runtime/index.ts'
import { Account, type Command, type Event, machine } from '../fixtures/account.ts'

describe('types', () => {
  it('commands are what the machine takes and does not emit', () => {
    expectTypeOf<CommandOf<typeof Account>>().toEqualTypeOf<Command>()
    expectTypeOf<EventOf<typeof Account>>().toEqualTypeOf<Event>()
    expectTypeOf<ContextOf<typeof Account>>().toEqualTypeOf<{ owner: string; balance: number }>()
  })

  it('send takes commands and answers with typed events and state', async () => {
    const runtime = await createRuntime({ store: 'memory:', actors: [Account] })
    const ann = runtime.actor(Account, 'ann')
    expectTypeOf(ann.send).parameter(0).toEqualTypeOf<Command>()
    expectTypeOf(ann.send).returns.resolves.toEqualTypeOf<SendResult<typeof Account>>()
    expectTypeOf(ann.state).returns.resolves.toEqualTypeOf<ActorState<typeof Account>>()
    const result = await ann.send({ type: 'open', owner: 'Ann' })
    expectTypeOf(result.state.value).toEqualTypeOf<'unopened' | 'active' | 'closed'>()
    expectTypeOf(result.state.context.balance).toEqualTypeOf<number>()
    if (result.accepted) expectTypeOf(result.events).toEqualTypeOf<readonly Event[]>()
    else expectTypeOf(result.guards).toEqualTypeOf<readonly string[]>()
    expectTypeOf(await ann.can()).toEqualTypeOf<
      Readonly<Record<Command['type'], 'yes' | 'no' | 'depends'>>
    >()
    await runtime.close()
  })

  it('send refuses events, unknown types and wrong payloads', () => {
    const refused = (ann: Awaited<ReturnType<typeof actor>>) => [
      // @ts-expect-error an event is not a command
      () => ann.send({ type: 'Opened', owner: 'Ann' }),
      // @ts-expect-error no such command
      () => ann.send({ type: 'burn' }),
      // @ts-expect-error amount is a number
      () => ann.send({ type: 'deposit', amount: '5' }),
      // @ts-expect-error amount is missing
      () => ann.send({ type: 'deposit' }),
    ]
    const actor = async () =>
      (await createRuntime({ store: 'memory:', actors: [Account] })).actor(Account, 'ann')
    expectTypeOf(refused).toBeFunction()
  })

  it('the events record names every emitted type and no other', () => {
    const refused = () => [
      // @ts-expect-error Closed is missing
      aggregate('account', machine, { events: { Opened: {}, Deposited: {}, Withdrawn: {} } }),
      aggregate('account', machine, {
        // @ts-expect-error Burned is not emitted
        events: { Opened: {}, Deposited: {}, Withdrawn: {}, Closed: {}, Burned: {} },
      }),
      aggregate('account', machine, {
        events: { Opened: {}, Deposited: {}, Withdrawn: {}, Closed: {} },
        // @ts-expect-error burn is not a command
        commands: { burn: { schema: z.object({}) } },
      }),
    ]
    expectTypeOf(refused).toBeFunction()
  })

  it('schemas of any Standard Schema library fit', () => {
    const made = aggregate('account', machine, {
      events: {
        Opened: { schema: z.object({ type: z.literal('Opened'), owner: z.string() }) },
        Deposited: {},
        Withdrawn: {},
        Closed: {},
      },
      commands: {
        deposit: { schema: z.object({ type: z.literal('deposit'), amount: z.number() }) },
      },
    })
    expectTypeOf(made.name).toEqualTypeOf<'account'>()
  })

  it('a machine without declared emitted types is not an aggregate', () => {
    const untyped = setup({}).createMachine({ on: { go: { actions: emit({ type: 'Went' }) } } })
    const refused = () =>
      // @ts-expect-error declare the emitted events in setup({ types })
      aggregate('thing', untyped, { events: { Went: {} } })
    expectTypeOf(refused).toBeFunction()
  })
})

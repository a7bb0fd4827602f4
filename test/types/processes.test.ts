// What TypeScript infers of processes: events from aggregates, inputs and outputs of steps, and what it refuses.

import { expectTypeOf } from 'expect-type'
import { assign, setup } from 'xstate'
import { Stock } from '../../examples/orders/stock.ts'
import {
  type ActivityArgs,
  activity,
  type CommandInput,
  type CommandOf,
  type CommandOutput,
  type Compensated,
  command,
  compensate,
  type Deadline,
  type DomainEvent,
  type EventOf,
  processManager,
  type Runtime,
  reaction,
  tcc,
} from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'

const steps = {
  deposit: command(Account),
  charge: activity(async ({ input }: ActivityArgs<{ readonly amount: number }>) => input.amount),
  compensate,
}

const machine = setup({
  types: {
    context: {} as { readonly balance: number },
    events: {} as DomainEvent<typeof Account> | Deadline,
  },
  actors: steps,
}).createMachine({
  context: { balance: 0 },
  initial: 'depositing',
  states: {
    depositing: {
      invoke: {
        src: 'deposit',
        input: { id: 'ann', command: { type: 'deposit', amount: 5 } },
        onDone: {
          actions: ({ event }) =>
            expectTypeOf(event.output).toEqualTypeOf<CommandOutput<typeof Account>>(),
        },
      },
    },
    charging: {
      invoke: {
        src: 'charge',
        input: { amount: 5 },
        onDone: { actions: assign({ balance: ({ event }) => event.output }) },
      },
    },
    undoing: {
      invoke: {
        src: 'compensate',
        onDone: {
          actions: ({ event }) => expectTypeOf(event.output).toEqualTypeOf<Compensated>(),
        },
      },
    },
  },
})

describe('types of processes', () => {
  it('events of aggregates carry the name of their aggregate', () => {
    expectTypeOf<
      DomainEvent<typeof Account>['type']
    >().toEqualTypeOf<`account.${EventOf<typeof Account>['type']}`>()
    type Deposited = Extract<DomainEvent<typeof Account>, { type: 'account.Deposited' }>
    expectTypeOf<Deposited['amount']>().toEqualTypeOf<number>()
  })

  it('steps are invoked with what they take', () => {
    expectTypeOf<CommandInput<typeof Account>['command']>().toEqualTypeOf<
      CommandOf<typeof Account>
    >()
    const refused = () => [
      setup({ actors: steps }).createMachine({
        // @ts-expect-error burn is no command
        invoke: { src: 'deposit', input: { id: 'ann', command: { type: 'burn' } } },
      }),
      setup({ actors: steps }).createMachine({
        // @ts-expect-error amount is a number
        invoke: { src: 'charge', input: { amount: '5' } },
      }),
    ]
    expectTypeOf(refused).toBeFunction()
  })

  it('what undoes a command is a command of the same aggregate', () => {
    command(Stock, { undo: ({ input }) => ({ type: 'release', order: input.id }) })
    command(Stock, {
      undo: ({ output: { events } }) =>
        events.length > 0 ? { type: 'release', order: 'o1' } : undefined,
    })
    const refused = () => [
      // @ts-expect-error no such command
      command(Stock, { undo: ({ input }) => ({ type: 'forget', order: input.id }) }),
      // @ts-expect-error order is missing
      command(Stock, { undo: () => ({ type: 'release' }) }),
    ]
    expectTypeOf(refused).toBeFunction()
  })

  it('try, confirm and cancel are commands of one aggregate', () => {
    const made = tcc(Stock, {
      confirm: ({ input }) => ({ type: 'ship', order: input.id }),
      cancel: ({ output }) => ({ type: 'release', order: output.commandId }),
    })
    expectTypeOf(made.confirm).toEqualTypeOf<typeof made.try>()
    const cancel = () => ({ type: 'release', order: '' }) as const
    // @ts-expect-error no such command
    const refused = () => tcc(Stock, { confirm: () => ({ type: 'sell' }), cancel })
    expectTypeOf(refused).toBeFunction()
  })

  it('on names events the machine takes, and finds ids in them', () => {
    const refused = () => [
      processManager('p', machine, {
        on: [
          { event: 'account.Opened', starts: true, id: (event) => event.owner },
          {
            event: 'account.Deposited',
            id: ({ amount }, { actorId }) => {
              expectTypeOf(amount).toEqualTypeOf<number>()
              return actorId
            },
          },
        ],
      }),
      // @ts-expect-error account emits no such event
      processManager('p', machine, { on: [{ event: 'account.Burned' }] }),
      // @ts-expect-error the deadline comes by itself
      processManager('p', machine, { on: [{ event: 'reenact.deadline' }] }),
      // @ts-expect-error amount is no text
      processManager('p', machine, { on: [{ event: 'account.Deposited', id: (e) => e.amount }] }),
    ]
    expectTypeOf(refused).toBeFunction()
  })

  it('a reaction takes events of one aggregate and sends commands to another', () => {
    reaction('r', {
      from: Account,
      on: ['Opened', 'Deposited'],
      to: Stock,
      send: (event, { actorId }) => {
        expectTypeOf(event.type).toEqualTypeOf<'Opened' | 'Deposited'>()
        return event.type === 'Deposited'
          ? { id: 'lamp', command: { type: 'reserve', order: actorId, units: event.amount } }
          : undefined
      },
    })
    const refused = () => [
      // @ts-expect-error account emits no such event
      reaction('r', { from: Account, on: 'Burned', to: Stock, send: () => undefined }),
      reaction('r', {
        from: Account,
        on: 'Opened',
        to: Stock,
        // @ts-expect-error units are missing
        send: () => ({ id: 'lamp', command: { type: 'reserve', order: 'o' } }),
      }),
    ]
    expectTypeOf(refused).toBeFunction()
  })

  it('what is shown of a process has the types of its machine', () => {
    const shown = (runtime: Runtime) => {
      const Process = processManager('p', machine, { on: [] })
      return runtime.processes.show(Process, 'a')
    }
    type Shown = Awaited<ReturnType<typeof shown>>
    expectTypeOf<Shown['value']>().toEqualTypeOf<
      'depositing' | 'charging' | 'undoing' | undefined
    >()
    expectTypeOf<Shown['context']>().toEqualTypeOf<{ readonly balance: number } | undefined>()
  })
})

// The bank account every benchmark runs on, and the fold it would be without a machine.

import { assign, emit, setup } from 'xstate'
import { aggregate } from '../runtime/index.ts'

type Command = { type: 'open'; owner: string } | { type: 'deposit'; amount: number }
type Event = { type: 'Opened'; owner: string } | { type: 'Deposited'; amount: number }

const machine = setup({
  types: {
    context: {} as { owner: string; balance: number },
    events: {} as Command | Event,
    emitted: {} as Event,
  },
}).createMachine({
  id: 'account',
  initial: 'unopened',
  context: { owner: '', balance: 0 },
  states: {
    unopened: {
      on: {
        open: { actions: emit(({ event }) => ({ type: 'Opened', owner: event.owner })) },
        Opened: { target: 'active', actions: assign({ owner: ({ event }) => event.owner }) },
      },
    },
    active: {
      on: {
        deposit: {
          guard: ({ event }) => event.amount > 0,
          actions: emit(({ event }) => ({ type: 'Deposited', amount: event.amount })),
        },
        Deposited: {
          actions: assign({ balance: ({ context, event }) => context.balance + event.amount }),
        },
      },
    },
  },
})

export const Account = aggregate('account', machine, { events: { Opened: {}, Deposited: {} } })

/** The hand-written reducer a machine is compared with. */
export const plainFold = (state: { balance: number }, event: Event): { balance: number } =>
  event.type === 'Deposited' ? { ...state, balance: state.balance + event.amount } : state

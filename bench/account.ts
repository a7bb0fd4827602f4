// The bank account every benchmark runs on, and the fold it would be without a machine.

import { assign, emit, setup } from 'xstate'
import { aggregate } from '../runtime/index.ts'

type Command = { type: 'open'; owner: string } | { type: 'deposit'; amount: number }
type Event = { type: 'Opened'; owner: string } | { type: 'Deposited'; amount: number }
type Context = { owner: string; balance: number }

const machine = setup({
  types: { context: {} as Context, events: {} as Command | Event, emitted: {} as Event },
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

const events = { Opened: {}, Deposited: {} }

export const Account = aggregate('account', machine, { events })

/** The same account, which XState runs by itself. */
export const AccountByXState = aggregate('account', machine, { events, compile: false })

/** The hand-written reducer a machine is compared with. */
export const reducer = (state: Context, event: Event): Context => {
  switch (event.type) {
    case 'Opened':
      return { ...state, owner: event.owner }
    case 'Deposited':
      return { ...state, balance: state.balance + event.amount }
  }
}

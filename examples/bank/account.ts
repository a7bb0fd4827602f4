// The smallest example: a bank account as an aggregate.

import { aggregate, reject } from 'reenact'
import { assign, emit, setup } from 'xstate'

type Command =
  | { type: 'open'; owner: string }
  | { type: 'deposit'; amount: number }
  | { type: 'withdraw'; amount: number }
  | { type: 'freeze'; reason: string }

type Event =
  | { type: 'Opened'; owner: string }
  | { type: 'Deposited'; amount: number }
  | { type: 'Withdrawn'; amount: number }
  | { type: 'Frozen'; reason: string }

const machine = setup({
  types: {
    context: {} as { owner: string; balance: number },
    events: {} as Command | Event,
    emitted: {} as Event,
  },
  guards: {
    covered: ({ context, event }) => event.type === 'withdraw' && context.balance >= event.amount,
    positive: ({ event }) => 'amount' in event && event.amount > 0,
  },
}).createMachine({
  id: 'account',
  initial: 'unopened',
  context: { owner: '', balance: 0 },
  states: {
    unopened: {
      on: {
        // A command emits facts …
        open: { actions: emit(({ event }) => ({ type: 'Opened', owner: event.owner })) },
        // … and a fact moves the state.
        Opened: { target: 'active', actions: assign({ owner: ({ event }) => event.owner }) },
      },
    },
    active: {
      on: {
        deposit: {
          guard: 'positive',
          actions: emit(({ event }) => ({ type: 'Deposited', amount: event.amount })),
        },
        withdraw: {
          guard: 'covered',
          actions: emit(({ event }) => ({ type: 'Withdrawn', amount: event.amount })),
        },
        freeze: { actions: emit(({ event }) => ({ type: 'Frozen', reason: event.reason })) },
        Deposited: {
          actions: assign({ balance: ({ context, event }) => context.balance + event.amount }),
        },
        Withdrawn: {
          actions: assign({ balance: ({ context, event }) => context.balance - event.amount }),
        },
        Frozen: 'frozen',
      },
    },
    frozen: {
      on: {
        deposit: { actions: reject('frozen') },
        withdraw: { actions: reject('frozen') },
      },
    },
  },
})

/** One bank account an actor. */
export const Account = aggregate('account', machine, {
  events: { Opened: {}, Deposited: {}, Withdrawn: {}, Frozen: {} },
})

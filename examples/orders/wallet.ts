// A customer's wallet: money that is free, frozen for an order, or spent. Try, confirm, cancel.

import { assign, emit, setup } from 'xstate'
import { aggregate } from '../../runtime/index.ts'

type Command =
  | { readonly type: 'topUp'; readonly amount: number }
  | { readonly type: 'freeze'; readonly order: string; readonly amount: number }
  | { readonly type: 'deduct'; readonly order: string }
  | { readonly type: 'unfreeze'; readonly order: string }

type Event =
  | { readonly type: 'ToppedUp'; readonly amount: number }
  | { readonly type: 'Frozen'; readonly order: string; readonly amount: number }
  | { readonly type: 'Deducted'; readonly order: string; readonly amount: number }
  | { readonly type: 'Unfrozen'; readonly order: string; readonly amount: number }

export interface Money {
  readonly free: number
  readonly frozen: Readonly<Record<string, number>>
  readonly spent: number
}

const without = (frozen: Money['frozen'], order: string): Money['frozen'] =>
  Object.fromEntries(Object.entries(frozen).filter(([name]) => name !== order))

const machine = setup({
  types: {
    context: {} as Money,
    events: {} as Command | Event,
    emitted: {} as Event,
  },
  guards: {
    covered: ({ context, event }) => event.type === 'freeze' && context.free >= event.amount,
    frozen: ({ context, event }) => 'order' in event && event.order in context.frozen,
  },
}).createMachine({
  id: 'wallet',
  context: { free: 0, frozen: {}, spent: 0 },
  on: {
    topUp: { actions: emit(({ event }) => ({ type: 'ToppedUp', amount: event.amount })) },
    freeze: {
      guard: 'covered',
      actions: emit(({ event: { order, amount } }) => ({ type: 'Frozen', order, amount })),
    },
    deduct: {
      guard: 'frozen',
      actions: emit(({ context, event: { order } }) => ({
        type: 'Deducted',
        order,
        amount: context.frozen[order] ?? 0,
      })),
    },
    // An empty cancel is fine: nothing was frozen.
    unfreeze: [
      {
        guard: 'frozen',
        actions: emit(({ context, event: { order } }) => ({
          type: 'Unfrozen',
          order,
          amount: context.frozen[order] ?? 0,
        })),
      },
      {},
    ],
    ToppedUp: { actions: assign({ free: ({ context, event }) => context.free + event.amount }) },
    Frozen: {
      actions: assign(({ context, event }) => ({
        free: context.free - event.amount,
        frozen: { ...context.frozen, [event.order]: event.amount },
      })),
    },
    Deducted: {
      actions: assign(({ context, event }) => ({
        spent: context.spent + event.amount,
        frozen: without(context.frozen, event.order),
      })),
    },
    Unfrozen: {
      actions: assign(({ context, event }) => ({
        free: context.free + event.amount,
        frozen: without(context.frozen, event.order),
      })),
    },
  },
})

/** Wallets, by customer. */
export const Wallet = aggregate('wallet', machine, {
  events: { ToppedUp: {}, Frozen: {}, Deducted: {}, Unfrozen: {} },
})

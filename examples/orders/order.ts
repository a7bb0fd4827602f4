// An order: placed by a customer, then confirmed or cancelled.

import { assign, emit, setup } from 'xstate'
import { aggregate } from '../../runtime/index.ts'

/** What is ordered. */
export interface Placement {
  readonly customer: string
  readonly item: string
  readonly units: number
  readonly amount: number
}

type Command =
  | ({ readonly type: 'place' } & Placement)
  | { readonly type: 'confirm' }
  | { readonly type: 'requestCancel' }
  | { readonly type: 'cancel'; readonly reason: string }

type Event =
  | ({ readonly type: 'Placed' } & Placement)
  | { readonly type: 'Confirmed' }
  | { readonly type: 'CancelRequested' }
  | { readonly type: 'Cancelled'; readonly reason: string }

const machine = setup({
  types: {
    context: {} as { readonly reason: string },
    events: {} as Command | Event,
    emitted: {} as Event,
  },
}).createMachine({
  id: 'order',
  initial: 'new',
  context: { reason: '' },
  states: {
    new: {
      on: {
        place: {
          actions: emit(({ event: { customer, item, units, amount } }) => ({
            type: 'Placed',
            customer,
            item,
            units,
            amount,
          })),
        },
        Placed: 'placed',
      },
    },
    placed: {
      on: {
        confirm: { actions: emit({ type: 'Confirmed' }) },
        requestCancel: { actions: emit({ type: 'CancelRequested' }) },
        cancel: { actions: emit(({ event }) => ({ type: 'Cancelled', reason: event.reason })) },
        Confirmed: 'confirmed',
        CancelRequested: {},
        Cancelled: {
          target: 'cancelled',
          actions: assign({ reason: ({ event }) => event.reason }),
        },
      },
    },
    confirmed: { on: { confirm: {} } },
    cancelled: { on: { cancel: {} } },
  },
})

/** Orders, by their number. */
export const Order = aggregate('order', machine, {
  events: { Placed: {}, Confirmed: {}, CancelRequested: {}, Cancelled: {} },
})

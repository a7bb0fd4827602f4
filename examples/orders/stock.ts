// Stock of one item: what is on the shelf, what is reserved for which order, what was shipped.

import { assign, emit, setup } from 'xstate'
import { aggregate } from '../../runtime/index.ts'

type Command =
  | { readonly type: 'receive'; readonly units: number }
  | { readonly type: 'reserve'; readonly order: string; readonly units: number }
  | { readonly type: 'release'; readonly order: string }
  | { readonly type: 'ship'; readonly order: string }

type Event =
  | { readonly type: 'Received'; readonly units: number }
  | { readonly type: 'Reserved'; readonly order: string; readonly units: number }
  | { readonly type: 'Released'; readonly order: string; readonly units: number }
  | { readonly type: 'Shipped'; readonly order: string; readonly units: number }

export interface Shelf {
  readonly free: number
  readonly reserved: Readonly<Record<string, number>>
  readonly shipped: number
}

const without = (reserved: Shelf['reserved'], order: string): Shelf['reserved'] =>
  Object.fromEntries(Object.entries(reserved).filter(([name]) => name !== order))

const machine = setup({
  types: {
    context: {} as Shelf,
    events: {} as Command | Event,
    emitted: {} as Event,
  },
  guards: {
    enough: ({ context, event }) => event.type === 'reserve' && context.free >= event.units,
    reserved: ({ context, event }) => 'order' in event && event.order in context.reserved,
  },
}).createMachine({
  id: 'stock',
  context: { free: 0, reserved: {}, shipped: 0 },
  on: {
    receive: { actions: emit(({ event }) => ({ type: 'Received', units: event.units })) },
    reserve: {
      guard: 'enough',
      actions: emit(({ event: { order, units } }) => ({ type: 'Reserved', order, units })),
    },
    // What is not reserved need not be released: releasing twice, or for nothing, is fine.
    release: [
      {
        guard: 'reserved',
        actions: emit(({ context, event: { order } }) => ({
          type: 'Released',
          order,
          units: context.reserved[order] ?? 0,
        })),
      },
      {},
    ],
    ship: {
      guard: 'reserved',
      actions: emit(({ context, event: { order } }) => ({
        type: 'Shipped',
        order,
        units: context.reserved[order] ?? 0,
      })),
    },
    Received: { actions: assign({ free: ({ context, event }) => context.free + event.units }) },
    Reserved: {
      actions: assign(({ context, event }) => ({
        free: context.free - event.units,
        reserved: { ...context.reserved, [event.order]: event.units },
      })),
    },
    Released: {
      actions: assign(({ context, event }) => ({
        free: context.free + event.units,
        reserved: without(context.reserved, event.order),
      })),
    },
    Shipped: {
      actions: assign(({ context, event }) => ({
        shipped: context.shipped + event.units,
        reserved: without(context.reserved, event.order),
      })),
    },
  },
})

/** Stock, by item. */
export const Stock = aggregate('stock', machine, {
  events: { Received: {}, Reserved: {}, Released: {}, Shipped: {} },
})

// Loyalty points of a customer.

import { assign, emit, setup } from 'xstate'
import { aggregate } from '../../runtime/index.ts'

type Command = { readonly type: 'grant'; readonly order: string; readonly points: number }
type Event = { readonly type: 'Granted'; readonly order: string; readonly points: number }

const machine = setup({
  types: {
    context: {} as { readonly points: number },
    events: {} as Command | Event,
    emitted: {} as Event,
  },
}).createMachine({
  id: 'points',
  context: { points: 0 },
  on: {
    grant: {
      actions: emit(({ event: { order, points } }) => ({ type: 'Granted', order, points })),
    },
    Granted: { actions: assign({ points: ({ context, event }) => context.points + event.points }) },
  },
})

/** Points, by customer. */
export const Points = aggregate('points', machine, { events: { Granted: {} } })

// What TypeScript infers for projections, and what it refuses. Checked by the compiler; run to be counted.

import { expectTypeOf } from 'expect-type'
import { assign, emit, setup } from 'xstate'
import type { EventsFrom } from '../../projections/index.ts'
import {
  aggregate,
  createRuntime,
  type Documents,
  documents,
  type EventInfo,
  type EventOf,
  type Found,
  projection,
} from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'

interface Row {
  owner: string
  balance: number
  tags: string[]
}

const Order = aggregate(
  'order',
  setup({
    types: {
      context: {} as { total: number },
      events: {} as { type: 'place'; total: number } | { type: 'Placed'; total: number },
      emitted: {} as { type: 'Placed'; total: number },
    },
  }).createMachine({
    context: { total: 0 },
    on: {
      place: { actions: emit(({ event }) => ({ type: 'Placed', total: event.total })) },
      Placed: { actions: assign({ total: ({ event }) => event.total }) },
    },
  }),
  { events: { Placed: {} } },
)

describe('types of projections', () => {
  it('events are those the actors emit', () => {
    expectTypeOf<EventsFrom<typeof Account>>().toEqualTypeOf<EventOf<typeof Account>>()
    expectTypeOf<EventsFrom<readonly [typeof Account, typeof Order]>>().toEqualTypeOf<
      EventOf<typeof Account> | EventOf<typeof Order>
    >()
  })

  it('handlers get the event of their type, the view and the metadata', async () => {
    const Rows = projection('rows', {
      from: [Account, Order],
      view: documents<Row>({ indexes: ['owner', 'balance'] }),
      on: {
        Opened: (event, view, about) => {
          expectTypeOf(event).toEqualTypeOf<{ type: 'Opened'; owner: string }>()
          expectTypeOf(view).toEqualTypeOf<Documents<Row>>()
          expectTypeOf(about).toEqualTypeOf<EventInfo>()
        },
        Placed: async (event, view) => {
          expectTypeOf(event.total).toEqualTypeOf<number>()
          expectTypeOf(await view.get('x')).toEqualTypeOf<Row | undefined>()
        },
      },
    })
    const runtime = await createRuntime({ store: 'memory:', actors: [Account, Order] })
    const view = runtime.view(Rows)
    expectTypeOf(view.get).returns.resolves.toEqualTypeOf<Row | undefined>()
    expectTypeOf(view.find).returns.resolves.toEqualTypeOf<readonly Found<Row>[]>()
    await runtime.close()
  })

  it('refuses unknown events, wrong documents and fields one cannot ask for', () => {
    const refused = () => [
      projection('rows', {
        from: Account,
        view: documents<Row>(),
        on: {
          // @ts-expect-error no such event
          Burned: () => {},
        },
      }),
      projection('rows', {
        from: Account,
        view: documents<Row>(),
        on: {
          // @ts-expect-error a field is missing
          Opened: (event, view) => view.put('x', { owner: event.owner, balance: 0 }),
        },
      }),
      // @ts-expect-error lists cannot be indexed
      documents<Row>({ indexes: ['tags'] }),
    ]
    expectTypeOf(refused).toBeFunction()
  })
})

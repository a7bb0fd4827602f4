// Events of older releases: upcast step by step, known by aliases, or passed over.

import { expect } from 'chai'
import { assign, emit, setup } from 'xstate'
import { aggregate, type JsonObject } from '../../../runtime/index.ts'
import { errorOf, world } from './support.ts'

type Renamed = { type: 'Renamed'; first: string; last: string }

const machine = setup({
  types: {
    context: {} as { names: string[] },
    events: {} as { type: 'rename'; first: string; last: string } | Renamed,
    emitted: {} as Renamed,
  },
}).createMachine({
  context: { names: [] },
  initial: 'known',
  states: {
    known: {
      on: {
        rename: {
          actions: emit(({ event }) => ({ type: 'Renamed', first: event.first, last: event.last })),
        },
        Renamed: {
          actions: assign({
            names: ({ context, event }) => [...context.names, `${event.last}, ${event.first}`],
          }),
        },
      },
    },
  },
})

const steps: number[] = []
const Person = aggregate('person', machine, {
  events: {
    Renamed: {
      version: 3,
      aliases: ['NameChanged'],
      upcast: {
        1: ({ name }) => {
          steps.push(1)
          return { full: name ?? '' }
        },
        2: (data: JsonObject) => {
          steps.push(2)
          const [first = '', last = ''] = String(data['full']).split(' ')
          return { first, last }
        },
      },
    },
  },
  ignored: ['Poked'],
})

/** A stream as releases of the past left it. */
async function past() {
  const here = world()
  const old = [
    ['NameChanged', { name: 'Ada Byron' }, {}],
    ['Poked', { by: 'Charles' }, { schemaVersion: 7 }],
    ['Renamed', { full: 'Ada King' }, { schemaVersion: 2 }],
    ['Renamed', { first: 'Ada', last: 'Lovelace' }, { schemaVersion: 3 }],
  ] as const
  const events = old.map(([type, data, metadata], index) => ({
    id: `00000000-0000-4000-8000-00000000000${index}`,
    type,
    data: JSON.stringify(data),
    metadata: JSON.stringify(metadata),
  }))
  await here.log.append('person-ada', events, { expected: 'none' })
  const runtime = await here.open({}, [Person])
  return { here, actor: runtime.actor(Person, 'ada') }
}

describe('an old stream', () => {
  it('is replayed through aliases and upcasters, step by step', async () => {
    const { here, actor } = await past()
    steps.length = 0
    const state = await here.until(actor.state())
    expect(state.context.names).to.deep.equal(['Byron, Ada', 'King, Ada', 'Lovelace, Ada'])
    expect(state.revision).to.equal(3)
    expect(steps).to.deep.equal([1, 2, 2])
  })

  it('is shown in today’s shape, without what is ignored', async () => {
    const { actor } = await past()
    expect((await actor.history()).map(({ event }) => event)).to.deep.equal([
      { type: 'Renamed', first: 'Ada', last: 'Byron' },
      { type: 'Renamed', first: 'Ada', last: 'King' },
      { type: 'Renamed', first: 'Ada', last: 'Lovelace' },
    ])
  })

  it('goes on with today’s version, and its chain begins there', async () => {
    const { here, actor } = await past()
    const result = await here.until(actor.send({ type: 'rename', first: 'A', last: 'L' }))
    expect(result).to.include({ accepted: true, revision: 4 })
    const [last] = (await here.log.readStream('person-ada', { from: 4 })).events
    expect(JSON.parse(last?.metadata ?? '')).to.include({ schemaVersion: 3 })
    const verification = await here.until(actor.verify())
    expect(verification).to.deep.include({ ok: true, events: 5, verified: 1, unverified: 4 })
  })

  it('F8: whose upcaster fails stops that actor and says which step', async () => {
    const Broken = aggregate('person', machine, {
      events: {
        Renamed: {
          version: 3,
          aliases: ['NameChanged'],
          upcast: {
            1: () => {
              throw new Error('no name')
            },
            2: (data) => data,
          },
        },
      },
      ignored: ['Poked'],
    })
    const { here } = await past()
    const runtime = await here.open({}, [Broken])
    const error = await errorOf(here.until(runtime.actor(Broken, 'ada').state()), 'ActorFaulted')
    expect(error.message).to.include('from version 1').and.to.include('no name')
    const eve = runtime.actor(Broken, 'eve')
    expect(await here.until(eve.send({ type: 'rename', first: 'Eve', last: 'Smith' }))).to.include({
      accepted: true,
    })
  })
})

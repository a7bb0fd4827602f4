// A context that the codec refuses: no snapshots, and everything else works.

import { expect } from 'chai'
import { assign, emit, setup } from 'xstate'
import { aggregate } from '../../../runtime/index.ts'
import { Account } from '../../fixtures/account.ts'
import { world } from './support.ts'

describe('a context that cannot be stored', () => {
  type Event = { type: 'Put'; key: string }
  const shelf = setup({
    types: {
      context: {} as { books: Map<string, number> },
      events: {} as { type: 'put'; key: string } | Event,
      emitted: {} as Event,
    },
  }).createMachine({
    context: { books: new Map() },
    initial: 'open',
    states: {
      open: {
        on: {
          put: { actions: emit(({ event }) => ({ type: 'Put', key: event.key })) },
          Put: {
            actions: assign({
              books: ({ context, event }) => new Map([...context.books, [event.key, 1]]),
            }),
          },
        },
      },
    },
  })
  const Shelf = aggregate('shelf', shelf, { events: { Put: {} } })

  it('means no snapshots, said at definition, and everything else works', async () => {
    expect(Account.snapshots).to.equal('on')
    expect(Shelf.snapshots).to.have.property('off').that.includes('$.books is a Map')
    const here = world()
    const runtime = await here.open({ snapshotEvery: 1 }, [Shelf])
    const actor = runtime.actor(Shelf, 'one')
    for (const name of ['a', 'b', 'c']) await here.until(actor.send({ type: 'put', key: name }))
    expect(runtime.metrics()).to.include({ snapshotsTaken: 0, snapshotsFailed: 0 })
    const again = (await here.open({}, [Shelf])).actor(Shelf, 'one')
    expect([...(await here.until(again.state())).context.books.keys()]).to.deep.equal([
      'a',
      'b',
      'c',
    ])
    const then = await here.until(again.replay({ revision: 1 }))
    expect(then.context.books.size).to.equal(2)
    expect((await here.until(again.verify())).ok).to.equal(true)
  })
})

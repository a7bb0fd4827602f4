// `changes`: every event after subscribing, in order, with the state after it.

import { expect } from 'chai'
import type { ActorChange } from '../../../runtime/index.ts'
import { Account } from '../../fixtures/account.ts'
import { type Ann, errorOf, overlay, world } from './support.ts'

const deposit = { type: 'deposit', amount: 1 } as const

function collect(ann: Ann) {
  const seen: ActorChange<typeof Account>[] = []
  const ends: unknown[] = []
  const subscription = ann.changes.subscribe({
    next: (change) => seen.push(change),
    error: (error: unknown) => ends.push(error),
    complete: () => ends.push('complete'),
  })
  return { seen, ends, subscription }
}

describe('changes', () => {
  it('are all events after subscribing, once and in order, each with the state after it', async () => {
    const here = world()
    const ann = await here.ann(10)
    await here.until(ann.send(deposit))
    const { seen } = collect(ann)
    const rival = (await here.open()).actor(Account, 'ann')
    await here.until(
      Promise.all(Array.from({ length: 700 }, (_, i) => (i % 3 === 0 ? rival : ann).send(deposit))),
    )
    await here.until(ann.send({ type: 'withdraw', amount: 9_999 }, { commandId: 'refused' }))
    await here.ports.settle()
    expect(seen.map(({ revision }) => revision)).to.deep.equal(
      Array.from({ length: 701 }, (_, index) => index + 3),
    )
    for (const { state, revision, position } of seen.slice(0, -1)) {
      expect(state).to.include({ revision, position })
      expect(state.context.balance).to.equal(revision + 9)
    }
    expect(seen.at(-1)?.event.type).to.equal('reenact.Rejected')
    const history = (await ann.history()).slice(3)
    expect(seen.map(({ state: _, ...change }) => change)).to.deep.equal(history)
  })

  it('begin with the first event of an actor that does not exist yet', async () => {
    const here = world()
    const ann = (await here.open()).actor(Account, 'ann')
    const { seen } = collect(ann)
    await here.until(ann.send({ type: 'open', owner: 'Ann' }))
    await here.ports.settle()
    expect(seen.map(({ event }) => event)).to.deep.equal([{ type: 'Opened', owner: 'Ann' }])
    expect(seen[0]?.state.value).to.equal('active')
  })

  it('miss nothing that comes in the turn of subscribing', async () => {
    const here = world()
    const ann = await here.ann(0)
    const sent = ann.send(deposit)
    const { seen } = collect(ann)
    const more = ann.send(deposit)
    await here.until(Promise.all([sent, more]))
    await here.ports.settle()
    expect(seen.map(({ revision }) => revision)).to.deep.equal([2, 3])
  })

  it('are no longer told after unsubscribing, which closes the store’s subscription', async () => {
    const open = new Set<object>()
    const here = world((log) =>
      overlay(log, {
        subscribe: (options) => {
          const subscription = log.subscribe(options)
          open.add(subscription)
          const { close } = subscription
          return Object.assign(subscription, {
            close: () => {
              open.delete(subscription)
              close()
            },
          })
        },
      }),
    )
    const ann = await here.ann(0)
    const { seen, ends, subscription } = collect(ann)
    const other = collect(ann)
    await here.until(ann.send(deposit))
    await here.ports.settle()
    expect(open.size).to.equal(2)
    subscription.unsubscribe()
    expect(open.size).to.equal(1)
    await here.until(ann.send(deposit))
    await here.ports.settle()
    expect(seen).to.have.length(1)
    expect(ends).to.deep.equal([])
    expect(other.seen).to.have.length(2)
  })

  it('may be left from within', async () => {
    const here = world()
    const ann = await here.ann(0)
    const seen: number[] = []
    const subscription = ann.changes.subscribe(({ revision }) => {
      seen.push(revision)
      if (revision === 3) subscription.unsubscribe()
    })
    await here.until(Promise.all([1, 2, 3, 4].map(() => ann.send(deposit))))
    await here.ports.settle()
    expect(seen).to.deep.equal([2, 3])
  })

  it('complete when the store closes', async () => {
    const here = world()
    const ann = await here.ann(0)
    const { ends } = collect(ann)
    await here.ports.settle()
    await here.log.close()
    await here.ports.settle()
    expect(ends).to.deep.equal(['complete'])
  })

  it('end with the error where an event cannot be read', async () => {
    const here = world()
    const ann = await here.ann(0)
    const { seen, ends } = collect(ann)
    const id = '00000000-0000-4000-8000-000000000001'
    await here.log.append('account-ann', [{ id, type: 'Exploded', data: '{}', metadata: '{}' }], {
      expected: 'any',
    })
    await here.ports.settle()
    expect(seen).to.deep.equal([])
    expect(ends).to.have.length(1)
    await errorOf(Promise.reject(ends[0]), 'UnknownEvent')
  })
})

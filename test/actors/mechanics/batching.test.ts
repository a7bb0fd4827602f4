// Many commands at once: all of them, in order, in few appends.

import { expect } from 'chai'
import { Account } from '../../fixtures/account.ts'
import { world } from './support.ts'

describe('a thousand commands sent at once to one account', function () {
  this.timeout(60_000)
  it('are all applied, in the order they were sent, in few appends', async () => {
    const here = world()
    const ann = await here.ann(0)
    const appendsBefore = here.store.appends
    const amounts = Array.from({ length: 1_000 }, (_, index) => index + 1)
    const results = await here.until(
      Promise.all(amounts.map((amount) => ann.send({ type: 'deposit', amount }))),
    )
    expect(results.map(({ revision }) => revision)).to.deep.equal(amounts.map((n) => n + 1))
    const sums = amounts.map((amount) => (amount * (amount + 1)) / 2)
    expect(results.map(({ state }) => state.context.balance)).to.deep.equal(sums)
    const history = (await ann.history()).slice(2)
    expect(history.map(({ event }) => event)).to.deep.equal(
      amounts.map((amount) => ({ type: 'Deposited', amount })),
    )
    expect(results.map(({ position }) => position)).to.deep.equal(
      history.map(({ position }) => position),
    )
    expect(here.store.appends - appendsBefore).to.be.at.most(3)
    expect((await here.until(ann.verify())).ok).to.equal(true)
  })

  it('see the state as it grows: no more is paid out than there is', async () => {
    const here = world()
    const ann = await here.ann(10)
    const results = await here.until(
      Promise.all(Array.from({ length: 1_000 }, () => ann.send({ type: 'withdraw', amount: 1 }))),
    )
    expect(results.map(({ accepted }) => accepted)).to.deep.equal(
      Array.from({ length: 1_000 }, (_, index) => index < 10),
    )
  })
})

describe('commands sent at once to many accounts', () => {
  it('are applied each in its own stream', async () => {
    const here = world()
    const runtime = await here.open()
    const ids = Array.from({ length: 200 }, (_, index) => `number ${index}`)
    await here.until(
      Promise.all(
        ids.flatMap((id, index) => {
          const actor = runtime.actor(Account, id)
          return [
            actor.send({ type: 'open', owner: id }),
            actor.send({ type: 'deposit', amount: index }),
          ]
        }),
      ),
    )
    for (const [index, id] of ids.entries()) {
      const { context } = await here.until(runtime.actor(Account, id).state())
      expect(context).to.deep.equal({ owner: id, balance: index })
    }
  })
})

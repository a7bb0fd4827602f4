// Rules of the path that no other file is about: ids, what is recorded, what an answer waits for, many actors at a time.

import { expect } from 'chai'
import { identify } from '../../../actors/recorded.ts'
import { exponential, fullJitter } from '../../../runtime/core/retry-policy.ts'
import { Account } from '../../fixtures/account.ts'
import { errorOf, typesOf, world } from './support.ts'

const open = { type: 'open', owner: 'Bob' } as const
const deposit = { type: 'deposit', amount: 5 } as const

describe('the id of an event', () => {
  const event = { stream: 'account-ann', revision: 3, type: 'A', data: '{"a":1}', metadata: '{}' }

  it('is the same for the same bytes in the same place, and for no others', () => {
    const { id } = identify(event).event
    expect(id).to.match(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    expect(identify({ ...event }).event.id).to.equal(id)
    const others = [
      { ...event, stream: 'account-bob' },
      { ...event, revision: 4 },
      { ...event, type: 'B' },
      { ...event, data: '{"a":2}' },
      // What came before is part of the metadata.
      { ...event, metadata: '{"$reenact":{"previousHash":"0"}}' },
      // Shifted from one part into the next.
      { ...event, type: 'A\n{', data: '"a":1}' },
      { ...event, data: '', metadata: '{"a":1}\n{}' },
    ]
    const ids = new Set([id, ...others.map((other) => identify(other).event.id)])
    expect(ids.size).to.equal(others.length + 1)
  })
})

describe('what is recorded', () => {
  it('is every outcome under a caller’s id, with a revision of its own, and no plain refusal', async () => {
    const here = world()
    const runtime = await here.open()
    const bob = runtime.actor(Account, 'bob')
    const plain = await here.until(bob.send(deposit))
    expect(plain).to.include({ accepted: false, revision: -1 })
    const refused = await here.until(bob.send(deposit, { commandId: 'refused' }))
    expect(refused).to.include({ accepted: false, revision: 0 })
    await here.until(bob.send(open))
    expect(await here.until(bob.send({ type: 'ping' }))).to.include({ accepted: true, revision: 1 })
    const ping = await here.until(bob.send({ type: 'ping' }, { commandId: 'ping' }))
    expect(ping).to.deep.include({ accepted: true, revision: 2, events: [] })
    const types = ['reenact.Rejected', 'Opened', 'reenact.NoEffect']
    expect(await typesOf(bob)).to.deep.equal(types)
    expect((await bob.timeline()).map(({ event }) => event.type)).to.deep.equal(types)
    const seen: string[] = []
    for await (const { type } of runtime.log()) seen.push(type)
    expect(seen).to.deep.equal(['Opened'])
  })

  it('does not make an actor begin: `none` means no domain event yet', async () => {
    const here = world()
    const bob = (await here.open()).actor(Account, 'bob')
    await here.until(bob.send(deposit, { commandId: 'refused' }))
    const opened = await here.until(bob.send(open, { expectedRevision: 'none' }))
    expect(opened).to.include({ accepted: true, revision: 1 })
    const again = bob.send(open, { expectedRevision: 'none' })
    await errorOf(here.until(again), 'WrongExpectedRevision')
  })
})

describe('an answer', () => {
  it('that writes nothing waits for the commit of the state it rests on', async () => {
    const here = world()
    const ann = await here.ann(10)
    here.store.script({ kind: 'slow', delayMs: 1_000 })
    const paid = ann.send(deposit)
    let told = false
    const refused = ann.send({ type: 'withdraw', amount: 100 }).then((result) => {
      told = true
      return result
    })
    await here.ports.settle()
    expect(told).to.equal(false)
    const [, { accepted, state }] = await here.until(Promise.all([paid, refused]))
    expect({ accepted, balance: state.context.balance }).to.deep.equal({
      accepted: false,
      balance: 15,
    })
  })
})

describe('all actors of a kind', () => {
  it('are as they were at a time, without those that were not yet there', async () => {
    const here = world()
    const runtime = await here.open()
    const times: number[] = []
    for (const id of ['a', 'b', 'c']) {
      const actor = runtime.actor(Account, id)
      await here.until(actor.send(open))
      await here.until(actor.send(deposit))
      times.push(here.ports.clock.now())
      await here.ports.advance(1_000)
      await here.until(runtime.actor(Account, 'a').send({ type: 'deposit', amount: 1 }))
      await here.ports.advance(1_000)
    }
    const balances: Record<string, number>[] = []
    for (const at of times) {
      const found: Record<string, number> = {}
      for await (const { id, state } of runtime.replayAll(Account, { at })) {
        found[id] = state?.context.balance ?? Number.NaN
      }
      balances.push(found)
    }
    expect(balances).to.deep.equal([{ a: 5 }, { a: 6, b: 5 }, { a: 7, b: 5, c: 5 }])
  })
})

describe('waiting after a conflict', () => {
  it('is anywhere between nothing and a delay that doubles up to its ceiling', () => {
    const policy = exponential({ delayMsMin: 2, delayMsMax: 250, attemptsMax: 12 })
    const delays = Array.from({ length: 12 }, (_, attempt) => policy.delayMs(attempt + 1))
    expect(delays).to.deep.equal([2, 4, 8, 16, 32, 64, 128, 250, 250, 250, 250, null])
    const drawing = (number: number) => ({ next: () => number, fill: (bytes: Uint8Array) => bytes })
    expect(fullJitter(drawing(0), 250)).to.equal(0)
    expect(fullJitter(drawing(0.5), 250)).to.equal(125)
  })
})

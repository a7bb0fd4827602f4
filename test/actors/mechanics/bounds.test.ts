// Everything that grows has a bound: mailboxes and actors in memory.

import { expect } from 'chai'
import type { Runtime } from '../../../runtime/index.ts'
import { Account } from '../../fixtures/account.ts'
import { type Ann, errorOf, typesOf, type World, world } from './support.ts'

const deposit = { type: 'deposit', amount: 1 } as const

async function opened(here: World, runtime: Runtime, id: string): Promise<Ann> {
  const actor = runtime.actor(Account, id)
  await here.until(actor.send({ type: 'open', owner: id }))
  return actor
}

describe('A18: a mailbox', () => {
  it('turns away what is over its bound, and takes more once it has room', async () => {
    const here = world()
    const runtime = await here.open({ mailboxMax: 3 })
    const ann = await opened(here, runtime, 'ann')
    here.store.script({ kind: 'slow', delayMs: 1_000 })
    const taken = [ann.send(deposit)]
    await here.ports.settle() // It is in hand; the mailbox is empty.
    taken.push(ann.send(deposit), ann.send(deposit), ann.send(deposit))
    const error = await errorOf(ann.send(deposit), 'Overloaded')
    expect(error).to.include({ retryable: true })
    expect(error.details).to.deep.equal({ queue: 'mailbox of account-ann', limit: 3 })
    await here.until(Promise.all(taken))
    const { state } = await here.until(ann.send(deposit))
    expect(state.context.balance).to.equal(5)
    expect(runtime.metrics()).to.include({ overloaded: 1, pending: 0 })
  })
})

describe('C10: actors in memory', () => {
  it('make room by the least recently used that is idle', async () => {
    const here = world()
    const runtime = await here.open({ residentMax: 2 })
    const ann = await opened(here, runtime, 'ann')
    await opened(here, runtime, 'bob')
    await here.until(ann.send(deposit)) // Now bob is the least recently used.
    await opened(here, runtime, 'cid')
    const { activations } = runtime.metrics()
    await here.until(ann.send(deposit))
    expect(runtime.metrics()).to.include({ activations, resident: 2, passivations: 1 })
    await here.until(runtime.actor(Account, 'bob').send(deposit))
    expect(runtime.metrics()).to.include({ activations: activations + 1, resident: 2 })
  })

  it('turn a new one away while all are busy, and harm none of them', async () => {
    const here = world()
    const runtime = await here.open({ residentMax: 2 })
    const ann = await opened(here, runtime, 'ann')
    const bob = await opened(here, runtime, 'bob')
    here.store.script({ kind: 'slow', delayMs: 1_000 }, { kind: 'slow', delayMs: 1_000 })
    const busy = [ann.send(deposit), bob.send(deposit)]
    await here.ports.settle()
    const cid = runtime.actor(Account, 'cid')
    const error = await errorOf(cid.send({ type: 'open', owner: 'Cid' }), 'Overloaded')
    expect(error.details).to.deep.equal({ queue: 'resident actors', limit: 2 })
    const results = await here.until(Promise.all(busy))
    for (const { accepted } of results) expect(accepted).to.equal(true)
    expect(await here.until(cid.send({ type: 'open', owner: 'Cid' }))).to.include({
      accepted: true,
    })
  })

  it('leave it when idle for long, and come back as they were', async () => {
    const here = world()
    const runtime = await here.open({ passivateAfterMs: 1_000 })
    const ann = await opened(here, runtime, 'ann')
    await here.until(ann.send(deposit))
    await here.ports.advance(900)
    expect(runtime.metrics().resident).to.equal(1)
    await here.ports.advance(1_100)
    expect(runtime.metrics()).to.include({ resident: 0, passivations: 1 })
    const { state } = await here.until(ann.send(deposit))
    expect(state.context.balance).to.equal(2)
    expect(runtime.metrics().resident).to.equal(1)
  })

  it('stay while they have work, however long it takes', async () => {
    const here = world()
    const runtime = await here.open({ passivateAfterMs: 100, timeoutMs: 60_000 })
    const ann = await opened(here, runtime, 'ann')
    here.store.script({ kind: 'slow', delayMs: 5_000 })
    const sent = ann.send(deposit)
    await here.ports.advance(4_000)
    expect(runtime.metrics().resident).to.equal(1)
    expect(await here.until(sent)).to.include({ accepted: true })
  })
})

describe('A17: commands to an actor that is leaving memory', () => {
  it('are not lost, whenever they come', async () => {
    const here = world()
    const runtime = await here.open({ passivateAfterMs: 10 })
    const ann = await opened(here, runtime, 'ann')
    const sends: Promise<unknown>[] = []
    for (let round = 0; round < 100; round += 1) {
      sends.push(ann.send(deposit))
      await here.ports.advance(round % 25)
    }
    await here.until(Promise.all(sends))
    expect(await typesOf(ann)).to.have.length(101)
    expect(runtime.metrics().passivations).to.be.greaterThan(20)
    expect((await here.until(ann.verify())).ok).to.equal(true)
  })

  it('are not lost when two actors keep putting each other out', async () => {
    const here = world()
    const runtime = await here.open({ residentMax: 1 })
    const ann = await opened(here, runtime, 'ann')
    const bob = await opened(here, runtime, 'bob')
    for (let round = 0; round < 20; round += 1) {
      await here.until((round % 2 === 0 ? ann : bob).send(deposit))
    }
    for (const actor of [ann, bob]) {
      expect((await here.until(actor.state())).context.balance).to.equal(10)
    }
  })
})

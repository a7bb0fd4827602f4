// Closing a runtime: what was taken comes to a definite outcome, or after the grace to a typed error.

import { expect } from 'chai'
import { createRuntime } from '../../../runtime/index.ts'
import { Account } from '../../fixtures/account.ts'
import { errorOf, typesOf, watchRejections, world } from './support.ts'

const deposit = { type: 'deposit', amount: 1 } as const

/** An account in a runtime of its own. */
async function opened() {
  const here = world()
  const runtime = await here.open({ timeoutMs: 600_000 })
  const ann = runtime.actor(Account, 'ann')
  await here.until(ann.send({ type: 'open', owner: 'Ann' }))
  return { here, runtime, ann }
}

describe('C14: closing a runtime', () => {
  it('finishes what was taken', async () => {
    const { here, runtime, ann } = await opened()
    here.store.script({ kind: 'slow', delayMs: 2_000 }, { kind: 'lose-reply' })
    const inHand = ann.send(deposit)
    await here.ports.settle()
    const waiting = ann.send(deposit)
    const closed = runtime.close()
    const results = await here.until(Promise.all([inHand, waiting, closed]))
    expect(results[0]).to.include({ accepted: true, revision: 1 })
    expect(results[1]).to.include({ accepted: true, revision: 2 })
    expect(await typesOf(await here.fresh())).to.have.length(3)
  })

  it('takes nothing new', async () => {
    const { here, runtime, ann } = await opened()
    const closed = runtime.close()
    const error = await errorOf(ann.send(deposit), 'Closed')
    expect(error.details).to.deep.equal({ what: 'runtime' })
    await here.until(closed)
    await errorOf(ann.send(deposit), 'Closed')
    await errorOf(runtime.actor(Account, 'bob').send({ type: 'open', owner: 'Bob' }), 'Closed')
    expect(await typesOf(await here.fresh())).to.have.length(1)
  })

  it('after the grace fails what was not begun with Closed, the rest with UnknownOutcome', async () => {
    const { here, runtime, ann } = await opened()
    const watch = watchRejections()
    here.store.script({ kind: 'hang', arrives: true })
    const inHand = errorOf(ann.send(deposit), 'UnknownOutcome')
    await here.ports.settle()
    const waiting = errorOf(ann.send({ type: 'deposit', amount: 100 }), 'Closed')
    await here.until(runtime.close({ graceMs: 3_000 }))
    expect(here.ports.clock.monotonic()).to.equal(3_000)
    await waiting
    const { commandId } = (await inHand).details
    // The one in hand was applied, the one that waited never is.
    await here.ports.advance(600_000)
    const after = await here.fresh()
    expect(await typesOf(after)).to.deep.equal(['Opened', 'Deposited'])
    const again = await here.until(after.send(deposit, { commandId }))
    expect(again).to.include({ accepted: true, duplicate: true, revision: 1 })
    await watch.stop()
    expect(watch.seen).to.deep.equal([])
  })

  it('has one grace for workers and actors together', async () => {
    const { here, runtime } = await opened()
    runtime.work()
    // The command is posted; what the worker writes for it never answers.
    here.store.script({ kind: 'none' }, ...Array(50).fill({ kind: 'hang', arrives: false }))
    await here.until(runtime.post(Account, 'ann', deposit))
    await here.ports.settle()
    const before = here.ports.clock.monotonic()
    await here.until(runtime.close({ graceMs: 3_000 }))
    expect(here.ports.clock.monotonic() - before).to.equal(3_000)
    expect(await typesOf(await here.fresh())).to.deep.equal(['Opened'])
  })

  it('after the grace is not hurt by late answers of the store', async () => {
    for (const fault of [
      { kind: 'slow', delayMs: 8_000 },
      { kind: 'late', delayMs: 8_000 },
      { kind: 'reject', arrives: false },
      { kind: 'hang', arrives: false },
    ] as const) {
      const { here, runtime, ann } = await opened()
      const watch = watchRejections()
      here.store.script(fault, ...Array(50).fill({ kind: 'drop' }))
      const inHand = errorOf(ann.send(deposit), 'UnknownOutcome')
      await here.ports.settle()
      await here.until(runtime.close({ graceMs: 1_000 }))
      const { commandId } = (await inHand).details
      const { appends } = here.store
      await here.ports.advance(600_000)
      // At most the one that was about to be sent: a closed runtime does not go on trying.
      expect(here.store.appends).to.be.at.most(appends + 1)
      await watch.stop()
      expect(watch.seen).to.deep.equal([])
      const again = await here.until((await here.fresh()).send(deposit, { commandId }))
      expect(again).to.include({ accepted: true, revision: 1 })
    }
  })

  it('is idempotent', async () => {
    const { here, runtime, ann } = await opened()
    here.store.script({ kind: 'slow', delayMs: 2_000 })
    const sent = ann.send(deposit)
    await here.ports.settle()
    const first = runtime.close()
    expect(runtime.close({ graceMs: 1 })).to.equal(first)
    await here.until(Promise.all([sent, first]))
    await here.until(runtime.close())
    expect(runtime.metrics()).to.include({ resident: 0, pending: 0 })
  })

  it('closes a store it opened, and leaves one that was handed in', async () => {
    const { here, runtime, ann } = await opened()
    await here.until(runtime.close())
    expect((await here.store.readStream(ann.stream)).head).to.equal(0)

    const own = await createRuntime({ store: 'memory:', actors: [Account], ports: here.ports })
    await here.until(own.actor(Account, 'ann').send({ type: 'open', owner: 'Ann' }))
    await here.until(own.close())
    await errorOf(own.store.readStream('account-ann'), 'Closed')
  })

  it('waits for reads that load an actor', async () => {
    const { here, runtime, ann } = await opened()
    await here.ports.advance(200_000)
    const state = ann.state()
    await here.until(runtime.close())
    expect((await state).value).to.equal('active')
  })
})

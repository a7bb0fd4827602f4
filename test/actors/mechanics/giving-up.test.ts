// Senders that stop waiting: what was not begun is not applied, what was begun is unknown and can be asked for.

import { expect } from 'chai'
import { errorOf, typesOf, world } from './support.ts'

const deposit = { type: 'deposit', amount: 1 } as const

/** An account whose next append takes ten seconds, with one command in hand. */
async function busy() {
  const here = world()
  const ann = await here.ann(10, { timeoutMs: 60_000 })
  here.store.script({ kind: 'slow', delayMs: 9_000 })
  const inHand = ann.send(deposit)
  await here.ports.settle()
  return { here, ann, inHand }
}

describe('a command that waits too long', () => {
  it('A19: ends in Timeout when it was not begun, and is never applied', async () => {
    const { here, ann, inHand } = await busy()
    const waiting = ann.send({ type: 'deposit', amount: 100 }, { timeoutMs: 1_000 })
    const error = await errorOf(here.until(waiting), 'Timeout')
    expect(error).to.include({ retryable: true })
    expect(error.details).to.deep.equal({ actor: 'account-ann', timeoutMs: 1_000 })
    await here.until(inHand)
    await here.ports.advance(60_000)
    expect((await here.until(ann.state())).context.balance).to.equal(11)
    expect(await typesOf(ann)).to.have.length(3)
  })

  it('A19: leaves room in the mailbox', async () => {
    const here = world()
    const ann = await here.ann(10, { timeoutMs: 60_000, mailboxMax: 1 })
    here.store.script({ kind: 'slow', delayMs: 9_000 })
    const inHand = ann.send(deposit)
    await here.ports.settle()
    await errorOf(here.until(ann.send(deposit, { timeoutMs: 10 })), 'Timeout')
    const next = ann.send(deposit)
    expect(await here.until(inHand)).to.include({ accepted: true })
    expect(await here.until(next)).to.include({ accepted: true })
  })

  for (const arrives of [true, false]) {
    it(`A19: ends in UnknownOutcome when it was begun and did ${arrives ? '' : 'not '}arrive; its id answers later`, async () => {
      const here = world()
      const ann = await here.ann(10, { timeoutMs: 1_000, appendTimeoutMs: 30_000 })
      here.store.script({ kind: 'hang', arrives })
      const error = await errorOf(here.until(ann.send(deposit)), 'UnknownOutcome')
      expect(error).to.include({ retryable: true })
      const { commandId } = error.details
      // Still in hand: asking at once is unknown or too early.
      await errorOf(here.until(ann.send(deposit, { commandId })), 'Timeout')
      await here.ports.advance(60_000)
      const again = await here.until(ann.send(deposit, { commandId }))
      expect(again).to.include({ accepted: true, duplicate: true, revision: 2 })
      expect(await typesOf(ann)).to.deep.equal(['Opened', 'Deposited', 'Deposited'])
    })
  }

  it('A19: answers in another process while the first one still tries', async () => {
    const here = world()
    const ann = await here.ann(10, { timeoutMs: 1_000, appendTimeoutMs: 30_000 })
    here.store.script({ kind: 'hang', arrives: false })
    const { commandId } = (await errorOf(here.until(ann.send(deposit)), 'UnknownOutcome')).details
    const other = await here.fresh()
    const answer = await here.until(other.send(deposit, { commandId }))
    expect(answer).to.include({ accepted: true, duplicate: false, revision: 2 })
    await here.ports.advance(60_000)
    const again = await here.until(ann.send(deposit, { commandId }))
    expect(again).to.deep.equal({ ...answer, duplicate: true })
  })
})

describe('a command whose signal aborts', () => {
  it('before it was sent is not applied', async () => {
    const here = world()
    const ann = await here.ann(10)
    await errorOf(here.until(ann.send(deposit, { signal: AbortSignal.abort() })), 'Aborted')
    await here.ports.advance(10_000)
    expect(await typesOf(ann)).to.have.length(2)
  })

  it('while it waits is never applied', async () => {
    const { here, ann, inHand } = await busy()
    const aborting = new AbortController()
    const waiting = errorOf(ann.send(deposit, { signal: aborting.signal }), 'Aborted')
    await here.ports.advance(1_000)
    aborting.abort()
    expect((await waiting).details).to.deep.equal({ actor: 'account-ann' })
    await here.until(inHand)
    await here.ports.advance(60_000)
    expect(await typesOf(ann)).to.have.length(3)
  })

  it('after it was begun is unknown, and its id answers later', async () => {
    const here = world()
    const ann = await here.ann(10)
    here.store.script({ kind: 'slow', delayMs: 3_000 })
    const aborting = new AbortController()
    const sent = errorOf(ann.send(deposit, { signal: aborting.signal }), 'UnknownOutcome')
    await here.ports.settle()
    aborting.abort()
    const { commandId } = (await sent).details
    const again = await here.until(ann.send(deposit, { commandId }))
    expect(again).to.include({ accepted: true, duplicate: true, revision: 2 })
  })

  it('after its answer changes nothing', async () => {
    const here = world()
    const ann = await here.ann(10)
    const aborting = new AbortController()
    await here.until(ann.send(deposit, { signal: aborting.signal }))
    aborting.abort()
    expect(await here.until(ann.send(deposit))).to.include({ accepted: true, revision: 3 })
  })
})

describe('answered commands', () => {
  it('leave no timer behind', async () => {
    const here = world()
    const ann = await here.ann(10)
    const timers = here.ports.pendingTimers
    await here.until(Promise.all(Array.from({ length: 50 }, () => ann.send(deposit))))
    expect(here.ports.pendingTimers).to.equal(timers)
  })
})

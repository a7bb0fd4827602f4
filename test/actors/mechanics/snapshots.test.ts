// Snapshots save time and never decide.

import { expect } from 'chai'
import { aggregate, type EventStore } from '../../../runtime/index.ts'
import { Account, machine } from '../../fixtures/account.ts'
import { type Ann, errorOf, overlay, type World, world } from './support.ts'

const key = 'snapshot:account-ann'
const deposit = { type: 'deposit', amount: 1 } as const

/** A world that counts the events it reads. */
function counted() {
  let events = 0
  const wrap = (log: EventStore) =>
    overlay(log, {
      readStream: async (...given) => {
        const page = await log.readStream(...given)
        events += page.events.length
        return page
      },
    })
  return { here: world(wrap), read: () => events, reset: () => (events = 0) }
}

/** Ann with so many events and snapshots every 10. */
async function annWith(here: World, count: number): Promise<Ann> {
  const ann = await here.ann(0, { snapshotEvery: 10 })
  for (let sent = 2; sent < count; sent += 1) await here.until(ann.send(deposit))
  return ann
}

const snapshotRevision = async (here: World): Promise<number | undefined> => {
  const entry = await here.log.state.get(key)
  const body = entry?.value.slice(entry.value.indexOf('\n') + 1)
  return body === undefined ? undefined : (JSON.parse(body) as { revision: number }).revision
}

describe('a snapshot', () => {
  it('is taken every so many events', async () => {
    const here = world()
    await annWith(here, 9)
    expect(await snapshotRevision(here)).to.equal(undefined)
    const other = world()
    await annWith(other, 47)
    expect(await snapshotRevision(other)).to.equal(39)
  })

  it('makes activation read only what came after it', async () => {
    const { here, read, reset } = counted()
    await annWith(here, 47)
    const runtime = await here.open()
    reset()
    const state = await here.until(runtime.actor(Account, 'ann').state())
    expect(state).to.deep.include({ revision: 46, context: { owner: 'Ann', balance: 45 } })
    // The event it was taken after, and the seven that follow.
    expect(read()).to.equal(8)
  })

  it('gives the same state, answers and chain as the events alone', async () => {
    const here = world()
    const ann = await annWith(here, 47)
    const fromSnapshot = (await here.open()).actor(Account, 'ann')
    const result = await here.until(fromSnapshot.send(deposit))
    expect(await here.until(ann.replay({ revision: 47 }))).to.deep.equal(result.state)
    await here.log.state.delete(key)
    const fromEvents = (await here.open()).actor(Account, 'ann')
    expect(await here.until(fromEvents.state())).to.deep.equal(result.state)
    expect((await here.until(fromEvents.verify())).ok).to.equal(true)
  })

  it('F1: is ignored when any byte of it is damaged', async () => {
    const here = world()
    await annWith(here, 12)
    const { value } = (await here.log.state.get(key)) as { value: string }
    const places = [0, 20, 44, 60, Math.floor(value.length / 2), value.length - 1]
    for (const at of places) {
      const damaged = `${value.slice(0, at)}${value[at] === 'x' ? 'y' : 'x'}${value.slice(at + 1)}`
      await here.log.state.put(key, damaged)
      const runtime = await here.open()
      const state = await here.until(runtime.actor(Account, 'ann').state())
      expect(state).to.deep.include({ revision: 11, context: { owner: 'Ann', balance: 10 } })
      expect(runtime.metrics()).to.include({ snapshotsIgnored: 1, faults: 0 })
    }
    for (const nothing of ['', '\n', 'x', '{}', `${value}\n`]) {
      await here.log.state.put(key, nothing)
      const runtime = await here.open()
      expect((await here.until(runtime.actor(Account, 'ann').state())).revision).to.equal(11)
    }
  })

  it('F2: is ignored by another version of the machine', async () => {
    const here = world()
    await annWith(here, 12)
    const events = { Opened: {}, Deposited: {}, Withdrawn: {}, Closed: {} }
    const doubled = machine.provide({ guards: { covered: () => true } })
    for (const kind of [
      aggregate('account', machine, { events, version: 2 }),
      aggregate('account', doubled, { events }),
    ]) {
      const runtime = await here.open({}, [kind])
      const state = await here.until(runtime.actor(kind, 'ann').state())
      expect(state).to.deep.include({ revision: 11, context: { owner: 'Ann', balance: 10 } })
      expect(runtime.metrics().snapshotsIgnored).to.equal(1)
    }
  })

  it('F2: is ignored when it holds a state the machine no longer has', async () => {
    const here = world()
    await annWith(here, 12)
    const { value } = (await here.log.state.get(key)) as { value: string }
    const { createHash } = await import('node:crypto')
    const body = value.slice(value.indexOf('\n') + 1).replace('"active"', '"dormant"')
    const seal = createHash('sha256').update(body).digest('base64url')
    await here.log.state.put(key, `${seal}\n${body}`)
    const runtime = await here.open()
    const state = await here.until(runtime.actor(Account, 'ann').state())
    expect(state).to.deep.include({ value: 'active', revision: 11 })
    expect(runtime.metrics().snapshotsIgnored).to.equal(1)
  })

  it('is ignored when it was taken of another log', async () => {
    const here = world()
    await annWith(here, 12)
    const elsewhere = world()
    await elsewhere.until((await elsewhere.fresh()).send({ type: 'open', owner: 'Eve' }))
    await annWith(elsewhere, 12)
    const entry = (await elsewhere.log.state.get(key)) as { value: string }
    await here.log.state.put(key, entry.value)
    const state = await here.until((await here.open()).actor(Account, 'ann').state())
    expect(state.context).to.deep.equal({ owner: 'Ann', balance: 10 })
  })

  it('F3: further than the log stops the actor', async () => {
    const here = world()
    await annWith(here, 12)
    const { value } = (await here.log.state.get(key)) as { value: string }
    const restored = world()
    await restored.ann(0)
    await restored.log.state.put(key, value)
    const runtime = await restored.open()
    const ann = runtime.actor(Account, 'ann')
    const error = await errorOf(restored.until(ann.send(deposit)), 'ActorFaulted')
    expect(error.cause).to.deep.include({
      code: 'AheadOfLog',
      details: { stream: 'account-ann', revision: 9, head: 1 },
    })
    const bob = runtime.actor(Account, 'bob')
    expect(await restored.until(bob.send({ type: 'open', owner: 'Bob' }))).to.include({
      accepted: true,
    })
  })

  it('that cannot be stored costs nothing but time', async () => {
    const here = world((log) =>
      overlay(log, { state: { ...log.state, put: () => Promise.reject(new Error('full')) } }),
    )
    const runtime = await here.open({ snapshotEvery: 1 })
    const ann = runtime.actor(Account, 'ann')
    await here.until(ann.send({ type: 'open', owner: 'Ann' }))
    expect(await here.until(ann.send(deposit))).to.include({ accepted: true })
    await here.ports.settle()
    expect(runtime.metrics()).to.include({ snapshotsTaken: 0, snapshotsFailed: 2 })
  })
})

describe('F11: a truncated stream', () => {
  it('goes on from a snapshot that reaches to just before its first event', async () => {
    const here = world()
    await annWith(here, 14)
    expect(await snapshotRevision(here)).to.equal(9)
    await here.log.setStreamMetadata('account-ann', { truncateBefore: 10 })
    const ann = (await here.open()).actor(Account, 'ann')
    const result = await here.until(ann.send(deposit))
    expect(result.revision).to.equal(14)
    expect(result.state.context.balance).to.equal(13)
  })

  it('goes on from a snapshot of its very last event', async () => {
    const here = world()
    await annWith(here, 10)
    expect(await snapshotRevision(here)).to.equal(9)
    await here.log.setStreamMetadata('account-ann', { truncateBefore: 10 })
    const ann = (await here.open()).actor(Account, 'ann')
    expect(await here.until(ann.send(deposit))).to.include({ accepted: true, revision: 10 })
  })

  for (const [title, prepare] of [
    ['whose snapshot ends earlier', async () => {}],
    ['without a snapshot', (here: World) => here.log.state.delete(key)],
  ] as const) {
    it(`${title} is HistoryTruncated, and the others go on`, async () => {
      const here = world()
      await annWith(here, 14)
      await prepare(here)
      await here.log.setStreamMetadata('account-ann', { truncateBefore: 11 })
      const runtime = await here.open()
      const error = await errorOf(
        here.until(runtime.actor(Account, 'ann').send(deposit)),
        'HistoryTruncated',
      )
      expect(error.details).to.deep.equal({ stream: 'account-ann', firstRevision: 11 })
      const bob = runtime.actor(Account, 'bob')
      expect(await here.until(bob.send({ type: 'open', owner: 'Bob' }))).to.include({
        accepted: true,
      })
    })
  }

  it('replays the moments its snapshot covers, and says of earlier ones that they are gone', async () => {
    const here = world()
    const ann = await annWith(here, 14)
    const last = await here.until(ann.replay({ revision: 12 }))
    await here.log.setStreamMetadata('account-ann', { truncateBefore: 10 })
    expect(await here.until(ann.replay({ revision: 12 }))).to.deep.equal(last)
    await errorOf(here.until(ann.replay({ revision: 8 })), 'HistoryTruncated')
  })
})

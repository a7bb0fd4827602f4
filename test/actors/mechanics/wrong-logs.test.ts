// A log that is wrong stops its actor; the other actors go on.

import { expect } from 'chai'
import type { EventStore, RecordedEvent } from '../../../runtime/index.ts'
import { Account } from '../../fixtures/account.ts'
import { errorOf, overlay, type World, world } from './support.ts'

const deposit = { type: 'deposit', amount: 1 } as const

const foreign = (type: string, metadata: object, data: object = {}) => ({
  id: '00000000-0000-4000-8000-000000000001',
  type,
  data: JSON.stringify(data),
  metadata: JSON.stringify(metadata),
})

/** Ann’s log holds something wrong, and bob’s does not. */
async function faulted(here: World, prepare: (here: World) => Promise<unknown> = async () => {}) {
  const runtime = await here.open()
  const bob = runtime.actor(Account, 'bob')
  await here.until(bob.send({ type: 'open', owner: 'Bob' }))
  await prepare(here)
  const ann = runtime.actor(Account, 'ann')
  const error = await errorOf(here.until(ann.send(deposit)), 'ActorFaulted')
  // It stays so, and costs no reads; the others go on.
  expect(await errorOf(here.until(ann.send(deposit)), 'ActorFaulted')).to.equal(error)
  await errorOf(here.until(ann.state()), 'ActorFaulted')
  expect(await here.until(bob.send(deposit))).to.include({ accepted: true })
  expect(runtime.metrics().faults).to.equal(1)
  expect(error.details.actor).to.equal('account-ann')
  return error
}

const putting =
  (event: ReturnType<typeof foreign>, opened = true) =>
  async (here: World) => {
    if (opened) await here.ann(10)
    await here.log.append('account-ann', [event], { expected: 'any' })
  }

describe('an actor whose log is wrong', () => {
  it('F5: because of an event type nobody knows', async () => {
    const error = await faulted(world(), putting(foreign('Exploded', {})))
    expect(error.cause).to.deep.include({
      code: 'UnknownEvent',
      details: { stream: 'account-ann', revision: 2, type: 'Exploded' },
    })
  })

  it('F7: because of an event of newer code', async () => {
    const event = foreign('Deposited', { schemaVersion: 3 }, { amount: 1 })
    const error = await faulted(world(), putting(event))
    expect(error.cause).to.deep.include({
      code: 'NewerSchema',
      details: { stream: 'account-ann', revision: 2, type: 'Deposited', found: 3, known: 1 },
    })
  })

  it('F6: because of an event its state cannot take', async () => {
    const event = foreign('Deposited', {}, { amount: 1 })
    const error = await faulted(world(), putting(event, false))
    expect(error.message).to.include('cannot be replayed past revision -1')
    expect(error.cause).to.deep.include({
      code: 'UnexpectedEvent',
      details: { aggregate: 'account', state: 'unopened', type: 'Deposited' },
    })
  })

  it('B11: because of an event that is no JSON object', async () => {
    const event = { ...foreign('Deposited', {}), data: '"text"' }
    const error = await faulted(world(), putting(event))
    expect(error.cause).to.deep.include({
      code: 'CorruptEvent',
      details: { stream: 'account-ann', revision: 2, check: 'content' },
    })
  })

  /** The log with each event of ann as `change` makes it. */
  const changed = (change: (event: RecordedEvent) => RecordedEvent | undefined) =>
    world((log: EventStore) =>
      overlay(log, {
        readStream: async (stream, options) => {
          const page = await log.readStream(stream, options)
          if (stream !== 'account-ann') return page
          const events = page.events.map(change).filter((event) => event !== undefined)
          return { ...page, events }
        },
      }),
    )

  it('G8: because its last event was changed', async () => {
    const here = changed((event) =>
      event.revision === 1 ? { ...event, data: '{"amount":1000000}' } : event,
    )
    const error = await faulted(here, () => here.ann(10))
    expect(error.cause).to.deep.include({
      code: 'CorruptEvent',
      details: { stream: 'account-ann', revision: 1, check: 'hash' },
    })
  })

  it('F14: because an event is missing in between', async () => {
    const here = changed((event) => (event.revision === 1 ? undefined : event))
    const error = await faulted(here, async () => {
      const ann = await here.ann(10)
      await here.until(ann.send(deposit))
    })
    expect(error.cause).to.deep.include({
      code: 'RevisionGap',
      details: { stream: 'account-ann', expected: 1, found: 2 },
    })
  })

  it('G8: because verify found an event changed in between', async () => {
    const here = changed((event) =>
      event.revision === 1 ? { ...event, data: '{"amount":1000000}' } : event,
    )
    const ann = await here.ann(10)
    await here.until(ann.send(deposit))
    const { ok, problems } = await here.until(ann.verify())
    expect(ok).to.equal(false)
    expect(problems.map(({ code }) => code)).to.deep.equal(['CorruptEvent', 'CorruptEvent'])
    const error = await errorOf(here.until(ann.send(deposit)), 'ActorFaulted')
    expect(error.cause).to.have.property('code', 'CorruptEvent')
  })

  it('F12: is StreamDeleted once it is tombstoned', async () => {
    const here = world()
    const ann = await here.ann(10)
    await here.log.tombstoneStream('account-ann')
    const error = await errorOf(here.until(ann.send(deposit)), 'StreamDeleted')
    expect(error.details).to.deep.equal({ stream: 'account-ann', tombstoned: true })
    await errorOf(here.until(ann.state()), 'StreamDeleted')
  })

  it('goes on after it left memory and the log was mended', async () => {
    const here = world()
    let broken = false
    const runtime = await here.open({ passivateAfterMs: 1_000 })
    const ann = runtime.actor(Account, 'ann')
    await here.until(ann.send({ type: 'open', owner: 'Ann' }))
    await here.ports.advance(3_000)
    const { readStream } = here.log
    here.log.readStream = async (...given) => {
      const page = await readStream.apply(here.log, given)
      return broken ? { ...page, head: 5, events: [], end: true } : page
    }
    broken = true
    await errorOf(here.until(ann.send(deposit)), 'HistoryTruncated')
    broken = false
    await errorOf(here.until(ann.send(deposit)), 'HistoryTruncated')
    await here.ports.advance(3_000)
    expect(await here.until(ann.send(deposit))).to.include({ accepted: true })
  })
})

describe('a store whose reads fail', () => {
  it('fails what waits, and nothing is lost when it is back', async () => {
    let down = false
    const here = world((log) =>
      overlay(log, {
        readStream: async (...given) => {
          if (down) throw new Error('no connection')
          return log.readStream(...given)
        },
      }),
    )
    await here.ann(10)
    const ann = (await here.open()).actor(Account, 'ann')
    down = true
    const error = await errorOf(here.until(ann.send(deposit)), 'ActorFaulted')
    expect(String(error.cause)).to.include('no connection')
    down = false
    expect(await here.until(ann.send(deposit))).to.include({ accepted: true, revision: 2 })
  })
})

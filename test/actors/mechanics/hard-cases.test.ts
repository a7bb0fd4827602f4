// Cases the simulation or an attempt to break it found once: each is a rule.

import { expect } from 'chai'
import {
  createMemoryStore,
  createRuntime,
  type EventStore,
  isReenactError,
  ReenactError,
} from '../../../runtime/index.ts'
import { Account } from '../../fixtures/account.ts'
import { errorOf, overlay, typesOf, world } from './support.ts'

const deposit = { type: 'deposit', amount: 5 } as const

describe('hard cases', () => {
  it('a refusal after an unknown outcome says nothing about the first copy (R2, R3)', async () => {
    const here = world()
    const ann = await here.ann(10)
    here.store.script({ kind: 'late', delayMs: 60_000 }, { kind: 'refuse' })
    await here.until(errorOf(ann.send(deposit), 'UnknownOutcome'))
    await here.ports.advance(120_000)
    expect(await typesOf(await here.fresh())).to.deep.equal(['Opened', 'Deposited', 'Deposited'])
  })

  it('a store that closes after a lost reply leaves the outcome unknown', async () => {
    const here = world()
    const ann = await here.ann(10)
    const error = new ReenactError('Closed', 'closed', { what: 'store' })
    here.store.script({ kind: 'lose-reply' }, { kind: 'refuse', error })
    await here.until(errorOf(ann.send(deposit), 'UnknownOutcome'))
  })

  it('an append that throws instead of answering is unknown and sent again', async () => {
    let thrown = false
    const append: EventStore['append'] = (...given) => {
      if (thrown) return here.log.append(...given)
      thrown = true
      throw new Error('not even a promise')
    }
    const here = world()
    await here.ann(10)
    const store = overlay(here.log, { append })
    const runtime = await createRuntime({ store, actors: [Account], ports: here.ports })
    const { accepted } = await here.until(runtime.actor(Account, 'ann').send(deposit))
    expect({ accepted, thrown }).to.deep.equal({ accepted: true, thrown: true })
  })

  it('an expectation is not refused on a state that others have moved on (A11)', async () => {
    const here = world()
    const ann = await here.ann(10)
    const rival = (await here.open()).actor(Account, 'ann')
    await here.until(rival.send({ type: 'ping' }))
    const { revision } = await here.until(ann.send(deposit))
    const result = await here.until(rival.send(deposit, { expectedRevision: revision }))
    expect(result.revision).to.equal(revision + 1)
  })

  it('a repeated command with an expectation finds its first outcome at another runtime (A12)', async () => {
    const here = world()
    const ann = await here.ann(10)
    const rival = (await here.open()).actor(Account, 'ann')
    await here.until(rival.send({ type: 'ping' }))
    const options = { commandId: 'x', expectedRevision: 1 }
    const first = await here.until(ann.send(deposit, options))
    const again = await here.until(rival.send(deposit, options))
    expect(again).to.deep.equal({ ...first, duplicate: true })
  })

  it('a command that is too large fails alone', async () => {
    const here = world()
    const runtime = await here.open()
    const bob = runtime.actor(Account, 'bob')
    const note = 'x'.repeat(1024 * 1024 - 100)
    const sent = [
      bob.send({ type: 'open', owner: 'Bob' }),
      errorOf(bob.send(deposit, { metadata: { note } }), 'TooLarge'),
      bob.send(deposit),
    ]
    await here.until(Promise.all(sent))
    expect(await typesOf(bob)).to.deep.equal(['Opened', 'Deposited'])
  })

  it('commands that do not fit into one append go into the next', async () => {
    const here = world()
    const bob = (await here.open()).actor(Account, 'bob')
    const note = 'x'.repeat(900_000)
    const sent = Array.from({ length: 8 }, (_, amount) =>
      amount === 0
        ? bob.send({ type: 'open', owner: 'Bob' }, { metadata: { note } })
        : bob.send({ type: 'deposit', amount }, { metadata: { note } }),
    )
    const revisions = (await here.until(Promise.all(sent))).map(({ revision }) => revision)
    expect(revisions).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7])
    expect(here.store.appends).to.be.greaterThan(1)
  })

  it('an actor whose log lost its end stops, and stays stopped', async () => {
    const here = world()
    const ann = await here.ann(10)
    await here.until(ann.send(deposit))
    const shorter = createMemoryStore(here.ports)
    const { events } = await here.log.readStream('account-ann', { limit: 2 })
    const rows = events.map(({ id, type, data, metadata }) => ({ id, type, data, metadata }))
    await shorter.append('account-ann', rows, { expected: 'none' })
    let cut = false
    const store = overlay(here.log, {
      append: (...given) => (cut ? shorter : here.log).append(...given),
      readStream: (...given) => (cut ? shorter : here.log).readStream(...given),
    })
    const runtime = await createRuntime({ store, actors: [Account], ports: here.ports })
    const actor = runtime.actor(Account, 'ann')
    await here.until(actor.send(deposit))
    cut = true
    await here.until(errorOf(actor.send(deposit), 'AheadOfLog'))
    await here.until(errorOf(actor.send(deposit), 'ActorFaulted'))
  })

  it('snapshots keep up with an actor that never lives long', async () => {
    const here = world()
    await here.ann(0)
    for (let life = 0; life < 40; life += 1) {
      const ann = (await here.open({ snapshotEvery: 10 })).actor(Account, 'ann')
      for (let command = 0; command < 5; command += 1) await here.until(ann.send(deposit))
    }
    const entry = await here.log.state.get('snapshot:account-ann')
    const { revision } = JSON.parse(entry?.value.split('\n')[1] ?? '{}')
    expect(revision).to.be.greaterThan(180)
  })

  it('what verify finds while an append is under way stops the actor all the same', async () => {
    let tampered = false
    const here = world((log) =>
      overlay(log, {
        readStream: async (...given) => {
          const page = await log.readStream(...given)
          const events = page.events.map((event) =>
            tampered && event.revision === 0 ? { ...event, data: '{"owner":"Eve"}' } : event,
          )
          return { ...page, events }
        },
      }),
    )
    const ann = await here.ann(10)
    here.store.script({ kind: 'slow', delayMs: 1_000 })
    const sent = ann.send(deposit)
    await here.ports.settle()
    tampered = true
    expect((await here.until(ann.verify())).ok).to.equal(false)
    await here.until(sent)
    await here.until(errorOf(ann.send(deposit), 'ActorFaulted'))
  })

  it('waits without end are waits without end, also by the real timers (C7)', async () => {
    const log = createMemoryStore()
    const append: EventStore['append'] = async (...given) => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      return log.append(...given)
    }
    const runtime = await createRuntime({ store: overlay(log, { append }), actors: [Account] })
    const open = { type: 'open', owner: 'Ann' } as const
    const waiting = { timeoutMs: Number.POSITIVE_INFINITY }
    const first = await runtime.actor(Account, 'ann').send(open, waiting)
    const sent = runtime.actor(Account, 'bob').send(open)
    await new Promise((resolve) => setImmediate(resolve))
    await runtime.close({ graceMs: Number.POSITIVE_INFINITY })
    expect([first.accepted, (await sent).accepted]).to.deep.equal([true, true])
  })

  it('options that make no sense are refused before anything happens', async () => {
    const here = world()
    const ann = await here.ann(10)
    for (const timeoutMs of [0, -1, Number.NaN, 2 ** 31]) {
      await here.until(errorOf(ann.send(deposit, { timeoutMs }), 'InvalidOption'))
    }
    await here.until(
      errorOf(ann.send(deposit, { correlationId: 5n as unknown as string }), 'InvalidOption'),
    )
    for (const occurredAt of [1e300, -1e300, Number.NaN, 'yesterday']) {
      await here.until(errorOf(ann.send(deposit, { occurredAt }), 'InvalidOption'))
    }
    const runtime = await here.open()
    const refused = await runtime.close({ graceMs: Number.NaN }).catch((error: unknown) => error)
    expect(isReenactError(refused, 'InvalidOption')).to.equal(true)
    await runtime.close()
  })
})

describe('a stream changed past its actor', () => {
  it('through the runtime is noticed by the actor in memory', async () => {
    const runtime = await createRuntime({ store: 'memory:', actors: [Account] })
    const ann = runtime.actor(Account, 'ann')
    await ann.send({ type: 'open', owner: 'Ann' })
    await runtime.store.deleteStream('account-ann')
    await errorOf(ann.state(), 'StreamDeleted')
    await errorOf(ann.send(deposit), 'StreamDeleted')
    await runtime.close()
  })
})

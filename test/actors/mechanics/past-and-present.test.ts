// What keeps past and present, actors and their neighbours, apart.

import { expect } from 'chai'
import { assign, createMachine, emit, setup } from 'xstate'
import { z } from 'zod'
import { aggregate } from '../../../actors/aggregate.ts'
import { isReenactError } from '../../../runtime/core/errors.ts'
import {
  type AnyAggregate,
  createMemoryStore,
  createRuntime,
  type EventStore,
  reject,
} from '../../../runtime/index.ts'
import { createManualPorts } from '../../../runtime/testing/index.ts'
import { Account } from '../../fixtures/account.ts'
import { errorOf, world } from './support.ts'

const deposit = { type: 'deposit', amount: 5 } as const

/** A loosely typed aggregate of one command `go` and one event `Went`. */
const going = (config: object, options: object = {}): AnyAggregate =>
  aggregate(
    'thing',
    createMachine({ id: 'm', ...config } as never) as never,
    {
      events: { Went: {} },
      ...options,
    } as never,
  )

const go = { actions: emit({ type: 'Went' } as never) }
const send = { type: 'go' } as never

const raw = (type: string, data = '{}', metadata = '{}') => ({
  id: crypto.randomUUID(),
  type,
  data,
  metadata,
})

describe('one outcome per command id', () => {
  it('also when the sender lives in the future', async () => {
    const ports = createManualPorts()
    const store = createMemoryStore(ports)
    const runtime = await createRuntime({ store, actors: [Account], ports })
    const ann = runtime.actor(Account, 'ann')
    await ports.until(ann.send({ type: 'open', owner: 'Ann' }))
    const early = new Date(ports.clock.now() + 3_600_000).getTime().toString(16).padStart(12, '0')
    const commandId = `${early.slice(0, 8)}-${early.slice(8)}-7000-8000-000000000000`
    await ports.until(ann.send(deposit, { commandId }))
    for (let batch = 0; batch < 3; batch += 1) {
      await ports.until(Promise.all(Array.from({ length: 500 }, () => ann.send(deposit))))
    }
    const again = await ports.until(ann.send(deposit, { commandId }))
    expect(again).to.deep.include({ duplicate: true, revision: 1 })
  })

  it('is not guessed where the events that would tell are gone', async () => {
    const here = world()
    const ann = await here.ann(0, { snapshotEvery: 1 })
    await here.until(ann.send(deposit, { commandId: 'p' }))
    await here.until(ann.send(deposit))
    await here.log.setStreamMetadata('account-ann', { truncateBefore: 3 })
    await here.until(errorOf(ann.send(deposit, { commandId: 'p' }), 'HistoryTruncated'))
  })

  it('outlives a change of the command schema', async () => {
    const store = createMemoryStore()
    const machine = setup({
      types: {
        events: {} as { type: 'pay'; amount: number } | { type: 'Paid'; amount: number },
        emitted: {} as { type: 'Paid'; amount: number },
      },
    }).createMachine({
      on: {
        pay: { actions: emit(({ event }) => ({ type: 'Paid', amount: event.amount })) },
        Paid: {},
      },
    })
    const outcomes = []
    for (const schema of [
      z.object({ amount: z.number() }),
      z.object({ amount: z.number().max(10) }),
    ]) {
      const Payment = aggregate('payment', machine, {
        events: { Paid: {} },
        commands: { pay: { schema } },
      })
      const runtime = await createRuntime({ store, actors: [Payment] })
      const actor = runtime.actor(Payment, '1')
      outcomes.push(await actor.send({ type: 'pay', amount: 50 }, { commandId: 'x' }))
    }
    const [first, again] = outcomes
    expect(again).to.deep.equal({ ...first, duplicate: true })
  })

  it('is recorded for a refused command too large to be kept whole', async () => {
    const here = world()
    const bob = (await here.open()).actor(Account, 'bob')
    const big = { type: 'open', owner: 'x'.repeat(1024 * 1024 - 2_000) } as const
    await here.until(bob.send({ type: 'open', owner: 'Bob' }))
    const first = await here.until(bob.send(big, { commandId: 'big' }))
    const again = await here.until(bob.send(big, { commandId: 'big' }))
    expect(first.accepted).to.equal(false)
    expect(again).to.deep.equal({ ...first, duplicate: true })
  })
})

describe('a state is nobody else’s', () => {
  it('its value cannot be changed by whoever asked', async () => {
    const Doors = going({
      type: 'parallel',
      states: { door: { initial: 'shut', states: { shut: {}, open: {} } }, lamp: {} },
      on: { go, Went: {} },
    })
    const runtime = await createRuntime({ store: 'memory:', actors: [Doors] })
    const { value } = await runtime.actor(Doors, '1').state()
    expect(() => {
      ;(value as { door: string }).door = 'open'
    }).to.throw(TypeError)
    expect((await runtime.actor(Doors, '2').state()).value).to.deep.equal({
      door: 'shut',
      lamp: {},
    })
  })

  for (const [how, context] of [
    ['object', { seen: new Map<string, number>() }],
    ['factory', () => ({ seen: new Map<string, number>() })],
  ] as const) {
    it(`a Map in a context given as ${how} is not shared between actors`, async () => {
      const Thing = going({
        context,
        on: {
          go,
          Went: {
            actions: assign(({ context: { seen } }) => {
              ;(seen as Map<string, number>).set('secret', 1)
              return {}
            }),
          },
        },
      })
      const runtime = await createRuntime({ store: 'memory:', actors: [Thing] })
      await runtime.actor(Thing, '1').send(send)
      const other = await runtime.actor(Thing, '2').state()
      expect((other.context as { seen: Map<string, number> }).seen.size).to.equal(0)
    })
  }

  it('is the same from a snapshot and from the events, also where a value is undefined', async () => {
    const Thing = going({
      context: { paid: undefined, n: 0 },
      on: {
        go: { guard: ({ context }: { context: object }) => !('paid' in context), ...go },
        Went: {
          actions: assign({
            n: ({ context }: never) => context['n'] + 1,
            paid: undefined,
          } as never),
        },
      },
    })
    const store = createMemoryStore()
    for (let life = 0; life < 4; life += 1) {
      const runtime = await createRuntime({ store, actors: [Thing], limits: { snapshotEvery: 1 } })
      const { accepted, state } = await runtime.actor(Thing, '1').send(send)
      expect({ accepted, context: state.context }).to.deep.equal({
        accepted: true,
        context: { n: life + 1 },
      })
      await runtime.close()
    }
  })
})

describe('verify', () => {
  it('leaves a truncated actor alone that a snapshot carries', async () => {
    const here = world()
    const ann = await here.ann(0, { snapshotEvery: 1 })
    await here.until(ann.send(deposit))
    await here.log.setStreamMetadata('account-ann', { truncateBefore: 2 })
    expect(await here.until(ann.verify())).to.deep.include({ ok: true, events: 1 })
    expect((await here.until(ann.send(deposit))).accepted).to.equal(true)
  })

  it('stops an actor with a wrong hash that was not in memory', async () => {
    const here = world()
    await here.ann(10)
    const tampered = createMemoryStore(here.ports)
    const { events } = await here.log.readStream('account-ann')
    const rows = events.map(({ id, type, data, metadata }) => ({ id, type, data, metadata }))
    const changed = rows.map((row, at) => (at === 1 ? { ...row, data: '{"amount":9000}' } : row))
    const last = await here.until((await here.fresh()).send(deposit))
    const { events: all } = await here.log.readStream('account-ann', { from: last.revision })
    await tampered.append(
      'account-ann',
      [...changed, ...all.map(({ id, type, data, metadata }) => ({ id, type, data, metadata }))],
      { expected: 'none' },
    )
    const runtime = await createRuntime({ store: tampered, actors: [Account], ports: here.ports })
    const ann = runtime.actor(Account, 'ann')
    expect((await here.until(ann.verify())).ok).to.equal(false)
    await here.until(errorOf(ann.send({ type: 'withdraw', amount: 900 }), 'ActorFaulted'))
  })

  it('does not blame the stream for a store that is closed', async () => {
    const runtime = await createRuntime({ store: 'memory:', actors: [Account] })
    const ann = runtime.actor(Account, 'ann')
    await runtime.close()
    await errorOf(ann.verify(), 'Closed')
  })
})

describe('what others wrote', () => {
  const written = async (...events: ReturnType<typeof raw>[]) => {
    const store: EventStore = createMemoryStore()
    await store.append('account-ann', events, { expected: 'none' })
    const runtime = await createRuntime({ store, actors: [Account] })
    return { ann: runtime.actor(Account, 'ann'), store }
  }

  it('as a record of the runtime that this version does not know stops the actor', async () => {
    const { ann } = await written(raw('reenact.Merged'))
    await errorOf(ann.replay({ revision: 0 }), 'UnknownEvent')
    const later = await written(raw('reenact.NoEffect', '{}', '{"schemaVersion":9}'))
    await errorOf(later.ann.replay({ revision: 0 }), 'NewerSchema')
  })

  it('beside the data counts only where it is of the right kind', async () => {
    const metadata = '{"time":"yesterday","schemaVersion":"x","commandId":7,"payloadHash":3}'
    const { ann } = await written(raw('Opened', '{"owner":"Ann"}', metadata))
    const { revision, time } = await ann.replay({ at: Date.now() + 1_000 })
    expect(revision).to.equal(0)
    expect(time).to.be.a('number')
    expect((await ann.verify()).unverified).to.equal(1)
  })

  it('is not renamed by a field called type', async () => {
    const { ann } = await written(raw('Opened', '{"owner":"Ann","type":"Closed"}'))
    expect((await ann.history()).map(({ event }) => event.type)).to.deep.equal(['Opened'])
  })

  it('and truncated behind a follower is not passed over silently', async () => {
    const here = world()
    const ann = await here.ann(10, { snapshotEvery: 1 })
    const seen: [number, number][] = []
    // What the log no longer tells is an error, unless a snapshot tells it.
    let failed: unknown
    const following = ann.changes.subscribe({
      next: ({ revision, state }) => {
        seen.push([revision, state.context.balance])
        if (seen.length === 1) void here.log.setStreamMetadata('account-ann', { truncateBefore: 4 })
      },
      error: (error) => {
        failed = error
      },
    })
    await here.ports.settle()
    for (let n = 0; n < 4; n += 1) await here.until(ann.send(deposit))
    await here.ports.settle()
    following.unsubscribe()
    for (const [revision, balance] of seen) expect(balance).to.equal(10 + 5 * (revision - 1))
    expect(seen.length === 4 || isReenactError(failed, 'HistoryTruncated')).to.equal(true)
  })

  it('goes through upcasters whose results are checked', async () => {
    for (const upcaster of [
      async () => ({}),
      () => ({ n: Number.NaN }),
      () => [],
      () => new Date(0),
    ]) {
      const Thing = going(
        { on: { go, Went: {} } },
        { events: { Went: { version: 2, upcast: { 1: upcaster } } } },
      )
      const store = createMemoryStore()
      await store.append('thing-1', [raw('Went')], { expected: 'none' })
      const runtime = await createRuntime({ store, actors: [Thing] })
      await errorOf(runtime.actor(Thing, '1').replay({ revision: 0 }), 'InvalidOption')
    }
  })
})

describe('can, where regions answer together', () => {
  it('an inner answer hides the states around it', async () => {
    const Thing = going({
      type: 'parallel',
      states: { a: { on: { go } }, b: {} },
      on: { go: { actions: reject('outer') }, Went: {} },
    })
    const runtime = await createRuntime({ store: 'memory:', actors: [Thing] })
    const actor = runtime.actor(Thing, '1')
    expect(await actor.can()).to.deep.equal({ go: 'yes' })
    expect((await actor.send(send)).accepted).to.equal(true)
  })

  it('one region that rejects decides, and only guards that were asked are named', async () => {
    const Thing = going({
      type: 'parallel',
      states: {
        a: { on: { go: {} } },
        b: { on: { go: [{ guard: () => false }, { actions: reject('b') }] } },
      },
      on: { go: { guard: () => false }, Went: {} },
    })
    const runtime = await createRuntime({ store: 'memory:', actors: [Thing] })
    const actor = runtime.actor(Thing, '1')
    expect(await actor.can()).to.deep.equal({ go: 'depends' })
    expect(await actor.send(send)).to.deep.include({ reason: 'b', guards: ['b.on.go[0].guard'] })
  })
})

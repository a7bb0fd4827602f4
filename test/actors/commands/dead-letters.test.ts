// Commands that cannot be handled: retried by class, parked in order, and dealt with by people.

import { expect } from 'chai'
import { assign, emit, setup } from 'xstate'
import { systemPorts } from '../../../runtime/core/clock.ts'
import {
  aggregate,
  createMemoryStore,
  createRuntime,
  type DeadLetter,
  type EventStore,
  exponential,
  isReenactError,
  type Runtime,
} from '../../../runtime/index.ts'
import { createFaultyStore, createSeededRandom } from '../../../runtime/testing/index.ts'

type Command = { type: 'add'; n: number } | { type: 'explode'; n: number }
type Event = { type: 'Added'; n: number }

/** How often `explode` still explodes: the bug that is mended. */
let failures = Number.POSITIVE_INFINITY

const machine = setup({
  types: { context: {} as { sum: number }, events: {} as Command | Event, emitted: {} as Event },
  guards: {
    sound: () => {
      if (failures === 0) return true
      failures -= 1
      throw new Error('the guard is broken')
    },
  },
}).createMachine({
  id: 'counter',
  context: { sum: 0 },
  on: {
    add: { actions: emit(({ event }) => ({ type: 'Added', n: event.n })) },
    explode: { guard: 'sound', actions: emit(({ event }) => ({ type: 'Added', n: event.n })) },
    Added: { actions: assign({ sum: ({ context, event }) => context.sum + event.n }) },
  },
})
const Counter = aggregate('counter', machine, { events: { Added: {} } })

const fast = exponential({ delayMsMin: 1, delayMsMax: 2, attemptsMax: 3 })
const attemptsKey = 'attempts:counter:command-a'
const act = { by: 'ann', reason: 'mended' }

async function lettersOf(runtime: Runtime, status: 'open' | 'all' = 'open'): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = []
  for await (const letter of runtime.deadLetters.list({ status })) letters.push(letter)
  return letters
}

async function failure(promise: Promise<unknown>, code: string): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(isReenactError(error) && error.code, String(error)).to.equal(code)
}

describe('dead letters', () => {
  let store: EventStore
  let runtime: Runtime
  const open = async (on: EventStore = store): Promise<Runtime> =>
    createRuntime({ store: on, actors: [Counter] })

  beforeEach(async () => {
    failures = Number.POSITIVE_INFINITY
    store = createMemoryStore()
    runtime = await open()
  })
  afterEach(async () => {
    await runtime.close()
    await store.close()
  })

  it('a command whose guard throws is parked after its attempts; the others go on', async () => {
    runtime.work({ retry: { poison: fast } })
    const [first, bad, last] = await runtime.postMany(Counter, [
      { id: 'a', command: { type: 'add', n: 1 } },
      { id: 'a', command: { type: 'explode', n: 10 }, options: { metadata: { user: 'bob' } } },
      { id: 'a', command: { type: 'add', n: 2 } },
    ])
    expect((await first?.outcome())?.accepted).to.equal(true)
    await failure(bad?.outcome() as Promise<unknown>, 'CommandParked')
    expect((await last?.outcome())?.state.context.sum).to.equal(3)
    const [letter] = await lettersOf(runtime)
    expect(letter).to.deep.include({
      id: 'counter:command-a@1',
      kind: 'counter',
      actorId: 'a',
      command: { type: 'explode', n: 10 },
      commandId: bad?.commandId,
      failure: 'poison',
      attempts: 3,
      status: 'open',
      actorRevision: 0,
    })
    expect(letter?.metadata['custom']).to.deep.equal({ user: 'bob' })
    expect(letter?.error.message).to.match(/the guard is broken/)
    expect(letter?.error.stack).to.match(/at /)
  })

  it('what succeeds at the last attempt keeps its place among the others', async () => {
    failures = 2
    const posted = await runtime.postMany(Counter, [
      { id: 'a', command: { type: 'add', n: 1 } },
      { id: 'a', command: { type: 'explode', n: 2 } },
      { id: 'a', command: { type: 'add', n: 3 } },
    ])
    runtime.work({ retry: { poison: fast } })
    await Promise.all(posted.map((one) => one.outcome()))
    const history = await runtime.actor(Counter, 'a').history()
    expect(history.map(({ event }) => 'n' in event && event.n)).to.deep.equal([1, 2, 3])
  })

  it('what can never succeed is parked at once', async () => {
    const id = '5d2e54a7-5c2f-4c4d-9c8b-111111111111'
    const foreign = { id, type: 'nonsense', data: '{}', metadata: '{}' }
    await store.append('counter:command-a', [foreign], { expected: 'any' })
    const broken = { ...foreign, id: id.replaceAll('1', '2'), type: 'add', data: 'no json' }
    await store.append('counter:command-a', [broken], { expected: 'any' })
    runtime.work()
    const after = await runtime.post(Counter, 'a', { type: 'add', n: 1 })
    expect((await after.outcome()).state.context.sum).to.equal(1)
    const letters = await lettersOf(runtime)
    expect(letters.map(({ failure, attempts }) => [failure, attempts])).to.deep.equal([
      ['permanent', 1],
      ['permanent', 1],
    ])
    expect(letters.map(({ error }) => error.code)).to.deep.equal([
      'InvalidCommand',
      'InvalidPayload',
    ])
  })

  it('what fails for a while is retried, in order, and never parked', async () => {
    const ports = { ...systemPorts, random: createSeededRandom(1) }
    const faulty = createFaultyStore(store, { ports })
    const failing = await open(faulty)
    const posted = await failing.postMany(
      Counter,
      Array.from({ length: 5 }, (_, n) => ({ id: 'a', command: { type: 'add', n } })),
    )
    faulty.script({ kind: 'refuse' }, { kind: 'refuse' }, { kind: 'refuse' })
    const patient = exponential({ delayMsMin: 1, delayMsMax: 2, attemptsMax: 10 })
    const worker = failing.work({ retry: { transient: patient } })
    await Promise.all(posted.map((one) => one.outcome()))
    expect(worker.metrics().parked).to.equal(0)
    const history = await failing.actor(Counter, 'a').history()
    expect(history.map(({ event }) => 'n' in event && event.n)).to.deep.equal([0, 1, 2, 3, 4])
    await failing.close()
  })

  it('an actor that cannot be replayed parks its commands, and takes them after it is mended', async () => {
    const id = '5d2e54a7-5c2f-4c4d-9c8b-333333333333'
    const alien = { id, type: 'Alien', data: '{}', metadata: '{}' }
    await store.append('counter-a', [alien], { expected: 'any' })
    runtime.work({ retry: { poison: fast } })
    const [lost, fine] = await runtime.postMany(Counter, [
      { id: 'a', command: { type: 'add', n: 1 } },
      { id: 'b', command: { type: 'add', n: 2 } },
    ])
    expect((await fine?.outcome())?.accepted).to.equal(true)
    await failure(lost?.outcome() as Promise<unknown>, 'CommandParked')
    await runtime.close()
    const Mended = aggregate('counter', machine, { events: { Added: {} }, ignored: ['Alien'] })
    const mended = await createRuntime({ store, actors: [Mended] })
    mended.work()
    const [letter] = await lettersOf(mended)
    await mended.deadLetters.retry(letter?.id ?? '', act)
    const outcome = await mended.outcome(Mended, 'a', lost?.commandId ?? '')
    expect(outcome.state.context.sum).to.equal(1)
    await mended.close()
  })

  it('retry keeps the command id, and is on record with who and why', async () => {
    runtime.work({ retry: { poison: fast } })
    const bad = await runtime.post(Counter, 'a', { type: 'explode', n: 10 }, { commandId: 'bang' })
    await failure(bad.outcome(), 'CommandParked')
    failures = 0
    await runtime.deadLetters.retry('counter:command-a@0', act)
    const outcome = await runtime.outcome(Counter, 'a', 'bang')
    expect([outcome.accepted, outcome.state.context.sum]).to.deep.equal([true, 10])
    const [letter] = await lettersOf(runtime, 'all')
    expect(letter?.status).to.equal('retried')
    expect(letter?.act).to.deep.include(act)
    await failure(runtime.deadLetters.retry('counter:command-a@0', act), 'DeadLetterNotFound')
  })

  it('a command that was given up and is posted again stays given up', async () => {
    runtime.work({ retry: { poison: fast } })
    const options = { commandId: 'bang' }
    const bad = await runtime.post(Counter, 'a', { type: 'explode', n: 10 }, options)
    await failure(bad.outcome(), 'CommandParked')
    failures = 0
    // Who posts it again is told at once, not when time runs out.
    const again = await runtime.post(Counter, 'a', { type: 'explode', n: 10 }, options)
    const told = await again.outcome({ timeoutMs: 60_000 }).catch((error: unknown) => error)
    expect(told).to.deep.include({
      code: 'CommandParked',
      details: { actor: 'counter-a', commandId: 'bang', deadLetter: 'counter:command-a@0' },
    })
    const other = await runtime.post(Counter, 'a', { type: 'explode', n: 11 }, options)
    await failure(other.outcome(), 'IdempotencyMismatch')
    const after = await runtime.post(Counter, 'a', { type: 'add', n: 1 })
    expect((await after.outcome()).state.context.sum).to.equal(1)
    await failure(runtime.outcome(Counter, 'a', 'bang'), 'CommandParked')
    await runtime.deadLetters.retry('counter:command-a@0', act)
    expect((await runtime.outcome(Counter, 'a', 'bang')).state.context.sum).to.equal(11)
  })

  it('a retry that fails again is another dead letter', async () => {
    runtime.work({ retry: { poison: fast } })
    const bad = await runtime.post(Counter, 'a', { type: 'explode', n: 10 })
    await failure(bad.outcome(), 'CommandParked')
    await runtime.deadLetters.retry('counter:command-a@0', act)
    await failure(runtime.outcome(Counter, 'a', bad.commandId), 'CommandParked')
    const letters = await lettersOf(runtime, 'all')
    expect(letters.map(({ id, status }) => [id, status])).to.deep.equal([
      ['counter:command-a@0', 'retried'],
      ['counter:command-a@1', 'open'],
    ])
  })

  it('preview says what a retry would come to, and writes nothing', async () => {
    runtime.work({ retry: { poison: fast } })
    const bad = await runtime.post(Counter, 'a', { type: 'explode', n: 10 })
    await failure(bad.outcome(), 'CommandParked')
    const end = async () => (await store.readAll({ direction: 'backwards', limit: 1 })).events
    const before = await end()
    const look = () => runtime.deadLetters.preview('counter:command-a@0')
    const failing = await look()
    expect(failing).to.deep.include({ outcome: 'failed', failure: 'poison' })
    failures = 0
    const events = [{ type: 'Added', n: 10 }]
    expect(await look()).to.deep.equal({ outcome: 'accepted', events })
    expect(await end()).to.deep.equal(before)
    await runtime.deadLetters.retry('counter:command-a@0', act)
    await runtime.outcome(Counter, 'a', bad.commandId)
    expect(await look()).to.deep.equal({ outcome: 'duplicate' })
    await failure(runtime.deadLetters.preview('counter:command-a@7'), 'DeadLetterNotFound')
  })

  it('skip closes it for good, and export shows everything', async () => {
    runtime.work({ retry: { poison: fast } })
    const bad = await runtime.post(Counter, 'a', { type: 'explode', n: 10 })
    await failure(bad.outcome(), 'CommandParked')
    await failure(
      runtime.deadLetters.skip('counter:command-a@0', { by: '', reason: '' }),
      'InvalidOption',
    )
    await runtime.deadLetters.skip('counter:command-a@0', { by: 'bob', reason: 'obsolete' })
    expect(await lettersOf(runtime)).to.deep.equal([])
    const told = await bad.outcome().catch((error: unknown) => error)
    expect(told)
      .to.have.property('message')
      .that.match(/bob skipped: obsolete/)
    const lines: string[] = []
    for await (const line of runtime.deadLetters.export()) lines.push(line)
    expect(lines).to.have.lengthOf(1)
    const letter = JSON.parse(lines[0] ?? '')
    expect(letter.act).to.deep.include({ by: 'bob', reason: 'obsolete' })
    expect(await runtime.deadLetters.show('counter:command-a@0')).to.deep.equal(letter)
    await failure(runtime.deadLetters.show('counter:command-a@7'), 'DeadLetterNotFound')
    await failure(runtime.deadLetters.show('nobody:command-a@0'), 'DeadLetterNotFound')
  })

  it('attempts go on counting in another worker', async () => {
    const slow = exponential({ delayMsMin: 60_000, delayMsMax: 60_000, attemptsMax: 3 })
    const worker = runtime.work({ retry: { poison: slow } })
    const bad = await runtime.post(Counter, 'a', { type: 'explode', n: 10 })
    while (worker.metrics().retried === 0) await new Promise((resolve) => setTimeout(resolve, 2))
    await worker.stop()
    runtime.work({ retry: { poison: fast } })
    await failure(bad.outcome(), 'CommandParked')
    const [letter] = await lettersOf(runtime)
    expect(letter?.attempts).to.equal(3)
  })

  it('what a dead worker had in hand is handled one by one, and only the culprit is counted', async () => {
    const claim = 'claim:reenact:dead worker'
    await store.state.put(
      claim,
      JSON.stringify([
        ['counter:command-a', 2],
        ['counter:command-b', 0],
      ]),
    )
    const attempts = { from: 0, to: 0, attempts: 3 }
    await store.state.put(attemptsKey, JSON.stringify(attempts))
    const posted = await runtime.postMany(Counter, [
      { id: 'a', command: { type: 'add', n: 1 } },
      { id: 'a', command: { type: 'add', n: 2 } },
      { id: 'a', command: { type: 'add', n: 4 } },
      { id: 'b', command: { type: 'add', n: 8 } },
    ])
    runtime.work()
    const settled = await Promise.allSettled(posted.map((one) => one.outcome()))
    expect(settled.map(({ status }) => status)).to.deep.equal([
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ])
    const [letter, ...others] = await lettersOf(runtime)
    expect([letter?.id, others.length]).to.deep.equal(['counter:command-a@0', 0])
    expect(letter?.error.message).to.match(/process ended or hung 3 times/)
    await runtime.close()
    expect(await store.state.keys('claim:')).to.deep.equal([])
    expect(await store.state.keys('attempts:')).to.deep.equal([])
  })

  it('a repetition of what was decided is neither counted nor parked, whoever died with it', async () => {
    const options = { commandId: 'once' }
    const first = runtime.work()
    const done = await runtime.post(Counter, 'a', { type: 'add', n: 1 }, options)
    await done.outcome()
    await first.stop()
    await store.state.put('claim:reenact:dead worker', JSON.stringify([['counter:command-a', 1]]))
    await store.state.put(attemptsKey, JSON.stringify({ from: 1, to: 1, attempts: 3 }))
    await runtime.post(Counter, 'a', { type: 'add', n: 1 }, options)
    runtime.work()
    const after = await runtime.post(Counter, 'a', { type: 'add', n: 2 })
    expect((await after.outcome()).state.context.sum).to.equal(3)
    expect(await lettersOf(runtime, 'all')).to.deep.equal([])
    expect((await runtime.outcome(Counter, 'a', 'once')).duplicate).to.equal(true)
  })

  it('a repetition before the culprit does not make the count begin anew', async () => {
    const options = { commandId: 'once' }
    const first = runtime.work()
    const done = await runtime.post(Counter, 'a', { type: 'add', n: 1 }, options)
    await done.outcome()
    await first.stop()
    await store.state.put('claim:reenact:dead worker', JSON.stringify([['counter:command-a', 3]]))
    await store.state.put(attemptsKey, JSON.stringify({ from: 2, to: 2, attempts: 3 }))
    const [, culprit, last] = await runtime.postMany(Counter, [
      { id: 'a', command: { type: 'add', n: 1 }, options },
      { id: 'a', command: { type: 'add', n: 2 } },
      { id: 'a', command: { type: 'add', n: 4 } },
    ])
    runtime.work()
    await failure(culprit?.outcome() as Promise<unknown>, 'CommandParked')
    expect((await last?.outcome())?.state.context.sum).to.equal(5)
  })

  it('what ran together is attempted one by one, also where it comes in pieces', async () => {
    await store.state.put('claim:reenact:dead worker', JSON.stringify([['counter:command-a', 5]]))
    await store.state.put(attemptsKey, JSON.stringify({ from: 0, to: 5, attempts: 2 }))
    runtime.work()
    for (const n of [1, 2]) {
      await (await runtime.post(Counter, 'a', { type: 'add', n })).outcome()
      const counted = async () => JSON.parse((await store.state.get(attemptsKey))?.value ?? '{}')
      while ((await counted()).from !== n) await new Promise((resolve) => setTimeout(resolve, 1))
      expect(await counted()).to.deep.equal({ from: n, to: 5, attempts: 2 })
    }
  })
})

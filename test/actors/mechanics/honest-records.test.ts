// What is recorded is what was given, and what is remembered is what the log says.

import { expect } from 'chai'
import { assign, emit, setup } from 'xstate'
import { aggregate, reject } from '../../../runtime/index.ts'
import { Account } from '../../fixtures/account.ts'
import { errorOf, world } from './support.ts'

type Command = { type: 'add'; n: number; note?: object }
type Event = { type: 'Added'; n: number }
type Context = { sum: number }

const machineWith = (guard: (given: { event: Command | Event }) => boolean, factor = () => 1) =>
  setup({
    types: { context: {} as Context, events: {} as Command | Event, emitted: {} as Event },
  }).createMachine({
    context: { sum: 0 },
    on: {
      add: [
        { guard, actions: emit(({ event }) => ({ type: 'Added', n: event.n })) },
        { actions: reject('no') },
      ],
      Added: { actions: assign({ sum: ({ context, event }) => context.sum + event.n * factor() }) },
    },
  })

const always = () => true

/** The same machine, reading old events in another way. */
const counting = (times?: number) =>
  aggregate('sum', machineWith(always), {
    events: {
      Added:
        times === undefined
          ? {}
          : { version: 2, upcast: { 1: ({ n }) => ({ n: Number(n) * times }) } },
    },
  })

describe('the record', () => {
  it('of a command is what was given, though a machine wants to change it', async () => {
    const Greedy = aggregate(
      'sum',
      machineWith(({ event }) => {
        event.n += 1
        return false
      }),
      { events: { Added: {} } },
    )
    const here = world()
    const sum = (await here.open({}, [Greedy])).actor(Greedy, 'a')
    const sent = sum.send({ type: 'add', n: 1 }, { commandId: 'once' })
    const error = await here.until(errorOf(sent, 'ActorFaulted'))
    expect(error.message).to.include('read only')
    expect((await here.log.readStream('sum-a')).head).to.equal(-1)
  })

  it('of an outcome holds commands as deep as they may be', async () => {
    const Never = aggregate(
      'sum',
      machineWith(() => false),
      { events: { Added: {} } },
    )
    const deep = (levels: number): object =>
      Array.from({ length: levels }).reduce<object>((inner) => ({ inner }), {})
    const here = world()
    const sum = (await here.open({}, [Never])).actor(Never, 'a')
    const send = (levels: number) =>
      here.until(sum.send({ type: 'add', n: 1, note: deep(levels) }, { commandId: `${levels}` }))
    // 64 levels: the command, its note, and what lies in it.
    expect((await send(62)).accepted).to.equal(false)
    expect((await send(62)).duplicate).to.equal(true)
    const [rejected] = await here.until(sum.history())
    expect(rejected?.event).to.deep.include({ command: { type: 'add', n: 1, note: deep(62) } })
    await here.until(errorOf(sum.send({ type: 'add', n: 1, note: deep(63) }), 'InvalidCommand'))
  })

  it('of details that cannot be stored names command and mending', async () => {
    const Dated = aggregate(
      'sum',
      setup({
        types: { context: {} as Context, events: {} as Command | Event, emitted: {} as Event },
      }).createMachine({
        context: { sum: 0 },
        on: { add: { actions: reject('no', () => ({ d: new Map() })) }, Added: {} },
      }),
      { events: { Added: {} } },
    )
    const here = world()
    const sum = (await here.open({}, [Dated])).actor(Dated, 'a')
    const error = await here.until(errorOf(sum.send({ type: 'add', n: 1 }), 'InvalidMachine'))
    expect(error.message).to.include("Command 'add' of 'sum' rejected with details")
    expect(error.message).to.include('give plain JSON data as details')
  })
})

describe('a snapshot', () => {
  it('does not outlive a change of how events are read', async () => {
    const here = world()
    const First = counting()
    const sum = (await here.open({ snapshotEvery: 2 }, [First])).actor(First, 'a')
    for (const n of [1, 1, 1, 1]) await here.until(sum.send({ type: 'add', n }))
    expect(await here.log.state.get('snapshot:sum-a')).not.to.equal(undefined)
    for (const times of [10, 100]) {
      const Next = counting(times)
      const next = (await here.open({}, [Next])).actor(Next, 'a')
      expect((await here.until(next.state())).context).to.deep.equal({ sum: 4 * times })
      expect((await here.until(next.verify())).ok).to.equal(true)
    }
  })

  it('that says something else than the events is found by verify', async () => {
    let factor = 1
    const Hidden = aggregate(
      'sum',
      machineWith(always, () => factor),
      { events: { Added: {} } },
    )
    const here = world()
    const sum = (await here.open({ snapshotEvery: 2 }, [Hidden])).actor(Hidden, 'a')
    for (const n of [1, 1, 1]) await here.until(sum.send({ type: 'add', n }))
    expect((await here.until(sum.verify())).ok).to.equal(true)
    factor = 2
    const { ok, problems } = await here.until(sum.verify())
    expect(ok).to.equal(false)
    expect(problems[0]?.message).to.include('The snapshot of sum-a gives another state')
    expect(problems[0]?.message).to.include("raise 'version'")
  })
})

describe('a long stream', () => {
  it('ends where its limit says', async () => {
    const here = world()
    const runtime = await here.open({ streamEventsMax: 3 })
    const ann = runtime.actor(Account, 'ann')
    await here.until(ann.send({ type: 'open', owner: 'Ann' }))
    const deposit = { type: 'deposit', amount: 1 } as const
    const sent = [1, 2, 3].map((n) => ann.send(deposit, { commandId: `${n}` }))
    const results = await here.until(Promise.allSettled(sent))
    expect(results.map(({ status }) => status)).to.deep.equal([
      'fulfilled',
      'fulfilled',
      'rejected',
    ])
    const error = await here.until(errorOf(ann.send(deposit), 'StreamFull'))
    expect(error.details).to.deep.equal({ stream: 'account-ann', limit: 3 })
    // What was answered before is answered again.
    expect((await here.until(ann.send(deposit, { commandId: '2' }))).duplicate).to.equal(true)
  })

  it('is warned of once', async () => {
    const warnings: Error[] = []
    const note = (warning: Error) => warnings.push(warning)
    process.on('warning', note)
    const here = world()
    const runtime = await here.open({ mailboxMax: 20_000 })
    const ann = runtime.actor(Account, 'ann')
    const sent = [ann.send({ type: 'open', owner: 'Ann' })]
    for (let n = 0; n < 10_100; n += 1) sent.push(ann.send({ type: 'deposit', amount: 1 }))
    await here.until(Promise.all(sent))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', note)
    expect(warnings.map(({ message }) => message)).to.have.lengthOf(1)
    expect(warnings[0]?.message).to.include('account-ann has 10000 events')
  })
})

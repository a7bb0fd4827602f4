// New code and processes that run: their own events in older versions, machines that changed, and what only newer code knows.

import { expect } from 'chai'
import { type AnyStateMachine, emit, setup } from 'xstate'
import { type DomainEvent, type ProcessOptions, processManager } from '../../../runtime/index.ts'
import { Case, type World, world } from './world.ts'

const act = { by: 'ann', reason: 'on with it' }
const on = [{ event: 'case.Begun', starts: true }, { event: 'case.Noted' }] as const

type Options = Omit<ProcessOptions<AnyStateMachine>, 'on'>

/** Tells of every note by an event of its own, and ends with the second. */
const telling = (
  told: { readonly type: string; readonly [key: string]: unknown },
  options: Options = {},
) => {
  const machine = setup({
    types: { context: {} as object, events: {} as DomainEvent<typeof Case> },
  }).createMachine({
    context: {},
    initial: 'none',
    states: {
      none: { on: { 'case.Noted': { target: 'one', actions: emit(told as never) } } },
      one: { on: { 'case.Noted': { target: 'two', actions: emit(told as never) } } },
      two: { type: 'final' },
    },
  })
  return processManager('telling', machine as AnyStateMachine, { on, ...options } as never)
}

type Telling = ReturnType<typeof telling>

const note = (all: World, runtime: Awaited<ReturnType<World['open']>>, id: string) =>
  all.until(runtime.actor(Case, id).send({ type: 'note', text: 'x' }))

/** A log with process `a`, which has told once, as this code does it. */
async function begun(process: Telling): Promise<World> {
  const all = world()
  const runtime = await all.open([process])
  await all.until(runtime.actor(Case, 'a').send({ type: 'begin' }))
  await note(all, runtime, 'a')
  await all.ports.advance(100)
  await all.until(runtime.close())
  return all
}

/** What other code makes of it: its end, or the code of the error. */
async function goneOn(all: World, process: Telling): Promise<string> {
  const runtime = await all.open([process])
  await note(all, runtime, 'a')
  await all.ports.advance(100)
  try {
    return (await all.until(runtime.processes.show(process, 'a'))).status
  } catch (error) {
    return (error as { code: string }).code
  } finally {
    await all.until(runtime.close())
  }
}

describe('events of a process itself', () => {
  const first = telling({ type: 'Told', words: 'hello world' })
  const today = { type: 'Said', first: 'hello', second: 'world' }
  const upcast = {
    1: ({ words }: { readonly words?: unknown }) => {
      const [one = '', two = ''] = String(words).split(' ')
      return { second: two, first: one }
    },
  }
  const second = telling(today, { events: { Said: { version: 2, aliases: ['Told'], upcast } } })

  it('are read in today’s shape and under today’s name', async () => {
    const all = await begun(first)
    expect(await goneOn(all, second)).to.equal('done')
    const { events } = await all.log.readStream('telling-a')
    const own = events.filter(({ type }) => !type.startsWith('reenact.'))
    const versionOf = ({ metadata }: { metadata: string }) => JSON.parse(metadata).schemaVersion
    expect(own.map((event) => [event.type, versionOf(event)])).to.deep.equal([
      ['Told', 1],
      ['Said', 2],
    ])
  })

  it('stop their process where their change is not declared, or makes something else', async () => {
    expect(await goneOn(await begun(first), telling(today))).to.equal('NonDeterministic')
    const other = telling(today, {
      events: { Said: { version: 2, aliases: ['Told'], upcast: { 1: () => ({ first: 'bye' }) } } },
    })
    expect(await goneOn(await begun(first), other)).to.equal('NonDeterministic')
  })

  it('are passed over where the machine emits them no more', async () => {
    const nothing = { type: 'Noticed' }
    const all = await begun(telling({ type: 'Told' }))
    expect(await goneOn(all, telling(nothing))).to.equal('NonDeterministic')
    const silent = setup({ types: { events: {} as DomainEvent<typeof Case> } }).createMachine({
      initial: 'none',
      states: {
        none: { on: { 'case.Noted': 'one' } },
        one: { on: { 'case.Noted': 'two' } },
        two: { type: 'final' },
      },
    }) as AnyStateMachine
    const quiet = processManager('telling', silent, { on, ignored: ['Told'] } as never)
    expect(await goneOn(await begun(telling({ type: 'Told' })), quiet)).to.equal('done')
  })

  it('of a newer version stop their process alone, which holds what comes until newer code is there', async () => {
    const all = await begun(second)
    const runtime = await all.open([telling(today)])
    await all.until(runtime.actor(Case, 'b').send({ type: 'begin' }))
    for (const id of ['a', 'b', 'b']) await note(all, runtime, id)
    await all.ports.advance(100)
    const process = telling(today)
    await all.until(runtime.close())
    const looking = await all.look([process])
    const found = []
    for await (const { id, error } of looking.processes.verify(process, { status: 'all' })) {
      found.push([id, error?.code, error?.details])
    }
    expect(found.map(([id, code]) => [id, code])).to.deep.equal([
      ['a', 'NewerSchema'],
      ['b', undefined],
    ])
    expect(found[0]?.[2]).to.include({ type: 'Said', found: 2, known: 1 })
    for await (const { id, why, error } of looking.processes.parked()) {
      expect([id, why, error.code]).to.deep.equal(['a', 'replay', 'NewerSchema'])
    }
    expect(looking.processes.kinds[0]).to.equal(process)
    expect((await all.until(looking.processes.show(process, 'b'))).status).to.equal('done')
    await all.until(looking.close())
    const newer = await all.open([second])
    await all.ports.advance(1_000)
    expect((await all.until(newer.processes.show(second, 'a'))).status).to.equal('done')
    await all.until(newer.close())
  })

  for (const [type, schemaVersion, code] of [
    ['reenact.ProcessPaused', 2, 'NewerSchema'],
    ['reenact.StepRequested', 2, 'NewerSchema'],
    ['reenact.ProcessBlessed', 1, 'UnknownEvent'],
  ] as const) {
    it(`of the runtime that only newer code knows stop it too: ${type} ${schemaVersion}`, async () => {
      const all = await begun(first)
      const { head } = await all.log.readStream('telling-a')
      const metadata = JSON.stringify({ schemaVersion, time: 1, commandId: 'c' })
      const event = { id: 'b6f1b3f0-0000-4000-8000-000000000001', type, data: JSON.stringify(act) }
      await all.log.append('telling-a', [{ ...event, metadata }], { expected: head })
      expect(await goneOn(all, first)).to.equal(code)
    })
  }

  it('are declared as they are: wrong versions are refused', () => {
    for (const options of [
      { events: { Told: { version: 2 } } },
      { events: { Told: { schema: {} } } },
      { version: 0 },
      { version: 2, earlier: { 2: first.machine } },
      { version: 2, earlier: { 3: first.machine } },
      { version: 2, earlier: { 1: {} } },
      { ignored: ['reenact.Triggered'] },
      { deadline: 5 },
    ]) {
      const define = () => telling({ type: 'Told' }, options as Options)
      expect(define, JSON.stringify(Object.keys(options)))
        .to.throw()
        .with.property('code', 'InvalidOption')
    }
  })
})

describe('a changed machine', () => {
  const one = telling({ type: 'One' })
  const two = telling({ type: 'Two' }, { version: 2, earlier: { 1: one.machine } })
  const alone = telling({ type: 'Two' }, { version: 2 })

  it('runs what begins with it; what began before goes on with the machine it has', async () => {
    const all = await begun(one)
    const runtime = await all.open([two])
    await all.until(runtime.actor(Case, 'b').send({ type: 'begin' }))
    for (const id of ['a', 'b', 'b']) await note(all, runtime, id)
    await all.ports.advance(100)
    await all.until(runtime.close())
    const told = async (id: string) =>
      (await all.types(`telling-${id}`)).filter((type) => ['One', 'Two'].includes(type))
    expect([await told('a'), await told('b')]).to.deep.equal([
      ['One', 'One'],
      ['Two', 'Two'],
    ])
    const looking = await all.look([two])
    for await (const { error } of looking.processes.verify(two, { status: 'all' })) {
      expect(error).to.equal(undefined)
    }
    await all.until(looking.close())
  })

  it('is told where the one before is gone, and where it is newer than this code', async () => {
    expect(await goneOn(await begun(one), alone)).to.equal('NonDeterministic')
    expect(await goneOn(await begun(alone), one)).to.equal('NewerSchema')
  })
})

// What people get wrong when they define and open: each is told with its name and its mending.

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { assign, emit, setup } from 'xstate'
import { z } from 'zod'
import { aggregate, createRuntime, isReenactError, reject } from '../../../runtime/index.ts'
import { Account } from '../../fixtures/account.ts'
import { errorOf, world } from './support.ts'

type Command = { type: 'add'; n: number }
type Event = { type: 'Added'; n: number }

const machineFrom = (context: { sum: number } | (() => { sum: number })) =>
  setup({
    types: { context: {} as { sum: number }, events: {} as Command | Event, emitted: {} as Event },
  }).createMachine({
    context,
    on: {
      add: { actions: emit(({ event }) => ({ type: 'Added', n: event.n })) },
      Added: { actions: assign({ sum: ({ context, event }) => context.sum + event.n }) },
    },
  })

const machine = machineFrom({ sum: 0 })

/** As JavaScript calls it. */
const define = aggregate as (...given: readonly unknown[]) => unknown

const refusal = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    if (isReenactError(error)) return `${error.code}: ${error.message}`
    throw error
  }
  throw new Error('nothing was refused')
}

const added = { Added: {} }

const definitions: readonly (readonly [says: string, given: readonly unknown[]])[] = [
  ["'undefined' cannot be a name", []],
  ["'machine' of 'sum' is missing", ['sum']],
  ["'machine' of 'sum' is an object", ['sum', {}, { events: added }]],
  ["The options of aggregate 'sum' are missing", ['sum', machine]],
  ["Option 'command' is none of aggregate 'sum'", ['sum', machine, { events: added, command: {} }]],
  ["'version' of 'sum'", ['sum', machine, { events: added, version: 'abc' }]],
  ["'compile' of 'sum' is a string", ['sum', machine, { events: added, compile: 'no' }]],
  ["'events' of 'sum' is a list", ['sum', machine, { events: ['Added'] }]],
  [
    "The options of 'events.Added' of 'sum' are null",
    ['sum', machine, { events: { Added: null } }],
  ],
  [
    "Option 'schemas' is none of 'events.Added'",
    ['sum', machine, { events: { Added: { schemas: 1 } } }],
  ],
  [
    "'events.Added.schema' of 'sum' is no Standard Schema",
    ['sum', machine, { events: { Added: { schema: 5 } } }],
  ],
  [
    "'events.Added.aliases' of 'sum' is no list",
    ['sum', machine, { events: { Added: { aliases: 'Plus' } } }],
  ],
  ["'ignored' of 'sum' is no list", ['sum', machine, { events: added, ignored: 'Old' }]],
  ["names 'reenact.Rejected'", ['sum', machine, { events: added, ignored: ['reenact.Rejected'] }]],
  [
    "'commands.ad' of 'sum' is no command",
    ['sum', machine, { events: added, commands: { ad: { schema: z.any() } } }],
  ],
  [
    "of 'commands.add' of 'sum'",
    ['sum', machine, { events: added, commands: { add: z.object({}) } }],
  ],
  [
    "'commands.add.schema' of 'sum' is no Standard",
    ['sum', machine, { events: added, commands: { add: { schema: {} } } }],
  ],
]

const openings: readonly (readonly [says: string, given: unknown])[] = [
  ['The options of createRuntime are missing', undefined],
  ["Option 'store' is missing", { store: undefined, actors: [] }],
  ["Option 'store' is a number", { store: 5, actors: [] }],
  ["Option 'store' is an object", { store: {}, actors: [] }],
  ["Option 'actors' is missing", { store: 'memory:' }],
  ["Option 'actors' is an object", { store: 'memory:', actors: Account }],
  ['This is not an aggregate', { store: 'memory:', actors: [undefined] }],
  ["Option 'limit' is none of createRuntime", { store: 'memory:', actors: [], limit: {} }],
  ["'5' is not", { store: 'memory:', actors: [], views: '5' }],
  ["'a number' is not", { store: 'memory:', actors: [], views: 5 }],
  ["Option 'clok' is none of 'ports'", { store: 'memory:', actors: [], ports: { clok: 1 } }],
]

describe('wrong input', () => {
  for (const [says, given] of definitions) {
    it(`of aggregate: ${says}`, () => {
      expect(refusal(() => define(...given))).to.include(says)
    })
  }

  it('of aggregate: a context that differs each time', () => {
    const chance = machineFrom(() => ({ sum: Math.random() }))
    expect(refusal(() => aggregate('sum', chance, { events: { Added: {} } }))).to.include(
      'its context function uses chance',
    )
  })

  it('of reject: no reason', () => {
    expect(refusal(() => reject(''))).to.include('of reject is empty')
    expect(refusal(() => (reject as (reason?: string) => unknown)())).to.include('is missing')
  })

  for (const [says, given] of openings) {
    it(`of createRuntime: ${says}`, async () => {
      const error = await errorOf(createRuntime(given as never), 'InvalidOption')
      expect(error.message).to.include(says)
    })
  }

  it('of createRuntime leaves no file locked, nor made', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'reenact-wrong-'))
    const file = join(folder, 'x.db')
    try {
      const wrong = { store: `file:${file}`, actors: [Account], views: 'nowhere' }
      await errorOf(createRuntime(wrong), 'InvalidOption')
      expect(existsSync(file)).to.equal(false)
      const late = { store: `file:${file}`, actors: [Account], processes: [Account as never] }
      await errorOf(createRuntime(late), 'InvalidOption')
      const runtime = await createRuntime({ store: `file:${file}`, actors: [Account] })
      await runtime.close()
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('of a handle: what is no aggregate, no moment, no command', async () => {
    const here = world()
    const ann = await here.ann(1)
    const runtime = await here.open()
    expect(refusal(() => runtime.actor(undefined as never, 'ann'))).to.include('not an aggregate')
    for (const moment of [undefined, 'yesterday', {}, { at: 1, revision: 2 }] as never[]) {
      await here.until(errorOf(ann.replay(moment), 'InvalidOption'))
      await here.until(errorOf(ann.diff({ revision: 0 }, moment), 'InvalidOption'))
      const all = runtime.replayAll(Account, moment)[Symbol.asyncIterator]()
      await here.until(errorOf(all.next(), 'InvalidOption'))
    }
    const says = async (command: unknown) =>
      (await here.until(errorOf(ann.send(command as never), 'InvalidCommand'))).message
    expect(await says(null)).to.include('it is null')
    expect(await says('deposit')).to.include('it is a string')
    expect(await says({ tipe: 'deposit' })).to.include("it has no 'type'")
    expect(await says({ type: 'fly' })).to.match(/takes .*deposit.*[^.]\.$/)
  })

  it('of a schema: what it gives is no object', async () => {
    const text = z.any().transform(() => 'abc')
    const Wrong = aggregate('sum', machine, {
      events: { Added: {} },
      commands: { add: { schema: text } },
    })
    const here = world()
    const sum = (await here.open({}, [Wrong])).actor(Wrong, 'a')
    const error = await here.until(errorOf(sum.send({ type: 'add', n: 1 }), 'InvalidCommand'))
    expect(error.message).to.include('its schema gives a string, not an object')
    const WrongEvent = aggregate('sum', machine, { events: { Added: { schema: text } } })
    const other = (await here.open({}, [WrongEvent])).actor(WrongEvent, 'a')
    const invalid = await here.until(errorOf(other.send({ type: 'add', n: 1 }), 'InvalidEvent'))
    expect(invalid.message).to.include('its schema gives a string')
    expect(invalid.message).to.include("state '(machine)'")
  })
})

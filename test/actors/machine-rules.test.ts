// Every rule a definition shows, each with the state, the type and the fix in the error.

import { expect } from 'chai'
import {
  type AnyStateMachine,
  and,
  assign,
  createMachine,
  emit,
  enqueueActions,
  fromPromise,
  log,
  not,
  raise,
  setup,
  spawnChild,
} from 'xstate'
import { type Aggregate, aggregate } from '../../actors/aggregate.ts'
import { reject } from '../../actors/reject.ts'
import { isReenactError, type ReenactError } from '../../runtime/core/errors.ts'

const noted = { Noted: {} }

/** An aggregate of a loosely typed machine: what JavaScript users can write. */
const define = (
  config: object,
  events: object = noted,
  implementations: object = {},
): Aggregate => {
  const machine = createMachine(
    { id: 'm', context: { n: 0 }, ...config } as never,
    implementations as never,
  )
  return aggregate('thing', machine as AnyStateMachine, { events } as never)
}

const refusal = (run: () => unknown): ReenactError<'InvalidMachine'> => {
  try {
    run()
  } catch (error) {
    if (isReenactError(error, 'InvalidMachine')) return error
    throw error
  }
  throw new Error('it was accepted')
}

const emitNoted = emit({ type: 'Noted' } as never)

describe('a definition is refused, naming state, type and fix', () => {
  const moves = { on: { Noted: {} } }
  const cases: [string, object, { state?: string; type?: string }, RegExp][] = [
    [
      'invoke',
      { ...moves, initial: 'a', states: { a: { invoke: { src: fromPromise(async () => 1) } } } },
      { state: 'a' },
      /process manager/,
    ],
    [
      'after',
      { ...moves, initial: 'a', states: { a: { after: { 100: 'b' } }, b: {} } },
      { state: 'a' },
      /process manager/,
    ],
    [
      'spawn',
      { on: { go: { actions: spawnChild(fromPromise(async () => 1)) }, Noted: {} } },
      { state: 'm', type: 'go' },
      /use only assign, emit/,
    ],
    [
      'an inline effect',
      { on: { go: { actions: () => {} }, Noted: {} } },
      { state: 'm', type: 'go' },
      /use only assign, emit/,
    ],
    [
      'raise',
      { on: { go: { actions: raise({ type: 'x' } as never) }, Noted: {} } },
      { type: 'go' },
      /use only assign, emit/,
    ],
    ['log', { on: { Noted: { actions: log('x') } } }, { type: 'Noted' }, /use only assign, emit/],
    [
      'an unknown action',
      { on: { go: { actions: 'missing' }, Noted: {} } },
      { type: 'go' },
      /setup\(\{ actions \}\)/,
    ],
    [
      'an unknown guard',
      { on: { go: { guard: 'missing' }, Noted: {} } },
      { type: 'go' },
      /setup\(\{ guards \}\)/,
    ],
    [
      'an unknown guard inside and',
      { on: { go: { guard: and(['missing' as never]) }, Noted: {} } },
      { type: 'go' },
      /setup\(\{ guards \}\)/,
    ],
    [
      'a command that assigns',
      { on: { go: { actions: assign({ n: 1 }) }, Noted: {} } },
      { type: 'go' },
      /assign on that event; if '\w+' is one, add it to 'events'/,
    ],
    [
      'a command with a target',
      { initial: 'a', states: { a: { on: { go: 'b', Noted: {} } }, b: {} } },
      { state: 'a', type: 'go' },
      /target to that event; if '\w+' is one, add it to 'events'/,
    ],
    [
      'a wildcard with a target',
      { initial: 'a', states: { a: { on: { '*': 'b', Noted: {} } }, b: {} } },
      { state: 'a', type: '*' },
      /target to that event$/,
    ],
    [
      'emit together with reject',
      { on: { go: { actions: [emitNoted, reject('no')] }, Noted: {} } },
      { type: 'go' },
      /split it/,
    ],
    [
      'an event that emits',
      { on: { Noted: { actions: emitNoted } } },
      { type: 'Noted' },
      /only a command may emit/,
    ],
    [
      'an event that rejects',
      { on: { Noted: { actions: reject('no') } } },
      { type: 'Noted' },
      /only a command may reject/,
    ],
    [
      'emit in the initial entry',
      { entry: emitNoted, on: { Noted: {} } },
      { state: 'm', type: 'entry' },
      /only a command may emit/,
    ],
    [
      'emit in an exit',
      { ...moves, initial: 'a', states: { a: { exit: emitNoted } } },
      { state: 'a', type: 'exit' },
      /only a command may emit/,
    ],
    [
      'emit in always',
      {
        ...moves,
        initial: 'a',
        states: { a: { always: { guard: () => false, actions: emitNoted } } },
      },
      { state: 'a', type: 'always' },
      /only a command may emit/,
    ],
    [
      'emit in an initial transition',
      {
        ...moves,
        initial: 'a',
        states: { a: { initial: { target: 'b', actions: emitNoted }, states: { b: {} } } },
      },
      { state: 'a', type: 'initial' },
      /only a command may emit/,
    ],
    [
      'emit of an undeclared event',
      { on: { go: { actions: emit({ type: 'Other' } as never) }, Noted: {} } },
      { type: 'go' },
      /add 'Other' to 'events'/,
    ],
    [
      'a declared event no state takes',
      { on: { go: { actions: emitNoted } } },
      { type: 'Noted' },
      /on: \{ Noted/,
    ],
    [
      'a wildcard where the event should stand',
      { on: { '*': {} } },
      { type: 'Noted' },
      /on: \{ Noted/,
    ],
    [
      'a wildcard that hides an event from the state around it',
      { initial: 'a', states: { a: { on: { '*': {} } } }, on: { Noted: {} } },
      { state: 'a', type: 'Noted' },
      /move '\*' to 'm'/,
    ],
    [
      'a clock in an assign',
      { on: { Noted: { actions: assign({ n: () => Date.now() }) } } },
      { type: 'Noted' },
      /into the command/,
    ],
    [
      'new Date() in an emit',
      {
        on: {
          go: { actions: emit(() => ({ type: 'Noted', at: new Date().toISOString() }) as never) },
          Noted: {},
        },
      },
      { type: 'go' },
      /into the command/,
    ],
    [
      'chance in a guard',
      { on: { go: { guard: () => Math.random() > 0.5 }, Noted: {} } },
      { type: 'go' },
      /into the command/,
    ],
    [
      'chance in enqueueActions',
      { on: { go: { actions: enqueueActions(() => void Math.random()) }, Noted: {} } },
      { type: 'go' },
      /into the command/,
    ],
    [
      'an asynchronous assign',
      { on: { Noted: { actions: assign({ n: (async () => 1) as never }) } } },
      { type: 'Noted' },
      /into the command/,
    ],
    [
      'a context factory that throws',
      {
        context: () => {
          throw new Error('boom')
        },
        on: { Noted: {} },
      },
      { state: 'initial' },
      /without input/,
    ],
    [
      'a context factory that needs input',
      { context: ({ input }: { input: { n: number } }) => ({ n: input.n }), on: { Noted: {} } },
      { state: 'initial' },
      /without input/,
    ],
  ]
  for (const [name, config, place, fix] of cases) {
    it(name, () => {
      const { details, message } = refusal(() => define(config))
      expect(details.aggregate).to.equal('thing')
      for (const [key, value] of Object.entries(place)) {
        expect(details, message).to.have.property(key, value)
      }
      expect(details.fix).to.match(fix)
      expect(message).to.contain(details.fix)
    })
  }
})

describe('a definition is accepted', () => {
  it('with empty transitions, wildcards for commands, always and nested guards', () => {
    const made = define({
      initial: 'a',
      states: {
        a: {
          always: {
            guard: ({ context }: { context: { n: number } }) => context.n > 3,
            target: 'b',
          },
          on: {
            go: { guard: and([not(() => false), () => true]), actions: emitNoted },
            '*': { actions: reject('unknown') },
            Noted: { actions: assign({ n: ({ context }) => (context as { n: number }).n + 1 }) },
          },
        },
        b: { type: 'final' },
      },
    })
    expect(made.name).to.equal('thing')
    expect(made.snapshots).to.equal('on')
  })

  it('when comments and texts mention clocks', () => {
    define({
      on: {
        // The source of this assign speaks of Date.now() without calling it.
        Noted: { actions: assign({ n: () => /* Date.now() */ 'Math.random'.length }) },
      },
    })
  })

  it('with a date made from the event', () => {
    define({ on: { Noted: { actions: assign({ n: () => new Date('2026-01-01').getTime() }) } } })
  })

  it('without snapshots, and says why, when the context cannot be stored', () => {
    const made = define({ context: { seen: new Map() }, on: { Noted: {} } })
    expect(made.snapshots).to.have.property('off').that.contains('seen')
  })
})

describe('options are refused', () => {
  const on = { Noted: {} }
  const option = (events: object, more: object = {}): string => {
    try {
      aggregate(
        'thing',
        createMachine({ context: {}, on } as never) as AnyStateMachine,
        {
          events,
          ...more,
        } as never,
      )
    } catch (error) {
      if (isReenactError(error, 'InvalidOption')) return error.details.option
      throw error
    }
    return 'accepted'
  }

  it('without events', () => {
    expect(option({})).to.equal('events')
  })

  it('with reserved event names', () => {
    for (const type of ['$x', 'reenact.Rejected', 'xstate.init', 'a.*', '']) {
      expect(option({ Noted: {}, [type]: {} }), type).to.equal(`events.${type}`)
    }
  })

  it('with the key that is reserved for erasable fields', () => {
    expect(option({ Noted: { erasable: ['name'] } })).to.equal('events.Noted')
  })

  it('with a version that is no whole number from 1', () => {
    for (const version of [0, 1.5, Number.NaN]) {
      expect(option({ Noted: { version } })).to.equal('events.Noted.version')
    }
  })

  it('with a version that older data cannot reach', () => {
    expect(option({ Noted: { version: 3, upcast: { 1: (data: object) => data } } })).to.equal(
      'events.Noted.upcast',
    )
  })

  it('with a type named twice', () => {
    expect(option({ Noted: { aliases: ['Old'] } }, { ignored: ['Old'] })).to.equal('events')
  })

  it('with a name that cannot be a category', () => {
    const machine = setup({}).createMachine({ on: { Noted: {} } }) as unknown as AnyStateMachine
    for (const name of ['', 'a-b', '1a', '$a', 'a:b', 'reenact', 'ä']) {
      expect(() => aggregate(name, machine, { events: noted } as never), name).to.throw(
        /cannot be a name/,
      )
    }
  })
})

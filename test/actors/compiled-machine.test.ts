// A compiled machine does what XState does: compared step by step, on machines made at random.

import { expect } from 'chai'
import fc from 'fast-check'
import { type AnyStateMachine, assign, createMachine, emit, log } from 'xstate'
import { aggregate, modelOf } from '../../actors/aggregate.ts'
import { MachineRunner, type Snapshot } from '../../actors/machine.ts'
import { machine as account } from '../fixtures/account.ts'
import { anyEvent, anyShape, leaves, machineOf } from './generated-machines.ts'
import type { SentEvent } from './generated-parts.ts'

const numRuns = Number(process.env['REENACT_CASES'] ?? 100)
const seed = Number(process.env['REENACT_SEED'] ?? Date.now() % 2 ** 31)

interface Outcome {
  readonly snapshot: Snapshot
  /** All that can be seen of a step, as text: the order of keys counts. */
  readonly seen: string
  readonly threw: boolean
}

const asText = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) => (inner === undefined ? '(undefined)' : inner), 1)

function stateOf(runner: MachineRunner, snapshot: Snapshot): object {
  const { value, context, status, _nodes } = snapshot
  const nodes = _nodes.map(({ id }) => id)
  return { value, context, status, nodes, plain: runner.plain(snapshot) }
}

function outcome(runner: MachineRunner, before: Snapshot, event: SentEvent): Outcome {
  try {
    const step = runner.step(before, event)
    const { snapshot, selected, emitted, rejection, forbiddenAction } = step
    const seen = asText({
      state: stateOf(runner, snapshot),
      same: snapshot === before,
      sameContext: snapshot.context === before.context,
      selected: selected.map(({ eventType }) => eventType),
      emitted,
      rejection,
      forbiddenAction,
    })
    return { snapshot, seen, threw: false }
  } catch (error) {
    const { name, message } = error as Error
    return { snapshot: before, seen: `${name}: ${message}`, threw: true }
  }
}

const initial = (runner: MachineRunner): Outcome => {
  try {
    const step = runner.initial()
    const { snapshot, emitted, rejection, forbiddenAction } = step
    const seen = asText({ state: stateOf(runner, snapshot), emitted, rejection, forbiddenAction })
    return { snapshot, seen, threw: false }
  } catch (error) {
    return { snapshot: undefined as never, seen: String(error), threw: true }
  }
}

/** Fails with the first line that differs. */
function alike(ours: string, theirs: string, what: string): void {
  if (ours === theirs) return
  const [mine, others] = [ours.split('\n'), theirs.split('\n')]
  const at = mine.findIndex((line, index) => line !== others[index])
  const around = (lines: string[]) => lines.slice(Math.max(0, at - 2), at + 2).join('\n')
  expect.fail(`${what}:\n${around(mine)}\ninstead of\n${around(others)}`)
}

const tally = { machines: 0, compiled: 0, steps: 0, worked: 0, threw: 0, moved: 0 }

function compare(made: AnyStateMachine, events: readonly SentEvent[], strict: boolean): void {
  const compiled = new MachineRunner(made, 'any')
  const worked = new MachineRunner(made, 'any', { compile: false })
  tally.machines += 1
  if (compiled.compiled === 'yes') tally.compiled += 1
  let ours = initial(compiled)
  let theirs = initial(worked)
  alike(ours.seen, theirs.seen, 'the initial state')
  if (ours.threw) return
  for (const event of events) {
    const workedBefore = compiled.worked
    const ordinary = !event.type.startsWith('xstate.') && event.type !== '*'
    const active = ours.snapshot.status === 'active'
    const next = outcome(compiled, ours.snapshot, event)
    const expected = outcome(worked, theirs.snapshot, event)
    alike(next.seen, expected.seen, event.type)
    if (compiled.compiled === 'yes' && strict && ordinary && active && !next.threw) {
      expect(compiled.worked, 'a step was left to XState').to.equal(workedBefore)
    }
    tally.steps += 1
    tally.worked += compiled.worked - workedBefore
    if (next.threw) tally.threw += 1
    if (next.snapshot !== ours.snapshot) tally.moved += 1
    // A failed actor is not stored.
    if (!['active', 'done'].includes(next.snapshot.status)) return
    // Snapshots of either go on with the other, and restored ones like those that were never stored.
    const stored = compiled.restore(structuredClone(compiled.plain(ours.snapshot)))
    alike(outcome(worked, ours.snapshot, event).seen, expected.seen, 'XState on ours')
    alike(outcome(compiled, theirs.snapshot, event).seen, expected.seen, 'ours on XState')
    const sameContext = /"sameContext": (true|false)/
    alike(
      outcome(compiled, stored, event).seen.replace(sameContext, ''),
      expected.seen.replace(sameContext, ''),
      'restored',
    )
    ours = next
    theirs = expected
  }
}

const sent = (type: string): SentEvent => ({ type, n: 1 })

const regionOf = (name: string) => ({
  initial: 'x',
  states: { x: { on: { [name]: 'y' } }, y: { on: { [name]: 'x' } } },
  always: {
    guard: ({ context }: { context: { on: boolean; log: string[] } }) =>
      context.on && !context.log.includes(name),
    actions: assign({
      log: ({ context }: { context: { log: string[] } }) => [...context.log, name],
    } as never),
  },
})

/** Both regions move without an event at once, and tell in which order. */
const twoRegions = createMachine({
  context: { on: false, log: [] },
  type: 'parallel',
  states: { a: regionOf('a'), b: regionOf('b') },
  on: { both: { actions: assign({ on: true }) } },
} as never) as AnyStateMachine

/** Machines by what in them is not compiled. */
const uncompiled: Readonly<Record<string, object>> = {
  "'output' in '(machine).done'": {
    initial: 'a',
    states: { a: { on: { a: 'done' } }, done: { type: 'final', output: 1 } },
  },
  'xstate.log': { on: { a: { actions: log('a') } } },
  "the guard 'nowhere'": { on: { b: { guard: 'nowhere' } } },
  maxIterations: { options: { maxIterations: 9 }, on: { a: {} } },
  'the name of the state': { initial: '#x', states: { '#x': {} }, on: { a: {} } },
  "an assign of '__proto__'": {
    context: {},
    on: { a: { actions: assign(JSON.parse('{"__proto__":1}')) } },
  },
}

describe('a compiled machine', function () {
  this.timeout(0)

  it(`does what XState does (${numRuns} machines)`, () => {
    fc.assert(
      fc.property(
        anyShape,
        fc.array(anyEvent, { minLength: 5, maxLength: 30 }),
        (shape, events) => {
          compare(machineOf(shape), events, !leaves(shape))
        },
      ),
      { numRuns, seed, endOnFailure: process.env['REENACT_SHRINK'] === undefined },
    )
    if (process.env['REENACT_CASES']) console.log(JSON.stringify(tally))
    expect(tally.compiled).to.be.greaterThan(tally.machines / 2)
  })

  it('forgets what a failed step raised', () => {
    const made = createMachine({
      context: { bad: false },
      initial: 'inner',
      states: {
        inner: {
          type: 'parallel',
          states: {
            region: {
              initial: 'first',
              states: {
                first: {
                  on: { go: { target: 'last', actions: assign({ bad: true }) }, other: {} },
                },
                last: { type: 'final' },
              },
              onDone: {
                guard: ({ context }) => {
                  if (context.bad) throw new Error('bad')
                  return true
                },
              },
            },
          },
          onDone: 'after',
        },
        after: {},
      },
    })
    compare(made, [sent('go'), sent('other'), sent('other')], false)
  })

  it('moves a parent that XState lost', () => {
    const made = createMachine({
      context: { n: 0 },
      type: 'parallel',
      always: { guard: ({ context }) => context.n === 1, actions: assign({ n: 2 }) },
      states: {
        before: { type: 'history' },
        region: { on: { a: { target: 'before', reenter: true, actions: assign({ n: 1 }) } } },
      },
    })
    compare(made, [sent('a'), sent('a')], true)
  })

  it('lets regions move in the same order after a restore', () => {
    for (const compile of [true, false]) {
      const runner = new MachineRunner(twoRegions, 'any', { compile })
      let { snapshot } = runner.initial()
      for (const type of ['b', 'a', 'b', 'a', 'b'])
        snapshot = runner.step(snapshot, { type }).snapshot
      const restored = runner.restore(runner.plain(snapshot))
      const { context } = runner.step(snapshot, { type: 'both' }).snapshot
      expect(context).to.deep.equal({ on: true, log: ['a', 'b'] })
      expect(runner.step(restored, { type: 'both' }).snapshot.context).to.deep.equal(context)
    }
  })

  it('keeps a snapshot of another runner as its own', () => {
    const [one, other] = [new MachineRunner(account, 'one'), new MachineRunner(account, 'other')]
    const opened = one.step(one.initial().snapshot, sent('open'))
    const again = other.step(one.initial().snapshot, sent('open'))
    expect(again.emitted).to.deep.equal(opened.emitted)
    expect(one.step(opened.snapshot, sent('open')).emitted).to.have.length(1)
  })

  for (const [what, config] of Object.entries(uncompiled)) {
    it(`leaves to XState: ${what}`, () => {
      const made = createMachine(config as never) as AnyStateMachine
      const { compiled } = new MachineRunner(made, 'any')
      expect(compiled).to.have.property('no').that.includes(what)
      compare(made, [sent('a'), sent('b'), sent('a')], false)
    })
  }

  it('is what an aggregate says it has, or what in it leaves that to XState', () => {
    const events = { Noted: {} }
    const noting = { on: { note: { actions: emit({ type: 'Noted' }) }, Noted: {} } }
    const bounded = { ...noting, options: { maxIterations: 9 } }
    const made = (config: object) => createMachine(config as never) as AnyStateMachine
    expect(aggregate('a', made(noting), { events } as never).compiled).to.equal('yes')
    const left = aggregate('a', made(bounded), { events } as never).compiled
    expect(left).to.have.property('no').that.includes('maxIterations')
    const off = aggregate('a', made(noting), { events, compile: false } as never).compiled
    expect(off).to.have.property('no').that.includes("'compile'")
  })

  it('switched off is one that XState works out', () => {
    const events = { Opened: {}, Deposited: {}, Withdrawn: {}, Closed: {} }
    const { runner } = modelOf(aggregate('account', account, { events, compile: false }))
    const opened = runner.step(runner.initial().snapshot, sent('open'))
    expect(opened.emitted).to.have.length(1)
    expect(runner.worked).to.equal(1)
  })

  it('runs the account without XState', () => {
    const runner = new MachineRunner(account, 'account')
    let { snapshot } = runner.initial()
    for (const event of [
      { type: 'open', owner: 'ann' },
      { type: 'Opened', owner: 'ann' },
      { type: 'Deposited', amount: 3 },
      { type: 'withdraw', amount: 9 },
      { type: 'close' },
      { type: 'ping' },
    ]) {
      snapshot = runner.step(snapshot, event).snapshot
    }
    expect(runner.compiled).to.equal('yes')
    expect(runner.worked).to.equal(0)
    expect(snapshot.value).to.equal('active')
    expect(snapshot.context).to.deep.equal({ owner: 'ann', balance: 3 })
  })
})

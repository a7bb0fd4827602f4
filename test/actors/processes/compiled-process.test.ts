// A process machine run by the table does what XState does: the same state, steps, timers and output.

import { expect } from 'chai'
import fc from 'fast-check'
import { type AnyMachineSnapshot, type AnyStateMachine, cancel, createMachine, raise } from 'xstate'
import { type Effect, ProcessMachine } from '../../../actors/processes/process-machine.ts'
import { activity } from '../../../actors/processes/step-logic.ts'
import { anyShape, machineOf } from '../generated-machines.ts'
import { noted, type Part, part } from '../generated-parts.ts'

const runs = Number(process.env['REENACT_CASES'] ?? 100)

interface Args {
  readonly context: { readonly a: number; readonly b: number; readonly fuel: number }
  readonly event: { readonly type: string; readonly n?: number }
}

interface Config {
  readonly id: string
  readonly type?: string
  readonly entry?: readonly unknown[]
  readonly states?: Readonly<Record<string, Config>>
}

const step = activity(async () => ({}))
const hasFuel = ({ context }: Args): boolean => context.fuel > 0
const idsOf = (config: Config): string[] => [
  config.id,
  ...Object.values(config.states ?? {}).flatMap(idsOf),
]

/** Gives states of a generated machine steps and timers, by the numbers in turn. */
function withSteps(shape: Parameters<typeof machineOf>[0], numbers: readonly number[]) {
  const made = machineOf(shape)
  const ids = idsOf(made.config as unknown as Config)
  let at = 0
  const next = (): number => numbers[at++ % numbers.length] as number
  const moving = (id: string, what: string) => ({
    guard: hasFuel,
    actions: ['burn', noted(`${id}/${what}`)],
    ...(next() % 3 === 0 ? {} : { target: `#${ids[next() % ids.length]}` }),
  })
  const timers = [raise({ type: 'b' }, { delay: 7, id: 'b' } as Part), cancel('b')]
  const stateOf = (config: Config): object => {
    if (config.type === 'history' || config.type === 'final') return config
    const { id } = config
    const step = (name: string) => ({
      ...(next() % 2 ? { id: `${id}:${name}` } : {}),
      src: name,
      input: ({ context, event }: Args) => ({ a: context.a, of: event.type }),
      ...(next() % 4 ? { onDone: moving(id, 'done') } : {}),
      ...(next() % 2 ? { onError: moving(id, 'error') } : {}),
    })
    return {
      ...config,
      entry: [...(config.entry ?? []), ...(next() % 5 ? [] : [timers[next() % 2]])],
      ...(next() % 3 ? {} : { invoke: next() % 2 ? step('work') : [step('work'), step('more')] }),
      ...(next() % 3
        ? {}
        : { after: { 20: moving(id, '20'), soon: [moving(id, 'soon'), moving(id, 'later')] } }),
      ...(config.states && {
        states: Object.fromEntries(
          Object.entries(config.states).map(([key, one]) => [key, stateOf(one)]),
        ),
      }),
    }
  }
  const output = ({ context, event }: Args) => ({ a: context.a, of: event.type })
  const config = {
    ...stateOf(made.config as unknown as Config),
    context: ({ input }: { input: number }) => ({ a: input, b: 0, fuel: 12, log: [] }),
    ...(next() % 2 ? { output } : {}),
  }
  const { guards, actions } = made.implementations
  const delays = { soon: ({ context }: Args) => context.a + 5 }
  return createMachine(
    config as Part,
    {
      guards,
      actions,
      delays,
      actors: { work: step, more: step },
    } as Part,
  ) as AnyStateMachine
}

type Seen =
  | { readonly threw: string }
  | { readonly text: string; readonly snapshot: AnyMachineSnapshot }

/** What people and the log see of it. What is left at once may be listed in any order. */
function seen(work: () => { snapshot: AnyMachineSnapshot; effects: readonly Effect[] }): Seen {
  try {
    const { snapshot, effects } = work()
    const { value, context, status, output, historyValue } = snapshot
    const stops = effects.filter(({ kind }) => kind === 'stop').map((one) => JSON.stringify(one))
    const told = (kinds: readonly string[]) =>
      effects
        .filter(({ kind }) => kinds.includes(kind))
        .map((effect) => ({ ...effect, step: 'step' in effect && effect.step !== undefined }))
    const history = Object.entries(historyValue as Record<string, { id: string }[]>)
    const state = { value, context, status, output }
    const nodes = snapshot._nodes.map(({ id }) => id)
    const places = history.map(([id, all]) => [id, all.map((node) => node.id)])
    const calls = [told(['invoke', 'delay', 'cancel']), told(['emit']), stops.sort()]
    return { text: JSON.stringify([state, nodes, places, calls], null, 1), snapshot }
  } catch (error) {
    return { threw: String(error) }
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

function takesOf(machine: ProcessMachine, snapshot: AnyMachineSnapshot, event: { type: string }) {
  try {
    return machine.takes(snapshot, event)
  } catch (error) {
    return String(error)
  }
}

describe('a compiled process machine', () => {
  it('does what XState does: states, steps, timers, output', function () {
    this.timeout(60_000)
    const tally = { compiled: 0, steps: 0, begun: 0, timers: 0, lookedUp: 0 }
    const compare = (machine: AnyStateMachine, events: readonly (readonly [number, number])[]) => {
      const compiled = new ProcessMachine('any', machine)
      const worked = new ProcessMachine('any', machine, { compile: false })
      if (compiled.compiled === 'yes') tally.compiled += 1
      let ours = seen(() => compiled.begin(2))
      let theirs = seen(() => worked.begin(2))
      for (const [pick, n] of events) {
        if ('threw' in ours || 'threw' in theirs) break
        alike(ours.text, theirs.text, 'its own')
        const { snapshot } = ours
        const { snapshot: other } = theirs
        if (snapshot.status !== 'active') break
        const answered = snapshot._nodes.flatMap((node) => [...node.transitions.keys()])
        const types = [...answered.filter((type) => !type.includes('*')), 'a', 'c', 'other']
        const type = types[pick % types.length] as string
        const event = { type, n, output: n }
        const takes = takesOf(compiled, snapshot, event)
        expect(takes).to.equal(takesOf(worked, other, event))
        // A failure that nothing takes never gets there.
        if (type.startsWith('xstate.error') && takes !== true) continue
        const crossed = seen(() => compiled.next(other, event))
        const { worked: before } = compiled
        ours = seen(() => compiled.next(snapshot, event))
        if (compiled.worked === before) tally.lookedUp += 1
        theirs = seen(() => worked.next(other, event))
        if ('text' in crossed && 'text' in theirs)
          alike(crossed.text, theirs.text, `XState's went on by the table`)
        tally.steps += 1
        if ('text' in ours) {
          if (ours.text.includes('"kind": "invoke"')) tally.begun += 1
          if (ours.text.includes('"kind": "delay"')) tally.timers += 1
        }
      }
      const threw = [ours, theirs].map((one) => ('threw' in one ? one.threw : 'nothing'))
      expect(threw[0]).to.equal(threw[1])
      if ('text' in ours && 'text' in theirs) alike(ours.text, theirs.text, 'its own')
    }
    fc.assert(
      fc.property(
        anyShape,
        fc.array(fc.nat(60), { minLength: 8, maxLength: 40 }),
        fc.array(fc.tuple(fc.nat(40), fc.nat(6)), { maxLength: 25 }),
        (shape, numbers, events) => compare(withSteps(shape, numbers), events),
      ),
      { numRuns: runs },
    )
    // Much of what is compared is what the table did, and all of it comes up. Chance moves the shares of few cases far.
    expect(tally.compiled).to.be.above(runs / 2)
    expect(tally.lookedUp).to.be.above(tally.steps / 3)
    for (const what of ['begun', 'timers'] as const) {
      expect(tally[what], what).to.be.above(0)
    }
  })

  it('leaves what only XState can do to it, and goes on', () => {
    const machine = createMachine({
      context: { n: 4 },
      output: ({ context }) => context,
      initial: 'one',
      states: {
        one: {
          entry: raise({ type: 'at.once' }),
          invoke: { id: 'work', src: 'work', onDone: 'two' },
        },
        two: { after: { 10: 'three' }, on: { 'at.once': 'three' } },
        three: { type: 'final' },
      },
    }).provide({ actors: { work: part(step) } } as Part) as AnyStateMachine
    const runner = new ProcessMachine('any', machine)
    expect(runner.compiled).to.equal('yes')
    const { snapshot, effects } = runner.begin({})
    expect(runner.worked).to.equal(1)
    expect(effects.map(({ kind }) => kind)).to.deep.equal(['invoke'])
    const next = runner.next(snapshot, { type: 'xstate.done.actor.work' })
    expect(next.effects.map(({ kind }) => kind)).to.deep.equal(['stop', 'delay'])
    expect(next.snapshot.value).to.equal('two')
    const { snapshot: done } = runner.next(next.snapshot, { type: 'xstate.after.10.(machine).two' })
    expect([done.status, done.output]).to.deep.equal(['done', { n: 4 }])
    expect(runner.worked).to.equal(1)
  })

  it('is left to XState where a history leads out of a parallel state', () => {
    const machine = createMachine({
      id: 'm',
      initial: 'both',
      states: {
        both: {
          type: 'parallel',
          invoke: { src: 'work' },
          states: { left: { on: { again: '#m.both.last' } }, last: { type: 'history' } },
        },
      },
    }).provide({ actors: { work: part(step) } } as Part) as AnyStateMachine
    const { compiled } = new ProcessMachine('any', machine)
    expect(compiled).to.deep.equal({ no: "the history of the parallel state 'm.both'" })
  })
})

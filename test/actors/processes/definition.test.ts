// What can be a process, and what cannot: refused where it is defined, with the reason.

import { expect } from 'chai'
import {
  type AnyStateMachine,
  assign,
  createMachine,
  emit,
  enqueueActions,
  fromCallback,
  fromPromise,
  log,
  raise,
  sendTo,
  setup,
  spawnChild,
} from 'xstate'
import { processModelOf } from '../../../actors/processes/process-manager.ts'
import { orderProcess, shop } from '../../../examples/orders/order-process.ts'
import {
  type ActivityArgs,
  activity,
  command,
  compensate,
  createRuntime,
  isReenactError,
  processManager,
} from '../../../runtime/index.ts'
import { processScenario } from '../../../runtime/testing/index.ts'
import { Account } from '../../fixtures/account.ts'

const work = activity(({ input }: ActivityArgs<{ readonly n: number }>) => input.n)

const refusal = (make: () => unknown, code = 'InvalidMachine'): string => {
  try {
    make()
  } catch (error) {
    expect(isReenactError(error) && error.code, String(error)).to.equal(code)
    return (error as Error).message
  }
  throw new Error('nothing was refused')
}

const refused = (machine: AnyStateMachine, reason: string, state?: string): void => {
  const message = refusal(() => processManager('p', machine, { on: [] }))
  expect(message).to.include(reason)
  expect(message).to.include('To mend it')
  if (state) expect(message).to.include(`'${state}'`)
}

describe('the definition of a process', () => {
  it('takes steps, timers, nested and parallel states, and the actions that are data', () => {
    const machine = setup({
      types: { context: {} as { n: number }, emitted: {} as { type: 'Happened' } },
      actors: { work, compensate },
      delays: { later: ({ context }) => context.n },
    }).createMachine({
      context: { n: 1 },
      entry: [assign({ n: 2 }), emit({ type: 'Happened' }), raise({ type: 'go' }, { delay: 5 })],
      type: 'parallel',
      states: {
        a: { invoke: { src: 'work', input: { n: 1 } }, after: { later: {}, 50: {} } },
        b: { initial: 'c', states: { c: { invoke: { src: work, input: { n: 2 } } } } },
        d: { invoke: { src: 'compensate' }, on: { go: { actions: enqueueActions(() => {}) } } },
      },
    })
    const compiled = 'yes'
    expect(processManager('p', machine, { on: [] })).to.deep.equal({ name: 'p', machine, compiled })
  })

  it('says whether its machine runs by a table, and leaves it to XState where that is wanted', () => {
    const states = { a: { after: { 5: 'b' } }, b: { type: 'final' } } as const
    const machine = createMachine({ initial: 'a', states })
    const by = { no: "the option 'compile'" }
    for (const [compile, compiled] of [
      [true, 'yes'],
      [false, by],
    ] as const) {
      const made = { on: [], compile, version: 2, earlier: { 1: machine } }
      const Process = processManager('p', machine, made)
      expect(Process.compiled).to.deep.equal(compiled)
      const machines = [...processModelOf(Process).machines.values()]
      expect(machines.map((one) => one.compiled)).to.deep.equal([compiled, compiled])
      const begun = processScenario(Process).given({ type: 'started' })
      expect([begun.value, begun.after(5).status]).to.deep.equal(['a', 'done'])
      expect(machines.map(({ worked }) => worked > 0)).to.deep.equal([false, !compile])
    }
    const wrong = { on: [], compile: 'no' as never }
    refusal(() => processManager('p', machine, wrong), 'InvalidOption')
  })

  it('refuses what is invoked and cannot be repeated', () => {
    const invoke = (src: never) =>
      createMachine({ initial: 'a', states: { a: { invoke: { src } } } })
    refused(invoke(fromPromise(async () => 1) as never), 'lost in a crash', 'a')
    refused(invoke(fromCallback(() => {}) as never), 'lost in a crash')
    refused(invoke(createMachine({}) as never), 'use command(…), activity(…) or compensate')
    refused(invoke('missing' as never), "'missing', which is not implemented")
  })

  it('refuses what an invoke says that no restart can keep', () => {
    refused(createMachine({ invoke: { src: work, systemId: 's' } }), 'systemId')
    refused(createMachine({ invoke: { src: work, onSnapshot: {} } }), 'onSnapshot')
    const twice = [
      { src: work, id: 'same' },
      { src: work, id: 'same' },
    ]
    refused(createMachine({ invoke: twice }), "two invokes have the id 'same'")
  })

  it('refuses actions that reach out of the machine', () => {
    refused(createMachine({ entry: () => {} }), 'lost in a crash and repeated by a replay')
    refused(createMachine({ entry: log('x') }), 'written again by every replay')
    refused(createMachine({ entry: sendTo('x', { type: 'y' }) }), 'invoke a command')
    refused(createMachine({ entry: spawnChild(work) }), 'use invoke')
    refused(createMachine({ on: { go: { actions: 'nowhere' } } }), "'nowhere' is not implemented")
  })

  it('refuses functions that read clocks, use chance, wait or spawn', () => {
    refused(createMachine({ entry: assign({ at: () => Date.now() }) }), 'reads the clock')
    refused(createMachine({ always: { guard: () => Math.random() > 2 } }), 'uses chance')
    refused(createMachine({ context: () => ({ at: Date.now() }) }), 'reads the clock')
    refused(createMachine({ invoke: { src: work, input: () => Date.now() } }), 'reads the clock')
    refused(
      createMachine({ entry: assign({ a: ({ spawn }) => spawn(work, { input: { n: 1 } }) }) }),
      'spawns an actor',
    )
    const delays = { soon: () => Math.random() }
    refused(
      setup({ delays }).createMachine({ initial: 'a', states: { a: { after: { soon: {} } } } }),
      "delay 'soon' uses chance",
      'a',
    )
    refused(createMachine({ after: { missing: {} } }), "delay 'missing' is not implemented")
  })

  it('refuses wrong names and options', () => {
    const machine = createMachine({})
    refusal(() => processManager('a-b', machine, { on: [] }), 'InvalidName')
    refusal(() => processManager('p', machine, { on: [], deadlineMs: 0 }), 'InvalidOption')
    const on = (...events: string[]) => ({ on: events.map((event) => ({ event })) as never })
    refusal(() => processManager('p', machine, on('Placed')), 'InvalidOption')
    refusal(() => processManager('p', machine, on('a.B', 'a.B')), 'InvalidOption')
    const early = (rule: object) => ({ on: [{ event: 'a.B', ...rule }] as never })
    refusal(() => processManager('p', machine, early({ early: 'hold' })), 'InvalidOption')
    const both = early({ starts: true, early: 'park' })
    refusal(() => processManager('p', machine, both), 'InvalidOption')
  })

  it('refuses options of steps that nothing could follow', () => {
    const once = () => 1
    for (const wrong of [
      { timeoutMs: Number.POSITIVE_INFINITY },
      { timeoutMs: Number.NaN },
      { timeoutMs: 0 },
      { timeoutMs: 2 ** 31 },
      { retry: [1_000] },
      { retries: 3 },
      { dependency: 'payments' },
      { dependency: { name: '' } },
      { dependency: { name: 'payments', openMs: -1 } },
    ]) {
      refusal(() => activity(once, wrong as object), 'InvalidOption')
      refusal(() => command(Account, wrong as object), 'InvalidOption')
    }
    refusal(() => activity(undefined as never), 'InvalidOption')
  })

  it('a runtime takes only processes whose actors it has', async () => {
    const Process = orderProcess({ payments: { approve: async () => {} } })
    const open = async (actors: readonly (typeof shop)[number][], processes = [Process]) => {
      const runtime = createRuntime({ store: 'memory:', actors, processes })
      return runtime.then(
        (made) => made.close().then(() => 'opened'),
        (error: unknown) => (isReenactError(error) ? error.code : String(error)),
      )
    }
    expect(await open(shop)).to.equal('opened')
    expect(await open(shop.slice(1))).to.equal('UnknownActor')
    expect(await open(shop, [Process, Process])).to.equal('InvalidOption')
    const machine = createMachine({ types: { events: {} as { type: 'account.Burned' } } })
    const Burned = processManager('p', machine, { on: [{ event: 'account.Burned' }] })
    const wrong = createRuntime({ store: 'memory:', actors: [Account], processes: [Burned] })
    const error = await wrong.catch((thrown: unknown) => thrown)
    expect(String(error)).to.include("'account' does not emit")
  })
})

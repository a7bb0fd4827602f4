// What steps depend on: a breaker that opens after failures in a row, and a budget for retries.

import { expect } from 'chai'
import { setup } from 'xstate'
import { Dependencies, Dependency } from '../../../actors/processes/dependency.ts'
import {
  type ActivityArgs,
  activity,
  type DependencyOptions,
  type DomainEvent,
  processManager,
  steps,
  TerminalError,
} from '../../../runtime/index.ts'
import { createManualPorts } from '../../../runtime/testing/index.ts'
import { Case, world } from './world.ts'

describe('a circuit breaker', () => {
  const make = (options: Partial<DependencyOptions> = {}) => {
    const ports = createManualPorts()
    const given = { name: 'mail', failuresMax: 3, openMs: 1_000, ...options }
    return { ports, dependency: new Dependency(ports.clock, given) }
  }
  const fail = (dependency: Dependency, times: number) => {
    for (let n = 0; n < times; n += 1) dependency.failed()
  }

  it('opens after so many failures in a row, not before, and an answer between starts anew', () => {
    const { dependency } = make()
    fail(dependency, 2)
    dependency.succeeded()
    fail(dependency, 2)
    expect(dependency.admit(false)).to.equal(0)
    fail(dependency, 1)
    expect(dependency.admit(false)).to.equal(1_000)
  })

  it('lets one try when its time is over, and opens again or closes by what that one finds', async () => {
    const { ports, dependency } = make()
    fail(dependency, 3)
    await ports.advance(400)
    expect(dependency.admit(false)).to.equal(600)
    await ports.advance(600)
    expect(dependency.admit(false)).to.equal(0)
    expect(dependency.admit(false), 'the others wait').to.equal(1_000)
    dependency.failed()
    await ports.advance(999)
    expect(dependency.admit(false)).to.equal(1)
    await ports.advance(1)
    expect(dependency.admit(false)).to.equal(0)
    dependency.succeeded()
    expect(dependency.admit(false)).to.equal(0)
    expect(dependency.admit(false)).to.equal(0)
  })

  it('spends retries from a budget that first attempts, successes and time fill', async () => {
    const { ports, dependency } = make({ retryRatio: 0.5 })
    const admitted = (retries: number) =>
      Array.from({ length: retries }, () => dependency.admit(true)).filter((wait) => wait === 0)
        .length
    expect(admitted(15), 'ten in a row').to.equal(10)
    for (let n = 0; n < 8; n += 1) dependency.admit(false)
    expect(admitted(15), 'half as many as first attempts').to.equal(4)
    dependency.succeeded()
    dependency.succeeded()
    expect(admitted(15), 'what succeeds').to.equal(2)
    await ports.advance(3_000)
    expect(admitted(15), 'one every openMs').to.equal(3)
    await ports.advance(3_600_000)
    expect(admitted(15), 'never more than ten').to.equal(10)
  })

  it('is one for all steps that name it', () => {
    const { clock } = createManualPorts()
    const all = new Dependencies(clock)
    const mail = all.get({ name: 'mail' })
    expect(all.get({ name: 'mail', openMs: 1 })).to.equal(mail)
    expect(all.get({ name: 'print' })).not.to.equal(mail)
    expect(all.get(undefined)).to.equal(undefined)
  })
})

describe('steps that share a dependency', () => {
  it('wait while it is open, use up no attempts meanwhile, and go on when it is back', async () => {
    const all = world()
    let down = true
    let calls = 0
    const mail = activity(
      (_: ActivityArgs<null>) => {
        calls += 1
        if (down) throw new Error('down')
      },
      {
        retry: steps(Array.from({ length: 40 }, () => 1_000)),
        dependency: { name: 'mail', failuresMax: 5, openMs: 60_000 },
      },
    )
    const machine = setup({
      types: { events: {} as DomainEvent<typeof Case> },
      actors: { mail },
    }).createMachine({
      initial: 'mailing',
      states: {
        mailing: { invoke: { src: 'mail', input: null, onDone: 'done' } },
        done: { type: 'final' },
      },
    })
    const Mailing = processManager('mailing', machine, {
      on: [{ event: 'case.Begun', starts: true }],
    })
    const runtime = await all.open([Mailing], { concurrency: 1 })
    const ids = Array.from({ length: 20 }, (_, n) => `c${n}`)
    for (const id of ids) await all.until(runtime.actor(Case, id).send({ type: 'begin' }))
    await all.ports.advance(10_000)
    expect(calls, 'opened by the fifth failure').to.equal(5)
    await all.ports.advance(5 * 60_000)
    expect(calls, 'one probe a minute').to.be.within(8, 12)
    down = false
    await all.ports.advance(10 * 60_000)
    for (const id of ids) {
      const { status, steps: waiting } = await all.until(runtime.processes.show(Mailing, id))
      expect([status, waiting], id).to.deep.equal(['done', []])
    }
    await all.until(runtime.close())
  })

  it('are not held back by answers, however often they are no', async () => {
    const all = world()
    let calls = 0
    const pay = activity(
      (_: ActivityArgs<null>) => {
        calls += 1
        throw new TerminalError('the card is declined')
      },
      { dependency: { name: 'bank', failuresMax: 5 } },
    )
    const machine = setup({
      types: { events: {} as DomainEvent<typeof Case> },
      actors: { pay },
    }).createMachine({
      initial: 'paying',
      states: {
        paying: { invoke: { src: 'pay', input: null, onError: 'declined' } },
        declined: { type: 'final' },
      },
    })
    const Paying = processManager('paying', machine, {
      on: [{ event: 'case.Begun', starts: true }],
    })
    const runtime = await all.open([Paying], { concurrency: 1 })
    const ids = Array.from({ length: 20 }, (_, n) => `c${n}`)
    for (const id of ids) await all.until(runtime.actor(Case, id).send({ type: 'begin' }))
    await all.ports.advance(100)
    expect(calls).to.equal(ids.length)
    await all.until(runtime.close())
  })
})

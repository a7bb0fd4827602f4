// Retries of steps: how often, when, and what a restart, a timeout and a refusal make of them.

import { expect } from 'chai'
import { assign, setup } from 'xstate'
import {
  type ActivityArgs,
  activity,
  command,
  type DomainEvent,
  forever,
  isStepError,
  processManager,
  type RetryPolicy,
  retryPresets,
  type StepError,
  steps,
} from '../../../runtime/index.ts'
import { Case, world } from './world.ts'

/** One step, an activity or a command; whatever it fails with is the output. */
const trying = (work: (attempt: number) => unknown, retry?: RetryPolicy, timeoutMs?: number) => {
  const act = activity(({ attempt }: ActivityArgs<null>) => work(attempt), {
    ...(retry && { retry }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  })
  const machine = setup({
    types: {
      context: {} as { readonly error: unknown },
      events: {} as DomainEvent<typeof Case>,
    },
    actors: { act },
  }).createMachine({
    context: { error: null },
    initial: 'working',
    states: {
      working: {
        invoke: {
          src: 'act',
          input: null,
          onDone: 'done',
          onError: { target: 'failed', actions: assign({ error: ({ event }) => event.error }) },
        },
      },
      done: { type: 'final' },
      failed: { type: 'final' },
    },
  })
  return processManager('trying', machine, { on: [{ event: 'case.Begun', starts: true }] })
}

describe('retries of a step', () => {
  it('keep their count and the time of the next one over a restart', async () => {
    const all = world()
    const attempts: number[] = []
    const Trying = trying(
      (attempt) => {
        attempts.push(attempt)
        if (attempt < 4) throw new Error('down')
        return 'up'
      },
      steps([1_000, 600_000, 1_000]),
    )
    const first = await all.open([Trying])
    await all.until(first.actor(Case, 'a').send({ type: 'begin' }))
    await all.ports.advance(6_500)
    const [before] = (await all.until(first.processes.show(Trying, 'a'))).steps
    expect(before?.attempts).to.be.within(1, 3)
    await all.until(first.close())
    const second = await all.open([Trying])
    const [after] = (await all.until(second.processes.show(Trying, 'a'))).steps
    expect(after).to.deep.equal(before)
    expect(after?.retryAt).to.be.greaterThan(all.ports.clock.now())
    const { status } = await all.until(
      second.processes.settled(Trying, 'a', { timeoutMs: 3_600_000 }),
    )
    expect(status).to.equal('done')
    expect(all.ports.clock.now()).to.be.at.least(after?.retryAt ?? Number.POSITIVE_INFINITY)
    expect(attempts).to.deep.equal([1, 2, 3, 4])
    await all.until(second.close())
  })

  const failureOf = async (Trying: ReturnType<typeof trying>, waitMs: number) => {
    const all = world()
    const runtime = await all.open([Trying])
    await all.until(runtime.actor(Case, 'a').send({ type: 'begin' }))
    await all.ports.advance(waitMs)
    const { context } = await all.until(runtime.processes.show(Trying, 'a'))
    await all.until(runtime.close())
    return context?.error as StepError
  }

  it('end an attempt that takes too long, and say so', async () => {
    const signals: boolean[] = []
    const slow = trying(
      (attempt) => {
        signals.push(attempt === 1)
        return new Promise(() => {})
      },
      retryPresets.doubling,
      1_000,
    )
    const error = await failureOf(slow, 60_000)
    expect([error.kind, error.attempts]).to.deep.equal(['timeout', 5])
    expect(signals).to.have.length(5)
  })

  it('go on for ever where they are told to, with a pause that is bounded', async () => {
    let calls = 0
    const policy = forever({ delayMsMin: 100, delayMsMax: 1_000 })
    const stubborn = trying(() => {
      calls += 1
      if (calls < 200) throw new Error('down')
      return 'up'
    }, policy)
    expect(await failureOf(stubborn, 200_000)).to.equal(null)
    expect(calls).to.equal(200)
  })

  it('are not made where no other attempt can help', async () => {
    const all = world()
    const machine = setup({
      types: {
        context: {} as { readonly error: unknown },
        events: {} as DomainEvent<typeof Case>,
      },
      actors: { note: command(Case, { retry: retryPresets.doubling }) },
    }).createMachine({
      context: { error: null },
      initial: 'noting',
      states: {
        noting: {
          invoke: {
            src: 'note',
            // A command that its machine does not know.
            input: { id: 'b', command: { type: 'unknown' } as never },
            onError: { target: 'failed', actions: assign({ error: ({ event }) => event.error }) },
          },
        },
        failed: { type: 'final' },
      },
    })
    const Noting = processManager('noting', machine, {
      on: [{ event: 'case.Begun', starts: true }],
    })
    const runtime = await all.open([Noting])
    await all.until(runtime.actor(Case, 'a').send({ type: 'begin' }))
    await all.ports.advance(1_000)
    const { context } = await all.until(runtime.processes.show(Noting, 'a'))
    expect(isStepError(context?.error, 'failed')).to.equal(true)
    expect(context?.error).to.include({ code: 'InvalidCommand', attempts: 1 })
    expect(await all.types('noting-a')).not.to.include('StepAttemptFailed')
    await all.until(runtime.close())
  })

  for (const [what, delayMs] of [
    ['throws', () => expect.fail('no policy')],
    ['gives no number', () => Number.NaN],
    ['gives nothing', () => undefined as never],
    ['goes back in time', () => -1],
    ['never ends', () => Number.POSITIVE_INFINITY],
  ] as const) {
    it(`end at once, and not in a circle, by a policy that ${what}`, async () => {
      let calls = 0
      const broken = trying(
        () => {
          calls += 1
          throw new Error('down')
        },
        { delayMs },
      )
      const error = await failureOf(broken, 1_000)
      expect([error.kind, error.message, calls]).to.deep.equal(['failed', 'down', 1])
    })
  }

  for (const thrown of [undefined, null, 5n, Symbol('why'), {}, Object.create(null)]) {
    const what = Object.prototype.toString.call(thrown)
    it(`take whatever is thrown for a failure: ${what}`, async () => {
      const odd = trying(
        () => {
          throw thrown
        },
        { delayMs: () => null },
      )
      expect((await failureOf(odd, 1_000)).kind).to.equal('failed')
    })
  }
})

// What undoing is told: outputs that came while nobody looked, how often it was tried, and who wants it now.

import { expect } from 'chai'
import { assign, setup } from 'xstate'
import {
  activity,
  command,
  compensate,
  type DomainEvent,
  processManager,
  type RetryPolicy,
  type Runtime,
  type UndoArgs,
} from '../../../runtime/index.ts'
import { Case, type World, world } from './world.ts'

type Event = DomainEvent<typeof Case>
const on = [{ event: 'case.Begun', starts: true }] as const
const act = { by: 'ann', reason: 'ordered twice' }

describe('undoing', () => {
  let all: World
  let runtime: Runtime
  const begin = async (waitMs: number) => {
    await all.until(runtime.actor(Case, 'a').send({ type: 'begin' }))
    await all.ports.advance(waitMs)
  }
  beforeEach(() => {
    all = world()
  })
  afterEach(() => all.until(runtime.close()))

  for (const why of ['paused', 'parked'] as const) {
    it(`knows the output of a step that ended while its process was ${why}`, async () => {
      const undone: unknown[] = []
      let answer = (): void => {}
      const book = activity(
        () =>
          new Promise<string>((resolve) => {
            answer = () => resolve('ticket 7')
          }),
        { undo: ({ output }: UndoArgs<null, string>) => undone.push(output) },
      )
      const machine = setup({
        types: { context: {} as { readonly ticket: string }, events: {} as Event },
        actors: { book },
      }).createMachine({
        context: { ticket: '' },
        initial: 'booking',
        states: {
          booking: {
            invoke: {
              src: 'book',
              input: null,
              onDone: {
                target: 'booked',
                actions: assign(({ event: { output } }) => {
                  if (why === 'parked') throw new TypeError(`what is ${output}?`)
                  return { ticket: output }
                }),
              },
            },
          },
          booked: {},
        },
      })
      const Booking = processManager('booking', machine, { on })
      runtime = await all.open([Booking])
      await begin(100)
      if (why === 'paused') await all.until(runtime.processes.pause(Booking, 'a', act))
      answer()
      await all.ports.advance(100)
      expect((await all.until(runtime.processes.show(Booking, 'a'))).status).to.equal(why)
      await all.until(runtime.processes.cancel(Booking, 'a', act))
      await all.ports.advance(100)
      expect((await all.until(runtime.processes.show(Booking, 'a'))).status).to.equal('cancelled')
      expect(undone).to.deep.equal(['ticket 7'])
    })
  }

  /** Books at once and undoes it. */
  const booking = (undo: (args: UndoArgs<null, string>) => unknown, retry?: RetryPolicy) => {
    const machine = setup({
      types: { events: {} as Event },
      actors: {
        book: activity((): string => 'ticket', { undo, ...(retry && { retry }) }),
        compensate,
      },
    }).createMachine({
      initial: 'booking',
      states: {
        booking: { invoke: { src: 'book', input: null, onDone: 'undoing' } },
        undoing: { invoke: { src: 'compensate', onDone: 'undone' } },
        undone: { type: 'final' },
      },
    })
    return processManager('booking', machine, { on })
  }

  it('counts its attempts, and is tried at once when somebody says so', async () => {
    const attempts: number[] = []
    let isBack = false
    const Booking = booking(({ attempt }) => {
      attempts.push(attempt)
      if (!isBack) throw new Error('down')
    })
    runtime = await all.open([Booking])
    await begin(0)
    const isStuck = async () => (await all.until(runtime.processes.show(Booking, 'a'))).stuck
    while (attempts.length < 10) await all.ports.advance(1_000)
    expect(await isStuck()).to.equal(true)
    const made = attempts.length
    expect(attempts).to.deep.equal(Array.from({ length: made }, (_, n) => n + 1))
    isBack = true
    await all.until(runtime.processes.retry(Booking, 'a', act))
    await all.ports.advance(0)
    expect(attempts.slice(made)).to.deep.equal([1])
    expect((await all.until(runtime.processes.show(Booking, 'a'))).status).to.equal('done')
  })

  it('counts its attempts over restarts: somebody is told however often the worker begins anew', async () => {
    const attempts: number[] = []
    const Booking = booking(({ attempt }) => {
      attempts.push(attempt)
      throw new Error('down')
    })
    const isStuck = async () => (await all.until(runtime.processes.show(Booking, 'a'))).stuck
    runtime = await all.open([Booking])
    await begin(0)
    for (let made = 2; made <= 9; made += 1) {
      while (attempts.length < made) await all.ports.advance(1_000)
      expect(await isStuck()).to.equal(false)
      await all.until(runtime.close())
      runtime = await all.open([Booking])
    }
    while (attempts.length < 10) await all.ports.advance(1_000)
    await all.ports.advance(0)
    expect(await isStuck()).to.equal(true)
    expect(attempts).to.deep.equal(Array.from(attempts, (_, n) => n + 1))
  })

  for (const [what, isMended] of [
    ['retried', true],
    ['skipped', false],
  ] as const) {
    it(`that does not get on after the end is shown, and ${what} by somebody`, async () => {
      let answer = (): void => {}
      let isBack = false
      const undone: unknown[] = []
      const machine = setup({
        types: { events: {} as Event },
        actors: {
          book: activity(() => new Promise<string>((resolve) => (answer = () => resolve('late'))), {
            timeoutMs: 100,
            retry: { delayMs: () => null },
            undo: ({ output }: UndoArgs<null, string>) => {
              if (output !== undefined && !isBack) throw new Error('down')
              undone.push(output)
            },
          }),
          compensate,
        },
      }).createMachine({
        initial: 'booking',
        states: {
          booking: { invoke: { src: 'book', input: null, onError: 'undoing' } },
          undoing: { invoke: { src: 'compensate', onDone: 'undone' } },
          undone: { type: 'final' },
        },
      })
      const Booking = processManager('booking', machine, { on })
      runtime = await all.open([Booking])
      await begin(10_000)
      const shown = () => all.until(runtime.processes.show(Booking, 'a'))
      expect((await shown()).status).to.equal('done')
      answer()
      await all.ports.advance(3_600_000)
      expect([(await shown()).status, (await shown()).stuck]).to.deep.equal(['done', true])
      const parked: unknown[] = []
      const listing = (async () => {
        for await (const { id, why } of runtime.processes.parked()) parked.push([id, why])
      })()
      await all.until(listing)
      expect(parked).to.deep.equal([['a', 'undo']])
      isBack = true
      if (isMended) await all.until(runtime.processes.retry(Booking, 'a', act))
      else await all.until(runtime.processes.skip(Booking, 'a', act))
      await all.ports.advance(0)
      const { status, stuck, undoable } = await shown()
      expect([status, stuck, undoable]).to.deep.equal(['done', false, 0])
      expect(undone).to.deep.equal(isMended ? [undefined, 'late'] : [undefined])
      const pausing = all.until(runtime.processes.pause(Booking, 'a', act))
      expect(await pausing.catch(String)).to.include('it is done')
    })
  }

  it('is repeated also where the step itself is not', async () => {
    let calls = 0
    const undo = () => {
      calls += 1
      if (calls < 3) throw new Error('down')
    }
    const Booking = booking(undo, { delayMs: () => null })
    runtime = await all.open([Booking])
    await begin(60_000)
    expect(calls).to.equal(3)
    expect((await all.until(runtime.processes.show(Booking, 'a'))).status).to.equal('done')
  })

  it('does not end while a step is left whose outcome nobody knows', async () => {
    const slowMs = 50
    const { append } = all.log
    let isDown = true
    all.log.append = async (stream, ...rest) => {
      if (stream === 'case-b' && isDown) {
        const error = Object.assign(new Error('no answer'), { retryable: true })
        return { outcome: 'unknown', error } as never
      }
      if (stream === 'leaving-a') {
        await new Promise<void>((resolve) => all.ports.timers.after(slowMs, resolve))
      }
      return append.call(all.log, stream, ...rest)
    }
    const machine = setup({
      types: { events: {} as Event },
      actors: {
        note: command(Case, { undo: () => ({ type: 'note', text: 'undone' }) }),
        compensate,
      },
    }).createMachine({
      type: 'parallel',
      states: {
        noting: {
          initial: 'busy',
          states: {
            busy: {
              invoke: {
                src: 'note',
                input: { id: 'b', command: { type: 'note', text: 'done' } },
                onDone: 'left',
              },
              on: { 'case.Noted': 'left' },
            },
            left: { type: 'final' },
          },
        },
        undoing: {
          initial: 'waiting',
          states: {
            waiting: { after: { 1000: 'busy' } },
            busy: { invoke: { src: 'compensate', onDone: 'undone' } },
            undone: { type: 'final' },
          },
        },
      },
    })
    const Leaving = processManager('leaving', machine, {
      on: [...on, { event: 'case.Noted', id: () => 'a' }],
    })
    runtime = await all.open([Leaving])
    await begin(slowMs + 10)
    // The step is left while compensation begins, in the append after that.
    while (!(await all.types('leaving-a')).includes('TimerScheduled')) await all.ports.advance(10)
    await all.ports.advance(960)
    await all.until(runtime.actor(Case, 'a').send({ type: 'note', text: 'leave it' }))
    await all.ports.advance(10_000)
    isDown = false
    await all.ports.advance(120_000)
    const { context } = await all.until(runtime.actor(Case, 'b').state())
    expect(context.notes).to.deep.equal(['done', 'undone'])
  })
})

// An activity that succeeds when nobody waits for it any more: what was undone, or is being undone, is undone for good.

import { expect } from 'chai'
import { setup } from 'xstate'
import {
  type ActivityArgs,
  activity,
  compensate,
  type DomainEvent,
  processManager,
  type UndoArgs,
} from '../../../runtime/index.ts'
import { lateBooking } from './late-booking.ts'
import { Case, world } from './world.ts'

describe('an activity that succeeds too late', () => {
  for (const [when, undoTakesMs, waitMs] of [
    ['while it is being undone', 500, 1_250],
    ['after it was undone and the process has ended', 0, 60_000],
  ] as const) {
    it(`is undone again: ${when}`, async () => {
      const all = world()
      const undone: { readonly output: string | undefined; readonly key: string }[] = []
      const { booked, Booking, answer } = lateBooking(({ output, idempotencyKey: key }) => {
        undone.push({ output, key })
        return new Promise<void>((resolve) => all.ports.timers.after(undoTakesMs, resolve))
      })
      const runtime = await all.open([Booking])
      await all.until(runtime.actor(Case, 'a').send({ type: 'begin' }))
      await all.ports.advance(waitMs)
      expect(undone.map(({ output }) => output)).to.deep.equal([undefined])
      answer()
      expect(booked.size).to.equal(1)
      await all.ports.advance(60_000)
      expect(booked.size, 'what is booked in the end').to.equal(0)
      expect(undone.at(-1)?.output).to.be.a('string')
      expect((await all.until(runtime.processes.show(Booking, 'a'))).value).to.equal('undone')
      expect(new Set(undone.map(({ key }) => key)).size, 'each undo has its own id').to.equal(
        undone.length,
      )
      await all.until(runtime.close())
      const after = await all.look([Booking])
      expect((await all.until(after.processes.show(Booking, 'a'))).undoable).to.equal(0)
      await all.until(after.close())
    })
  }

  for (const [what, given, kept] of [
    ['what the log can keep', { seat: 7, row: undefined }, { seat: 7 }],
    ['nothing where no log can keep it', 5n, null],
    ['also where it answers to the abort itself', 'abort', 'abort'],
  ] as const) {
    it(`tells its undo what it returned: ${what}`, async () => {
      const undone: unknown[] = []
      const all = world()
      let answer = (): void => {}
      const book = activity(
        ({ signal }: ActivityArgs<null>) =>
          new Promise<unknown>((resolve) => {
            answer = () => resolve(given)
            if (given === 'abort') signal.addEventListener('abort', answer)
          }),
        {
          timeoutMs: 1_000,
          retry: { delayMs: () => null },
          undo: ({ output }: UndoArgs<null, unknown>) => undone.push(output),
        },
      )
      const machine = setup({
        types: { events: {} as DomainEvent<typeof Case> },
        actors: { book, compensate },
      }).createMachine({
        initial: 'booking',
        states: {
          booking: { invoke: { src: 'book', input: null, onDone: 'undoing', onError: 'undoing' } },
          undoing: { invoke: { src: 'compensate', onDone: 'undone' } },
          undone: { type: 'final' },
        },
      })
      const Booking = processManager('booking', machine, {
        on: [{ event: 'case.Begun', starts: true }],
      })
      const runtime = await all.open([Booking])
      await all.until(runtime.actor(Case, 'a').send({ type: 'begin' }))
      await all.ports.advance(10_000)
      answer()
      await all.ports.advance(10_000)
      expect(undone.at(-1)).to.deep.equal(kept)
      await all.until(runtime.close())
    })
  }

  it('is not undone by itself where it began after the last compensation', async () => {
    const undone: unknown[] = []
    const all = world()
    let calls = 0
    let answer = (): void => {}
    const book = activity(
      (): string | Promise<string> => {
        calls += 1
        if (calls === 1) return 'first'
        return new Promise((resolve) => {
          answer = () => resolve('second')
        })
      },
      {
        timeoutMs: 1_000,
        retry: { delayMs: () => null },
        undo: ({ output }: UndoArgs<null, string>) => undone.push(output),
      },
    )
    const machine = setup({
      types: { events: {} as DomainEvent<typeof Case> },
      actors: { book, compensate },
    }).createMachine({
      initial: 'booking',
      states: {
        booking: { invoke: { src: 'book', input: null, onDone: 'undoing' } },
        undoing: { invoke: { src: 'compensate', onDone: 'again' } },
        again: { invoke: { src: 'book', input: null, onDone: 'on', onError: 'on' } },
        on: { on: { 'case.Noted': 'undone' } },
        undone: { invoke: { src: 'compensate' } },
      },
    })
    const Booking = processManager('booking', machine, {
      on: [{ event: 'case.Begun', starts: true }, { event: 'case.Noted' }],
    })
    const runtime = await all.open([Booking])
    await all.until(runtime.actor(Case, 'a').send({ type: 'begin' }))
    await all.ports.advance(10_000)
    answer()
    await all.ports.advance(10_000)
    expect(undone).to.deep.equal(['first'])
    await all.until(runtime.actor(Case, 'a').send({ type: 'note', text: 'undo it' }))
    await all.ports.advance(10_000)
    expect(undone).to.deep.equal(['first', 'second'])
    await all.until(runtime.close())
  })
})

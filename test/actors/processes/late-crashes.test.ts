// A process of the operating system that dies while what succeeded too late is being undone: nothing stays done.

import { expect } from 'chai'
import { setup } from 'xstate'
import {
  type AnyProcessManager,
  command,
  compensate,
  createRuntime,
  type DomainEvent,
  type ProcessInput,
  processManager,
} from '../../../runtime/index.ts'
import { lateBooking } from './late-booking.ts'
import { deadly, Life } from './shop.ts'
import { Case, type World, world } from './world.ts'

const on = [{ event: 'case.Begun', starts: true }] as const
const moments = process.env['REENACT_CASES'] ? [false, true] : [true]

/** Has a note written, and ends before it knows what came of that. */
function leftNote() {
  const machine = setup({
    types: {
      context: {} as { readonly id: string },
      events: {} as DomainEvent<typeof Case>,
      input: {} as ProcessInput,
    },
    actors: { note: command(Case, { undo: () => ({ type: 'note', text: 'not so' }) }), compensate },
  }).createMachine({
    context: ({ input: { id } }) => ({ id }),
    initial: 'going',
    states: {
      going: {
        type: 'parallel',
        states: {
          noting: {
            invoke: {
              src: 'note',
              input: ({ context: { id } }) => ({ id, command: { type: 'note', text: 'so' } }),
            },
          },
          undoing: { invoke: { src: 'compensate', onDone: '#over' } },
        },
      },
      over: { id: 'over', type: 'final' },
    },
  })
  return processManager('leaving', machine, { on })
}

describe('a process that dies after it has ended', () => {
  const open = async (all: World, Process: AnyProcessManager, life: Life) => {
    const ports = deadly(all.ports, life)
    const store = life.store(all.log)
    const runtime = await createRuntime({ store, actors: [Case], processes: [Process], ports })
    runtime.processes.work()
    return runtime
  }
  /** Dies if it has not yet, and is followed by one that lives. */
  const follow = async (all: World, Process: AnyProcessManager, life: Life) => {
    life.dead = true
    const runtime = await open(all, Process, new Life())
    await all.ports.advance(120_000)
    return runtime
  }

  it('undoes an activity that succeeded too late', async () => {
    const live = async (life: Life) => {
      const all = world()
      const { booked, answer, Booking: Process } = lateBooking()
      const runtime = await open(all, Process, life)
      // With the second one the first is behind the checkpoint.
      for (const id of ['a', 'b']) {
        await all.until(runtime.actor(Case, id).send({ type: 'begin' }))
        await all.ports.advance(60_000)
      }
      const before = life.calls
      answer()
      expect(booked.size).to.equal(1)
      await all.ports.advance(10_000)
      const { calls } = life
      const next = await follow(all, Process, life)
      // What only the dead one knew, nobody can know.
      const isKnown = (await all.types('booking-a')).filter((type) => type === 'StepCompleted')
      if (isKnown.length > 1) expect(booked.size, `died at ${calls}`).to.equal(0)
      await all.until(next.close())
      return { before, calls, isKnown: isKnown.length > 1 }
    }
    const { before, calls } = await live(new Life())
    let known = 0
    for (let at = before + 1; at <= calls; at += 1) {
      for (const after of moments) if ((await live(new Life(at, after))).isKnown) known += 1
    }
    expect(known).to.be.above(0)
  })

  it('finds out what became of a command it left behind, and undoes it', async () => {
    const Process = leftNote()
    const ends = new Set<string>()
    const live = async (life: Life) => {
      const all = world()
      const runtime = await open(all, Process, life)
      const begun = runtime.actor(Case, 'a').send({ type: 'begin' }, { commandId: 'begin' })
      begun.catch(() => {})
      await all.ports.advance(60_000)
      const { calls } = life
      const next = await follow(all, Process, life)
      const again = next.actor(Case, 'a').send({ type: 'begin' }, { commandId: 'begin' })
      await all.until(again)
      await all.ports.advance(60_000)
      const { context } = await all.until(next.actor(Case, 'a').state())
      ends.add(context.notes.join())
      expect((await all.until(next.processes.show(Process, 'a'))).status).to.equal('done')
      await all.until(next.close())
      return calls
    }
    const calls = await live(new Life())
    for (let at = 1; at <= calls; at += 1) {
      for (const after of moments) await live(new Life(at, after))
    }
    expect([...ends]).to.deep.equal(['so,not so'])
  })
})

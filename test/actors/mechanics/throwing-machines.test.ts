// A command that makes the machine throw fails alone; the next command goes on.

import { expect } from 'chai'
import { assign, emit, setup } from 'xstate'
import { aggregate } from '../../../runtime/index.ts'
import { errorOf, world } from './support.ts'

type Event = { type: 'Counted'; by: number }

/** Fails in guards, emits and assigns where it is told to. */
const Fragile = aggregate(
  'fragile',
  setup({
    types: {
      context: {} as { count: number },
      events: {} as
        | { type: 'guarded'; fail: boolean }
        | { type: 'emitting'; fail: boolean }
        | { type: 'count'; by: number }
        | Event,
      emitted: {} as Event,
    },
    guards: {
      fragile: ({ event }) => {
        if (event.type === 'guarded' && event.fail) throw new Error('the guard broke')
        return true
      },
    },
  }).createMachine({
    context: { count: 0 },
    initial: 'counting',
    states: {
      counting: {
        on: {
          guarded: { guard: 'fragile', actions: emit({ type: 'Counted', by: 1 }) },
          emitting: {
            actions: emit(({ event }) => {
              if (event.fail) throw new Error('the emit broke')
              return { type: 'Counted' as const, by: 1 }
            }),
          },
          count: { actions: emit(({ event }) => ({ type: 'Counted', by: event.by })) },
          Counted: {
            actions: assign({
              count: ({ context, event }) => {
                if (event.by < 0) throw new Error('the assign broke')
                return context.count + event.by
              },
            }),
          },
        },
      },
    },
  }),
  { events: { Counted: {} } },
)

describe('C13: a command that makes the machine throw', () => {
  for (const [title, command] of [
    ['in a guard', { type: 'guarded', fail: true }],
    ['in an emit', { type: 'emitting', fail: true }],
    ['while its event is evolved', { type: 'count', by: -1 }],
  ] as const) {
    it(`${title} fails alone: those beside it and after it go on`, async () => {
      const here = world()
      const runtime = await here.open({}, [Fragile])
      const actor = runtime.actor(Fragile, 'one')
      const [before, failed, after] = await here.until(
        Promise.allSettled([
          actor.send({ type: 'count', by: 1 }),
          actor.send(command),
          actor.send({ type: 'count', by: 2 }),
        ]),
      )
      expect(before.status).to.equal('fulfilled')
      expect(after.status).to.equal('fulfilled')
      const error = await errorOf(
        failed.status === 'rejected' ? Promise.reject(failed.reason) : Promise.resolve(),
        'ActorFaulted',
      )
      expect(error.details).to.deep.equal({ actor: 'fragile-one', type: command.type })
      expect(String(error.cause)).to.include('broke')
      expect(error.message).to.include('broke')
      const { context } = await here.until(actor.state())
      expect(context.count).to.equal(3)
      expect(await actor.history()).to.have.length(2)
      expect(runtime.metrics()).to.include({ faults: 0, failed: 1 })
    })
  }

  it('F9: records nothing under its id, so that mended code may decide it', async () => {
    const here = world()
    const actor = (await here.open({}, [Fragile])).actor(Fragile, 'one')
    const options = { commandId: 'x' }
    await errorOf(here.until(actor.send({ type: 'guarded', fail: true }, options)), 'ActorFaulted')
    expect(await here.until(actor.send({ type: 'guarded', fail: false }, options))).to.include({
      accepted: true,
      duplicate: false,
    })
  })
})

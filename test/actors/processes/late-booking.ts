// A process whose only step succeeds when nobody waits for it any more.

import { setup } from 'xstate'
import {
  type ActivityArgs,
  activity,
  compensate,
  type DomainEvent,
  processManager,
  type UndoArgs,
} from '../../../runtime/index.ts'
import type { Case } from './world.ts'

type Undone = UndoArgs<null, string>

/**
 * Books when it is told to, long after its time was up; what is booked stands until it is taken back. Only the first
 * attempt ever answers. `undoing` is called after what was booked is gone.
 */
export function lateBooking(undoing: (args: Undone) => unknown = () => {}) {
  const booked = new Set<string>()
  let answer: (() => void) | undefined
  const book = activity(
    ({ idempotencyKey }: ActivityArgs<null>) =>
      new Promise<string>((resolve) => {
        answer ??= () => {
          booked.add(idempotencyKey)
          resolve(idempotencyKey)
        }
      }),
    {
      timeoutMs: 1_000,
      retry: { delayMs: () => null },
      undo: async (args: Undone) => {
        booked.delete(args.activityKey)
        await undoing(args)
      },
    },
  )
  const machine = setup({
    types: { events: {} as DomainEvent<typeof Case> },
    actors: { book, compensate },
  }).createMachine({
    initial: 'booking',
    states: {
      booking: { invoke: { src: 'book', input: null, onDone: 'done', onError: 'undoing' } },
      undoing: { invoke: { src: 'compensate', onDone: 'undone' } },
      undone: { type: 'final' },
      done: { type: 'final' },
    },
  })
  const Booking = processManager('booking', machine, {
    on: [{ event: 'case.Begun', starts: true }],
  })
  return { booked, Booking, answer: () => answer?.() }
}

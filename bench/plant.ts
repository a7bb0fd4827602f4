// A nested, parallel machine of ten states, which moves at every event.

import { assign, setup } from 'xstate'

type Event = { type: 'Started' } | { type: 'Heated'; degrees: number } | { type: 'Stopped' }

export const plant = setup({
  types: { context: {} as { degrees: number; starts: number }, events: {} as Event },
  guards: { tooHot: ({ context }) => context.degrees > 1e12 },
}).createMachine({
  id: 'plant',
  type: 'parallel',
  context: { degrees: 0, starts: 0 },
  states: {
    motor: {
      initial: 'resting',
      states: {
        resting: {
          on: {
            Started: {
              target: 'running',
              actions: assign({ starts: ({ context }) => context.starts + 1 }),
            },
          },
        },
        running: {
          initial: 'slow',
          on: { Stopped: 'resting' },
          states: { slow: { on: { Heated: 'fast' } }, fast: { on: { Heated: 'slow' } } },
        },
      },
    },
    oven: {
      initial: 'cold',
      states: {
        cold: {
          on: {
            Heated: {
              target: 'warm',
              actions: assign({ degrees: ({ context, event }) => context.degrees + event.degrees }),
            },
          },
        },
        warm: {
          on: {
            Stopped: 'cold',
            Heated: [{ guard: 'tooHot', target: 'cold' }, { target: 'warm' }],
          },
        },
      },
    },
    lamp: {
      initial: 'off',
      states: { off: { on: { Started: 'on' } }, on: { on: { Stopped: 'off' } } },
    },
  },
})

/** A day of the plant, again and again. */
export const day: readonly Event[] = [
  { type: 'Started' },
  { type: 'Heated', degrees: 20 },
  { type: 'Heated', degrees: 5 },
  { type: 'Stopped' },
]

// The incident: what a service desk may do with one, and what is known of it afterwards.
//
// Commands emit facts where the rules of the desk allow it; facts move the state, from wherever it was. So the
// rules stand in the states, under the names of commands, and the facts stand once, at the root.

import { aggregate, reject } from 'reenact'
import { assign, emit, enqueueActions, setup } from 'xstate'
import type { Command, Event, Known } from './vocabulary.ts'

const nothing: Known = {
  impact: null,
  product: null,
  country: null,
  team: null,
  supportLine: null,
  division: null,
  organization: null,
  waitingFor: null,
  handOvers: 0,
  reopenings: 0,
}

const machine = setup({
  types: { context: {} as Known, events: {} as Command | Event, emitted: {} as Event },
  guards: {
    waitsForAnother: ({ context, event }) =>
      event.type === 'wait' && event.waitingFor !== context.waitingFor,
  },
  actions: {
    register: enqueueActions(({ event, enqueue }) => {
      if (!('desk' in event)) return
      enqueue.emit({ type: 'Registered', ...event.about, ...event.desk })
    }),
    // Every command says who has the incident and what it is about; only what is new becomes a fact.
    note: enqueueActions(({ context, event, enqueue }) => {
      if (!('desk' in event)) return
      const { about, desk } = event
      if (about.impact !== context.impact || about.product !== context.product) {
        enqueue.emit({ type: 'Reclassified', impact: about.impact, product: about.product })
      }
      if (
        desk.team !== context.team ||
        desk.division !== context.division ||
        desk.organization !== context.organization
      ) {
        const up = desk.supportLine > (context.supportLine ?? 1)
        enqueue.emit({ type: up ? 'Escalated' : 'HandedOver', ...desk })
      }
    }),
    queue: emit({ type: 'Queued' }),
    assign: emit({ type: 'Assigned' }),
    work: emit({ type: 'WorkStarted' }),
    wait: enqueueActions(({ event, enqueue }) => {
      if (event.type !== 'wait') return
      enqueue.emit({ type: 'WaitStarted', waitingFor: event.waitingFor })
    }),
    reopen: emit({ type: 'Reopened' }),
    resolve: emit({ type: 'Resolved' }),
    resolveInCall: emit({ type: 'ResolvedInCall' }),
    close: emit({ type: 'Closed' }),
    cancel: emit({ type: 'Cancelled' }),
    unmatch: emit({ type: 'Unmatched' }),
    notRegistered: reject('not registered'),
    stillQueued: reject('still in the queue', ({ context }) => ({ team: context.team })),
    hand: assign(({ context, event }) => {
      if (event.type !== 'HandedOver' && event.type !== 'Escalated') return {}
      const { type: _, ...desk } = event
      return { ...desk, handOvers: context.handOvers + 1 }
    }),
  },
}).createMachine({
  id: 'incident',
  context: nothing,
  initial: 'unregistered',
  states: {
    unregistered: {
      on: {
        queue: { actions: ['register', 'queue'] },
        assign: { actions: ['register', 'assign'] },
        work: { actions: ['register', 'work'] },
        wait: { actions: 'notRegistered' },
        resolve: { actions: 'notRegistered' },
        resolveInCall: { actions: 'notRegistered' },
        close: { actions: 'notRegistered' },
        cancel: { actions: 'notRegistered' },
        unmatch: { actions: 'notRegistered' },
      },
    },

    open: {
      on: {
        queue: { actions: ['note', 'queue'] },
        assign: { actions: ['note', 'assign'] },
        work: { actions: ['note', 'work'] },
        wait: { actions: ['note', 'wait'] },
        resolve: { actions: ['note', 'resolve'] },
        resolveInCall: { actions: ['note', 'resolveInCall'] },
        cancel: { actions: ['note', 'cancel'] },
        close: { actions: reject('not resolved') },
        unmatch: { actions: reject('not resolved') },
      },
      initial: 'registered',
      states: {
        // Only passed through: what registers or reopens an incident also queues, assigns or works on it.
        registered: {},
        reopened: {},
        queued: {
          on: {
            // Saying again what is known is fine and changes nothing, unless another team says it.
            queue: { actions: 'note' },
            // In the queue an incident is nobody's: somebody has to accept it first.
            wait: { actions: 'stillQueued' },
            resolve: { actions: 'stillQueued' },
            resolveInCall: { actions: 'stillQueued' },
          },
        },
        assigned: { on: { assign: { actions: 'note' } } },
        inProgress: { on: { work: { actions: 'note' } } },
        waiting: {
          on: {
            wait: [{ guard: 'waitsForAnother', actions: ['note', 'wait'] }, { actions: 'note' }],
          },
        },
      },
    },

    completed: {
      on: {
        queue: { actions: ['reopen', 'note', 'queue'] },
        assign: { actions: ['reopen', 'note', 'assign'] },
        work: { actions: ['reopen', 'note', 'work'] },
        wait: { actions: reject('not reopened') },
        resolve: { actions: reject('already resolved') },
        resolveInCall: { actions: reject('already resolved') },
        cancel: { actions: reject('already resolved') },
        unmatch: { actions: reject('not resolved') },
        close: { actions: reject('already closed') },
      },
      initial: 'resolved',
      states: {
        resolved: {
          on: { close: { actions: ['note', 'close'] }, unmatch: { actions: ['note', 'unmatch'] } },
        },
        // Solved while the user was on the phone. It needs no closing.
        resolvedInCall: {},
        // The resolution turned out to belong elsewhere.
        unmatched: { on: { close: { actions: reject('not resolved') } } },
        closed: { on: { resolve: { actions: reject('already closed') } } },
      },
    },

    cancelled: { type: 'final' },
  },

  on: {
    Registered: {
      target: '.open',
      actions: assign(({ event: { type: _, ...known } }) => known),
    },
    Reclassified: {
      actions: assign({
        impact: ({ event }) => event.impact,
        product: ({ event }) => event.product,
      }),
    },
    HandedOver: { actions: 'hand' },
    Escalated: { actions: 'hand' },
    Queued: { target: '.open.queued', actions: assign({ waitingFor: null }) },
    Assigned: { target: '.open.assigned', actions: assign({ waitingFor: null }) },
    WorkStarted: { target: '.open.inProgress', actions: assign({ waitingFor: null }) },
    WaitStarted: {
      target: '.open.waiting',
      actions: assign({ waitingFor: ({ event }) => event.waitingFor }),
    },
    Reopened: {
      target: '.open.reopened',
      actions: assign({ reopenings: ({ context }) => context.reopenings + 1 }),
    },
    Resolved: { target: '.completed.resolved', actions: assign({ waitingFor: null }) },
    ResolvedInCall: { target: '.completed.resolvedInCall', actions: assign({ waitingFor: null }) },
    Unmatched: '.completed.unmatched',
    Closed: '.completed.closed',
    Cancelled: { target: '.cancelled', actions: assign({ waitingFor: null }) },
  },
})

/** Why a command is refused in a final state, where the machine says nothing any more. */
export const atItsEnd = 'the incident is at its end'

/** One incident of the desk, from registration to its end. */
export const Incident = aggregate('incident', machine, {
  events: {
    Registered: {},
    Reclassified: {},
    HandedOver: {},
    Escalated: {},
    Queued: {},
    Assigned: {},
    WorkStarted: {},
    WaitStarted: {},
    Reopened: {},
    Resolved: {},
    ResolvedInCall: {},
    Unmatched: {},
    Closed: {},
    Cancelled: {},
  },
})

// A machine's step alone, in memory: the table, XState, and a reducer written by hand.

import { type AnyStateMachine, type EventObject, getInitialSnapshot, transition } from 'xstate'
import { modelOf } from '../actors/aggregate.ts'
import { evolve } from '../actors/evolve.ts'
import { MachineRunner } from '../actors/machine.ts'
import { Account, AccountByXState, reducer } from './account.ts'
import { type Figure, type Row, scaled, warmRate } from './measure.ts'
import { day, plant } from './plant.ts'

const opened = { type: 'Opened', owner: 'Ann' } as const
const deposit = { type: 'Deposited', amount: 1 } as const

/** Evolves an account by `evolve`, as replay and commands do: checks, and a frozen context. */
function account(aggregate: typeof Account, count: number): Promise<Figure> {
  const model = modelOf(aggregate)
  const active = evolve(model, model.initial, opened)
  return warmRate(count, (times) => {
    let snapshot = active
    // As a log gives them: each event is an object of its own.
    for (let done = 0; done < times; done += 1) snapshot = evolve(model, snapshot, { ...deposit })
    if (snapshot.context.balance !== times) throw new Error('money was lost')
  })
}

function accountTable(count: number): Promise<Figure> {
  const { runner, initial } = modelOf(Account)
  const active = runner.step(initial, opened).snapshot
  return warmRate(count, (times) => {
    let snapshot = active
    for (let done = 0; done < times; done += 1) snapshot = runner.step(snapshot, deposit).snapshot
    if (snapshot.context.balance !== times) throw new Error('money was lost')
  })
}

function accountReducer(count: number): Promise<Figure> {
  return warmRate(count, (times) => {
    let state = { owner: 'Ann', balance: 0 }
    for (let done = 0; done < times; done += 1) state = reducer(state, deposit)
    if (state.balance !== times) throw new Error('money was lost')
  })
}

function byTransition(
  machine: AnyStateMachine,
  before: readonly EventObject[],
  events: readonly EventObject[],
  count: number,
): Promise<Figure> {
  let start = getInitialSnapshot(machine)
  for (const event of before) [start] = transition(machine, start, event)
  return warmRate(count, (times) => {
    let snapshot = start
    for (let done = 0; done < times; done += 1) {
      ;[snapshot] = transition(machine, snapshot, events[done % events.length] as EventObject)
    }
  })
}

function byRunner(compile: boolean, count: number): Promise<Figure> {
  const runner = new MachineRunner(plant, 'plant', { compile })
  const { snapshot: initial } = runner.initial()
  return warmRate(count, (times) => {
    let snapshot = initial
    for (let done = 0; done < times; done += 1) {
      snapshot = runner.step(snapshot, day[done % day.length] as EventObject).snapshot
    }
  })
}

/** Steps of a flat and of a nested parallel machine. */
export const evolveRows: readonly Row[] = [
  {
    title: 'evolve, flat machine',
    unit: 'events/s',
    sides: [
      {
        name: 'Reenact: checked, context frozen',
        role: 'reenact',
        run: (context) => account(Account, scaled(1_000_000, context)),
      },
      {
        name: 'Reenact: the table alone',
        role: 'reenact',
        run: (context) => accountTable(scaled(3_000_000, context)),
      },
      {
        name: 'Reenact: run by XState',
        role: 'reenact',
        run: (context) => account(AccountByXState as typeof Account, scaled(60_000, context)),
      },
      {
        name: 'reducer by hand',
        role: 'limit',
        reach: { atLeast: 0.5 },
        run: (context) => accountReducer(scaled(4_000_000, context)),
      },
      {
        name: "XState's transition()",
        role: 'peer',
        reach: { atLeast: 50 },
        run: (context) =>
          byTransition(Account.machine, [opened], [deposit], scaled(25_000, context)),
      },
    ],
  },
  {
    title: 'evolve, parallel machine of ten states',
    unit: 'events/s',
    sides: [
      {
        name: 'Reenact: the table alone',
        role: 'reenact',
        run: (context) => byRunner(true, scaled(2_000_000, context)),
      },
      {
        name: 'Reenact: run by XState',
        role: 'reenact',
        run: (context) => byRunner(false, scaled(30_000, context)),
      },
      {
        name: "XState's transition()",
        role: 'peer',
        reach: { atLeast: 50 },
        run: (context) => byTransition(plant, [], day, scaled(15_000, context)),
      },
    ],
  },
]

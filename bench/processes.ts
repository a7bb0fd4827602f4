// Processes: how many are completed in a second, four steps each.

import { setTimeout } from 'node:timers/promises'
import { setup } from 'xstate'
import { command, createRuntime, type DomainEvent, processManager } from '../runtime/index.ts'
import { Account } from './account.ts'
import { type BenchContext, type Figure, type Row, rate, scaled } from './measure.ts'

const machine = setup({
  types: {
    context: {} as { id: string },
    input: {} as { id: string },
    events: {} as DomainEvent<typeof Account>,
  },
  actors: { deposit: command(Account) },
}).createMachine({
  context: ({ input: { id } }) => ({ id }),
  initial: 'first',
  states: {
    first: {
      invoke: { src: 'deposit', input: ({ context }) => deposit(context.id), onDone: 'second' },
    },
    second: {
      invoke: { src: 'deposit', input: ({ context }) => deposit(context.id), onDone: 'third' },
    },
    third: {
      invoke: { src: 'deposit', input: ({ context }) => deposit(context.id), onDone: 'fourth' },
    },
    fourth: {
      invoke: { src: 'deposit', input: ({ context }) => deposit(context.id), onDone: 'done' },
    },
    done: { type: 'final' },
  },
})

const deposit = (id: string) => ({ id, command: { type: 'deposit', amount: 1 } as const })

const Paying = processManager('paying', machine, {
  on: [{ event: 'account.Opened', starts: true }],
})

async function completed(store: string, context: BenchContext): Promise<Figure> {
  const runtime = await createRuntime({
    store,
    actors: [Account],
    processes: [Paying],
    limits: { timeoutMs: 60_000 },
  })
  const ids = Array.from({ length: scaled(4_000, context) }, (_, n) => `a${n}`)
  await Promise.all(ids.map((id) => runtime.actor(Account, id).send({ type: 'open', owner: id })))
  const figure = await rate(ids.length, async () => {
    const work = runtime.processes.work()
    while (work.metrics(Paying).ended < ids.length) await setTimeout(5)
    await work.stop()
  })
  const { context: account } = await runtime.actor(Account, ids[0] as string).state()
  await runtime.close()
  if (account.balance !== 4) throw new Error(`four steps paid ${account.balance}`)
  return figure
}

export const processRows: readonly Row[] = [
  {
    title: 'processes of four steps, completed',
    unit: 'processes/s',
    sides: [
      {
        name: 'Reenact',
        role: 'reenact',
        durability: 'fsync',
        reach: { atLeast: 2_000 },
        run: (context) => completed(`file:${context.file}`, context),
      },
      {
        name: 'Reenact in memory',
        role: 'reenact',
        durability: 'memory',
        run: (context) => completed('memory:', context),
      },
    ],
  },
]

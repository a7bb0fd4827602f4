// Processes: how many are completed in a second, how fast overdue timers fire, and what a waiting one costs.

import { setTimeout } from 'node:timers/promises'
import { setup } from 'xstate'
import { systemPorts } from '../runtime/core/clock.ts'
import {
  command,
  createRuntime,
  type DomainEvent,
  processManager,
  type Runtime,
} from '../runtime/index.ts'
import { Account } from './account.ts'
import { type BenchContext, type Figure, type Row, rate, scaled } from './measure.ts'
import { used } from './memory.ts'

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
  const count = scaled(4_000, context)
  const opened = (prefix: string) =>
    Promise.all(
      Array.from({ length: count }, (_, n) =>
        runtime.actor(Account, `${prefix}${n}`).send({ type: 'open', owner: 'Ann' }),
      ),
    )
  const run = async () => {
    const work = runtime.processes.work()
    while (work.metrics(Paying).ended < count) await setTimeout(5)
    await work.stop()
  }
  // Until the compiler has done its work.
  await opened('warm')
  await run()
  await opened('a')
  const figure = await rate(count, run)
  const { context: account } = await runtime.actor(Account, 'a0').state()
  await runtime.close()
  if (account.balance !== 4) throw new Error(`four steps paid ${account.balance}`)
  return figure
}

const hourMs = 3_600_000

const Waiting = processManager(
  'waiting',
  setup({
    types: {
      context: {} as { id: string },
      input: {} as { id: string },
      events: {} as DomainEvent<typeof Account>,
    },
  }).createMachine({
    context: ({ input: { id } }) => ({ id }),
    initial: 'waiting',
    states: { waiting: { after: { [hourMs]: 'done' } }, done: { type: 'final' } },
  }),
  { on: [{ event: 'account.Opened', starts: true }] },
)

const openWaiting = (store: string, laterMs = 0) =>
  createRuntime({
    store,
    actors: [Account],
    processes: [Waiting],
    ports: { clock: { ...systemPorts.clock, now: () => systemPorts.clock.now() + laterMs } },
  })

async function startWaiting(runtime: Runtime, count: number): Promise<void> {
  const start = (_: unknown, n: number) =>
    runtime.processes.start(Waiting, `w${n}`, { type: 'account.Opened', owner: 'Ann' })
  for (let left = count; left > 0; left -= 1_000) {
    const length = Math.min(1_000, left)
    await Promise.all(Array.from({ length }, (_, n) => start(_, count - left + n)))
  }
}

/** From the start of the worker: it reads all that waits, then fires what is overdue. */
async function overdue(context: BenchContext): Promise<Figure> {
  const count = scaled(10_000, context)
  const store = `file:${context.file}`
  const before = await openWaiting(store)
  await startWaiting(before, count)
  await before.close()
  const runtime = await openWaiting(store, 2 * hourMs)
  const figure = await rate(count, async () => {
    const work = runtime.processes.work({ timersPerSecondMax: 1_000_000 })
    while (work.metrics(Waiting).ended < count) await setTimeout(5)
    await work.stop()
  })
  await runtime.close()
  return figure
}

async function waitingBytes(context: BenchContext): Promise<Figure> {
  const runtime = await openWaiting(`file:${context.file}`)
  const work = runtime.processes.work()
  await startWaiting(runtime, 10)
  while (work.metrics(Waiting).open < 10) await setTimeout(5)
  const count = scaled(10_000, context)
  const before = used()
  await startWaiting(runtime, count)
  while (work.metrics(Waiting).open < count) await setTimeout(5)
  const bytes = (used() - before) / count
  const { resident } = work.metrics(Waiting)
  if (resident < count) throw new Error(`${resident} processes are in memory`)
  await runtime.close()
  return { value: bytes }
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
  {
    title: 'timers of processes, overdue after downtime',
    unit: 'timers/s',
    sides: [{ name: 'Reenact', role: 'reenact', durability: 'fsync', run: overdue }],
  },
  {
    title: 'a waiting process in memory',
    unit: 'bytes',
    sides: [{ name: 'Reenact: 10,000 with a timer each', role: 'reenact', run: waitingBytes }],
  },
]

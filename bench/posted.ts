// Posted commands a second: from `post` to the durable outcome in one process, beside sending the same commands.

import { createRuntime } from '../runtime/index.ts'
import { Account } from './account.ts'
import { measureBank, openReenactBank } from './bank.ts'
import { type BenchContext, type Figure, type Row, rate, scaled } from './measure.ts'
import { serveFile, withServer } from './server-process.ts'

const accounts = 1_000
const inFlight = 64
const perRun = 30_000
const perRunServed = 10_000

/** So many in flight. */
async function parallel(count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0
  const client = async (): Promise<void> => {
    while (next < count) {
      next += 1
      await work(next)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, client))
}

async function posted(store: string, count: number): Promise<Figure> {
  const runtime = await createRuntime({ store, actors: [Account] })
  await parallel(accounts, async (n) => {
    await runtime.actor(Account, `a${n % accounts}`).send({ type: 'open', owner: 'Ann' })
  })
  const worker = runtime.work()
  const figure = await rate(count, async () => {
    await parallel(count, async (n) => {
      await runtime.post(Account, `a${n % accounts}`, { type: 'deposit', amount: 1 })
    })
    while (worker.metrics().handled < count) await new Promise((resolve) => setTimeout(resolve, 1))
  })
  await runtime.close()
  return figure
}

/** The CPU time is that of the worker, not that of the server. */
const served = (context: BenchContext): Promise<Figure> =>
  withServer(serveFile(context.file), (address) => posted(address, scaled(perRunServed, context)))

export const postedRows: readonly Row[] = [
  {
    title: 'posted and handled, 1,000 actors, 64 in flight',
    unit: 'commands/s',
    sides: [
      {
        name: 'Reenact',
        role: 'reenact',
        durability: 'fsync',
        reach: { atLeast: 10_000 },
        run: (context) => posted(`file:${context.file}`, scaled(perRun, context)),
      },
      {
        name: 'the same sent, not posted',
        role: 'limit',
        durability: 'fsync',
        run: async (context) =>
          measureBank(await openReenactBank(`file:${context.file}`), {
            accounts,
            inFlight,
            commands: scaled(perRun, context),
          }),
      },
    ],
  },
  {
    title: 'posted and handled through reenact serve, 1,000 actors, 64 in flight',
    unit: 'commands/s',
    sides: [
      {
        name: 'Reenact',
        role: 'reenact',
        durability: 'fsync',
        reach: { atLeast: 3_000 },
        run: served,
      },
    ],
  },
]

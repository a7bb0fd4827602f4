// Posted commands a second: from `post` to the durable outcome in one process, beside sending the same commands.

import { createRuntime, type Runtime } from '../runtime/index.ts'
import { Account } from './account.ts'
import { measureBank, openReenactBank } from './bank.ts'
import { type BenchContext, type Figure, type Row, rate, scaled } from './measure.ts'
import { serveFile, withServer } from './server-process.ts'

const accounts = 1_000
const inFlight = 64
const batch = 1_000
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

type Post = (runtime: Runtime, count: number) => Promise<void>

const deposit = (n: number) => ({
  id: `a${n % accounts}`,
  command: { type: 'deposit', amount: 1 } as const,
})

/** One by one, so many in flight. */
const oneByOne: Post = (runtime, count) =>
  parallel(count, async (n) => {
    const { id, command } = deposit(n)
    await runtime.post(Account, id, command)
  })

/** A batch after the other. */
const inBatches: Post = async (runtime, count) => {
  for (let n = 0; n < count; n += batch) {
    const size = Math.min(batch, count - n)
    await runtime.postMany(
      Account,
      Array.from({ length: size }, (_, at) => deposit(n + at)),
    )
  }
}

async function posted(store: string, count: number, post: Post): Promise<Figure> {
  const runtime = await createRuntime({ store, actors: [Account] })
  await parallel(accounts, async (n) => {
    await runtime.actor(Account, `a${n % accounts}`).send({ type: 'open', owner: 'Ann' })
  })
  const worker = runtime.work()
  const figure = await rate(count, async () => {
    await post(runtime, count)
    while (worker.metrics().handled < count) await new Promise((resolve) => setTimeout(resolve, 1))
  })
  await runtime.close()
  return figure
}

/** The CPU time is that of the worker, not that of the server. */
const served = (context: BenchContext, post: Post): Promise<Figure> =>
  withServer(serveFile(context.file), (address) =>
    posted(address, scaled(perRunServed, context), post),
  )

const reenact = { name: 'Reenact', role: 'reenact', durability: 'fsync' } as const

export const postedRows: readonly Row[] = [
  {
    title: 'posted and handled, 1,000 actors, 64 in flight',
    unit: 'commands/s',
    sides: [
      {
        ...reenact,
        reach: { atLeast: 10_000 },
        run: (context) => posted(`file:${context.file}`, scaled(perRun, context), oneByOne),
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
    title: 'posted a thousand at a time and handled, 1,000 actors',
    unit: 'commands/s',
    sides: [
      {
        ...reenact,
        run: (context) => posted(`file:${context.file}`, scaled(perRun, context), inBatches),
      },
    ],
  },
  {
    title: 'posted and handled through reenact serve, 1,000 actors, 64 in flight',
    unit: 'commands/s',
    sides: [
      {
        ...reenact,
        reach: { atLeast: 3_000 },
        run: (context) => served(context, oneByOne),
      },
    ],
  },
  {
    title: 'posted a thousand at a time and handled through reenact serve, 1,000 actors',
    unit: 'commands/s',
    sides: [{ ...reenact, run: (context) => served(context, inBatches) }],
  },
]

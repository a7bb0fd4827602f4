// Posted commands a second: from `post` to the durable outcome in one process, beside sending the same commands.

import { createRuntime, type Runtime } from '../runtime/index.ts'
import { Account } from './account.ts'
import { measureBank, openReenactBank } from './bank.ts'
import { type BenchContext, type Figure, type Row, rate, scaled } from './measure.ts'
import { serveFile, withServer } from './server-process.ts'

const accounts = 1_000
const inFlight = 64
const batch = 1_000
/** Of a batch, so many for one account. */
const together = 10
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

/** Posts so many, to accounts whose ids begin so. */
type Post = (runtime: Runtime, prefix: string, count: number) => Promise<void>

const deposit = { type: 'deposit', amount: 1 } as const

/** One by one, so many in flight. */
const oneByOne: Post = (runtime, prefix, count) =>
  parallel(count, async (n) => {
    await runtime.post(Account, `${prefix}${n % accounts}`, deposit)
  })

/** A batch after the other. */
const inBatches: Post = async (runtime, prefix, count) => {
  const item = (n: number) => ({
    id: `${prefix}${Math.floor(n / together) % accounts}`,
    command: deposit,
  })
  for (let n = 0; n < count; n += batch) {
    const size = Math.min(batch, count - n)
    await runtime.postMany(
      Account,
      Array.from({ length: size }, (_, at) => item(n + at)),
    )
  }
}

async function posted(store: string, count: number, post: Post): Promise<Figure> {
  const runtime = await createRuntime({ store, actors: [Account] })
  const worker = runtime.work()
  const open = (prefix: string) =>
    parallel(accounts, async (n) => {
      const account = runtime.actor(Account, `${prefix}${n % accounts}`)
      await account.send({ type: 'open', owner: 'Ann' })
    })
  const handled = async (prefix: string, commands: number) => {
    const end = worker.metrics().handled + commands
    await post(runtime, prefix, commands)
    while (worker.metrics().handled < end) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  // Until the compiler has done its work; on accounts of their own, as for the commands that are sent.
  await open('warm')
  await handled('warm', Math.ceil((count * 2) / 3))
  await open('a')
  const figure = await rate(count, () => handled('a', count))
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
    title: 'posted a thousand at a time, ten an actor, and handled',
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
    title: 'posted a thousand at a time, ten an actor, and handled through reenact serve',
    unit: 'commands/s',
    sides: [{ ...reenact, run: (context) => served(context, inBatches) }],
  },
]

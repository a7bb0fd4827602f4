// Posted commands a second: from `post` to the durable outcome in one process, beside sending the same commands.

import { createRuntime } from '../runtime/index.ts'
import { Account } from './account.ts'
import { measureBank, openReenactBank } from './bank.ts'
import { type BenchContext, type Figure, type Row, rate, scaled } from './measure.ts'

const accounts = 1_000
const inFlight = 64
const perRun = 30_000

async function posted(context: BenchContext): Promise<Figure> {
  const count = scaled(perRun, context)
  const runtime = await createRuntime({ store: `file:${context.file}`, actors: [Account] })
  const opening = Array.from({ length: accounts }, (_, id) =>
    runtime.actor(Account, `a${id}`).send({ type: 'open', owner: 'Ann' }),
  )
  await Promise.all(opening)
  const worker = runtime.work()
  let next = 0
  const client = async (): Promise<void> => {
    while (next < count) {
      next += 1
      await runtime.post(Account, `a${next % accounts}`, { type: 'deposit', amount: 1 })
    }
  }
  const figure = await rate(count, async () => {
    await Promise.all(Array.from({ length: inFlight }, client))
    while (worker.metrics().handled < count) await new Promise((resolve) => setTimeout(resolve, 1))
  })
  await runtime.close()
  return figure
}

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
        run: posted,
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
]

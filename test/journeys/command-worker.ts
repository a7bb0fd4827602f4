// The process the worker's kill tests kill: it posts commands, handles them, and says how far it has posted.
//
// `command-worker STORE FIRST COUNT ACTORS DEADLY`: posts numbers from FIRST up to COUNT, some of them again out of order;
// command DEADLY ends the process. Each line is a number that is durably posted; `done` when all commands have an outcome.

import { createRuntime, isReenactError } from '../../runtime/index.ts'
import { Counter } from '../fixtures/counter.ts'

const [store = '', first = '0', count = '0', actors = '1', deadly = '-1'] = process.argv.slice(2)

async function main(): Promise<void> {
  const runtime = await createRuntime({ store, actors: [Counter] })
  runtime.work({ actors: [Counter] })
  const item = (n: number) => ({
    id: `a${n % Number(actors)}`,
    command: { type: n === Number(deadly) ? ('exit' as const) : ('add' as const), n },
    options: { commandId: `number ${n}` },
  })
  for (let n = Number(first); n < Number(count); n += 50) {
    const next = Array.from({ length: Math.min(50, Number(count) - n) }, (_, at) => item(n + at))
    await runtime.postMany(Counter, next)
    process.stdout.write(`${n + next.length}\n`)
    // Again, out of order.
    const older = Array.from({ length: 5 }, () => Math.floor(Math.random() * n))
    await runtime.postMany(
      Counter,
      older.filter((old) => old < n).map((old) => item(old)),
    )
  }
  for (let n = Math.max(0, Number(count) - 2 * Number(actors)); n < Number(count); n += 1) {
    await runtime.outcome(Counter, item(n).id, `number ${n}`).catch((error: unknown) => {
      if (!isReenactError(error, 'CommandParked')) throw error
    })
  }
  await runtime.close()
  process.stdout.write('done\n')
}

await main()

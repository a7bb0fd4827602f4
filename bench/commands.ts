// Durable commands a second, beside bare inserts in batches of the same size.

import { join } from 'node:path'
import { createRuntime } from '../runtime/index.ts'
import { Account } from './account.ts'
import { rawInserts } from './limits.ts'
import { type Comparison, type Figure, rate } from './measure.ts'

interface Load {
  readonly title: string
  readonly actors: number
  readonly inFlight: number
  readonly count: number
  readonly goal: string
  readonly limitName: string
}

let files = 0

async function reenact(folder: string, load: Load): Promise<Figure> {
  files += 1
  const runtime = await createRuntime({
    store: `file:${join(folder, `commands-${files}.db`)}`,
    actors: [Account],
  })
  const actors = Array.from({ length: load.actors }, (_, id) => runtime.actor(Account, `a${id}`))
  await Promise.all(actors.map((actor) => actor.send({ type: 'open', owner: 'Ann' })))
  let sent = 0
  const client = async (): Promise<void> => {
    while (sent < load.count) {
      const actor = actors[sent % load.actors]
      sent += 1
      await actor?.send({ type: 'deposit', amount: 1 })
    }
  }
  const figure = await rate('Reenact', 'commands/s', load.count, async () => {
    await Promise.all(Array.from({ length: load.inFlight }, client))
  })
  await runtime.close()
  return figure
}

const compare = (folder: string, load: Load): Comparison => ({
  title: load.title,
  goal: load.goal,
  round: async () => {
    const ours = await reenact(folder, load)
    files += 1
    const limit = await rate(load.limitName, 'rows/s', load.count, () =>
      rawInserts(join(folder, `raw-${files}.db`), load.count, load.inFlight),
    )
    return [ours, limit]
  },
})

/** The three loads; `scale` multiplies how many commands are sent. */
export const commandBenchmarks = (folder: string, scale: number): readonly Comparison[] => [
  compare(folder, {
    title: 'durable, 1,000 actors, 64 in flight',
    actors: 1_000,
    inFlight: 64,
    count: Math.round(60_000 * scale),
    goal: '≥ 30,000/s, ≥ 0.5',
    limitName: 'SQLite rows, 64 a commit',
  }),
  compare(folder, {
    title: 'durable, one actor, one at a time',
    actors: 1,
    inFlight: 1,
    count: Math.round(5_000 * scale),
    goal: '',
    limitName: 'SQLite rows, one fsync each',
  }),
  compare(folder, {
    title: 'durable, one actor, 64 in flight',
    actors: 1,
    inFlight: 64,
    count: Math.round(60_000 * scale),
    goal: '',
    limitName: 'SQLite rows, 64 a commit',
  }),
]

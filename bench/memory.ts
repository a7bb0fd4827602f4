// What an idle actor in memory costs above its own state.

import { createRuntime } from '../runtime/index.ts'
import { Account } from './account.ts'
import { type BenchContext, type Figure, type Row, scaled } from './measure.ts'
import { openSmall, prepareSmall, smallActors } from './replay.ts'

/** As many as a runtime keeps by default. */
const crowdActors = 100_000

/** Bytes in use after garbage collection. */
export const used = (): number => {
  if (!globalThis.gc) throw new Error('run node with --expose-gc')
  for (let round = 0; round < 4; round += 1) globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Bytes for each entry of a map of plain contexts. */
function plainBytes(count: number): number {
  const before = used()
  const plain = new Map<string, object>()
  for (let id = 0; id < count; id += 1) plain.set(`account-a${id}`, { owner: 'Ann', balance: id })
  return (used() - before) / plain.size
}

async function actorBytes(context: BenchContext): Promise<Figure> {
  const { runtime, ids } = await openSmall(context, false)
  // What is not an actor's is warm before it is weighed.
  for (const id of ids.slice(0, 10)) await runtime.actor(Account, id).state()
  const before = used()
  for (const id of ids.slice(10)) await runtime.actor(Account, id).state()
  const bytes = (used() - before) / (ids.length - 10)
  const { resident } = runtime.metrics()
  if (resident !== ids.length) throw new Error(`${resident} actors are in memory`)
  await runtime.close()
  return { value: bytes - plainBytes(ids.length) }
}

/** All in memory at once, each with one event. The store's part of the heap is counted with them. */
async function crowdBytes(context: BenchContext): Promise<Figure> {
  const runtime = await createRuntime({ store: `file:${context.file}`, actors: [Account] })
  const open = (id: string) => runtime.actor(Account, id).send({ type: 'open', owner: 'Ann' })
  // What is not an actor's is warm before it is weighed.
  for (let id = 0; id < 10; id += 1) await open(`w${id}`)
  const count = Math.min(scaled(crowdActors, context), crowdActors - 10)
  const before = used()
  for (let first = 0; first < count; first += 1_000) {
    const size = Math.min(1_000, count - first)
    await Promise.all(Array.from({ length: size }, (_, at) => open(`a${first + at}`)))
  }
  const bytes = (used() - before) / count
  const { resident } = runtime.metrics()
  if (resident !== count + 10) throw new Error(`${resident} actors are in memory`)
  await runtime.close()
  return { value: bytes - plainBytes(count) }
}

export const memoryRows: readonly Row[] = [
  {
    title: 'an idle actor, 100,000 in memory',
    unit: 'bytes',
    sides: [
      {
        name: 'Reenact: above its context',
        role: 'reenact',
        reach: { atMost: 4_000 },
        run: crowdBytes,
      },
    ],
  },
  {
    title: 'an idle actor of 20 events in memory',
    unit: 'bytes',
    prepare: prepareSmall,
    sides: [
      {
        name: 'Reenact: above its context',
        role: 'reenact',
        reach: { atMost: 512 },
        run: actorBytes,
      },
      {
        name: 'a context in a Map',
        role: 'limit',
        run: async (context) => ({ value: plainBytes(scaled(smallActors, context)) }),
      },
    ],
  },
]

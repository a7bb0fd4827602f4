// What an idle actor in memory costs above its own state.

import { createRuntime } from '../runtime/index.ts'
import { Account } from './account.ts'
import type { Comparison } from './measure.ts'

const eventsEach = 20

const used = (): number => {
  for (let round = 0; round < 4; round += 1) globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Brings `count` actors of 20 events into memory; the limit is a map of their plain contexts. */
export const memoryBenchmark = (folder: string, count: number): Comparison => {
  let round = 0
  return {
    title: `${count.toLocaleString('en')} resident actors`,
    goal: '≤ 4,000 above',
    lower: true,
    round: async () => {
      if (!globalThis.gc) throw new Error('run node with --expose-gc')
      round += 1
      const runtime = await createRuntime({
        store: `file:${folder}/memory-${round}.db`,
        actors: [Account],
        limits: { residentMax: count, passivateAfterMs: 3_600_000, timeoutMs: 600_000 },
      })
      // What is not an actor's is warm before it is weighed.
      await runtime.actor(Account, 'warm').send({ type: 'open', owner: 'Ann' })
      const before = used()
      for (let first = 0; first < count; first += 1_000) {
        const actors = Array.from({ length: 1_000 }, (_, at) =>
          runtime.actor(Account, `a${first + at}`),
        )
        await Promise.all(
          actors.flatMap((actor) => [
            actor.send({ type: 'open', owner: 'Ann' }),
            ...Array.from({ length: eventsEach - 1 }, () =>
              actor.send({ type: 'deposit', amount: 1 }),
            ),
          ]),
        )
      }
      const actors = (used() - before) / count
      await runtime.close()
      const beforePlain = used()
      const plain = new Map<string, object>()
      for (let id = 0; id < count; id += 1)
        plain.set(`account-a${id}`, { owner: `Ann${id}`, balance: id })
      const state = (used() - beforePlain) / plain.size
      return [
        { name: 'Reenact', unit: 'bytes/actor', value: actors },
        { name: 'Map of plain contexts', unit: 'bytes', value: state },
      ]
    },
  }
}

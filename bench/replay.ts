// Replay and activation from a file, beside reading the same JSON with a plain fold.

import { join } from 'node:path'
import { createRuntime, type Runtime } from '../runtime/index.ts'
import { Account, plainFold } from './account.ts'
import { type Comparison, type Figure, median, rate } from './measure.ts'

const inFlight = 1_000

async function fill(runtime: Runtime, id: string, events: number): Promise<void> {
  const actor = runtime.actor(Account, id)
  await actor.send({ type: 'open', owner: 'Ann' })
  for (let sent = 1; sent < events; ) {
    const batch = Math.min(inFlight, events - sent)
    await Promise.all(
      Array.from({ length: batch }, () => actor.send({ type: 'deposit', amount: 1 })),
    )
    sent += batch
  }
}

/** A runtime that never takes snapshots, so that every event is folded. */
const open = (file: string): Promise<Runtime> =>
  createRuntime({
    store: `file:${file}`,
    actors: [Account],
    limits: { snapshotEvery: 1e9, timeoutMs: 600_000 },
  })

/** Replays one long stream. */
export function replayBenchmark(folder: string, events: number): Comparison {
  const file = join(folder, 'replay.db')
  let filled: Promise<void> | undefined
  const prepare = async () => {
    const runtime = await open(file)
    await fill(runtime, 'long', events)
    await runtime.close()
  }
  return {
    title: `replay of ${events.toLocaleString('en')} events`,
    goal: '≥ 250,000/s',
    round: async () => {
      filled ??= prepare()
      await filled
      const runtime = await open(file)
      const ours = await rate('Reenact', 'events/s', events, async () => {
        const { revision } = await runtime.actor(Account, 'long').replay({ revision: events })
        if (revision !== events - 1) throw new Error(`replayed to ${revision}`)
      })
      const texts = await readTexts(runtime, events)
      const limit = await rate('JSON.parse + plain fold', 'events/s', events, () => {
        let state = { balance: 0 }
        for (const text of texts) state = plainFold(state, JSON.parse(text))
        if (state.balance !== events - 1) throw new Error(`folded to ${state.balance}`)
      })
      await runtime.close()
      return [ours, limit]
    },
  }
}

async function readTexts(runtime: Runtime, events: number): Promise<string[]> {
  const texts: string[] = []
  while (texts.length < events) {
    const page = await runtime.store.readStream('account-long', { from: texts.length })
    for (const { type, data } of page.events) {
      texts.push(
        type === 'Deposited' ? `{"type":"Deposited",${data.slice(1)}` : '{"type":"Opened"}',
      )
    }
  }
  return texts
}

/** Time until an actor of 1,000 events that is not in memory answers. */
export function activationBenchmark(folder: string): Comparison {
  const events = 1_000
  const tries = 50
  const p50 = async (file: string, name: string): Promise<Figure> => {
    const runtime = await createRuntime({ store: `file:${file}?mode=ro`, actors: [Account] })
    const times: number[] = []
    for (let count = 0; count < tries; count += 1) {
      const start = performance.now()
      await runtime.actor(Account, 'one').replay({ revision: events })
      times.push((performance.now() - start) * 1000)
    }
    await runtime.close()
    return { name, unit: 'µs p50', value: median(times) }
  }
  const whole = join(folder, 'activation.db')
  const snapshotted = join(folder, 'activation-snapshot.db')
  let filled: Promise<void> | undefined
  const prepare = async () => {
    const runtime = await open(whole)
    await fill(runtime, 'one', events)
    await runtime.close()
    const other = await createRuntime({
      store: `file:${snapshotted}`,
      actors: [Account],
      limits: { snapshotEvery: 500 },
    })
    await fill(other, 'one', events)
    await other.close()
  }
  return {
    title: 'activation of a 1,000-event actor',
    goal: '',
    lower: true,
    round: async () => {
      filled ??= prepare()
      await filled
      return [await p50(whole, 'Reenact'), await p50(snapshotted, 'from a snapshot')]
    },
  }
}

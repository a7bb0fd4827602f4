// The development server through EventStoreDB's unmodified client, beside the same client against a server that does
// nothing. Servers are processes of their own; the served store is a file.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import {
  EventStoreDBClient,
  jsonEvent,
  persistentSubscriptionToStreamSettingsFromDefaults as settings,
} from '@eventstore/db-client'
import { type Comparison, type Figure, rate } from './measure.ts'

const limitName = 'the client, a server that does nothing'
const highWaterMark = 1_024

type Load = (client: EventStoreDBClient, stream: string) => Promise<void>

/** Appends one by one and together, reading, subscribing, and a persistent subscription with an ack for each event. */
export function serverBenchmarks(folder: string, scale: number): readonly Comparison[] {
  const count = (full: number): number => Math.max(200, Math.round(full * scale))
  const read = count(100_000)
  const filled = fill(read)
  const settled = settings({ startFrom: 'start' })
  const grouped: Load = async (client, stream) => {
    await filled(client, stream)
    await client.createPersistentSubscriptionToStream(stream, group, settled)
  }
  const loads: readonly (readonly [string, string, number, (total: number) => Load, Load?])[] = [
    ['appends, one at a time', 'appends/s', count(3_000), appends(1)],
    ['appends, 64 in flight', 'appends/s', count(30_000), appends(64)],
    ['events read', 'events/s', read, reading, filled],
    ['events of a subscription', 'events/s', read, subscribing, filled],
    ['acks of a persistent subscription', 'acks/s', read, acknowledging, grouped],
  ]
  return loads.map(([title, unit, total, load, before]) => ({
    title: `server: ${title}`,
    goal: '0.5',
    round: async () => {
      const store = `file:${join(folder, `server-${Math.random()}.db`)}`
      const serve = ['../runtime/cli/main.js', 'serve', '--port', '0', '--store', store]
      const nothing = ['./null-server.js', String(total)]
      return [
        await measured('Reenact', serve, total, unit, load(total), before),
        await measured(limitName, nothing, total, unit, load(total)),
      ]
    },
  }))
}

const group = 'bench'

/** So many events in one stream. */
const fill =
  (total: number): Load =>
  async (client, stream) => {
    for (let left = total; left > 0; left -= 1_000) {
      await client.appendToStream(stream, events(Math.min(left, 1_000)))
    }
  }

const appends =
  (inFlight: number) =>
  (total: number): Load =>
  async (client) => {
    const worker = async (first: number): Promise<void> => {
      for (let n = first; n < total; n += inFlight) {
        await client.appendToStream(`account-${n % 1_000}`, events(1))
      }
    }
    await Promise.all(Array.from({ length: inFlight }, (_, index) => worker(index)))
  }

const reading =
  (total: number): Load =>
  (client, stream) =>
    seen(total, client.readStream(stream, { maxCount: total }, { highWaterMark }))

const subscribing =
  (total: number): Load =>
  async (client, stream) => {
    const subscription = client.subscribeToStream(stream, {}, { highWaterMark })
    await seen(total, subscription)
    await subscription.unsubscribe()
  }

const acknowledging =
  (total: number): Load =>
  async (client, stream) => {
    const options = { bufferSize: 100 }
    const subscription = client.subscribeToPersistentSubscriptionToStream(stream, group, options, {
      highWaterMark,
    })
    subscription.on('data', (event) => void subscription.ack(event))
    await seen(total, subscription)
    await subscription.unsubscribe()
  }

/** Resolves with the last of so many events. */
const seen = (total: number, stream: NodeJS.EventEmitter): Promise<void> =>
  new Promise((resolve, reject) => {
    let left = total
    stream.on('data', () => {
      left -= 1
      if (left === 0) resolve()
    })
    stream.on('error', reject)
    stream.on('end', () => left > 0 && reject(new Error(`${left} of ${total} events are missing`)))
  })

const events = (count: number) =>
  Array.from({ length: count }, () =>
    jsonEvent({
      type: 'Deposited',
      data: { amount: 1, owner: 'Ann' },
      metadata: { time: 1_700_000_000_000 },
    }),
  )

/** Starts a server, connects, runs the load and stops both. */
async function measured(
  name: string,
  [script = '', ...args]: readonly string[],
  total: number,
  unit: string,
  run: Load,
  before?: Load,
): Promise<Figure> {
  const server = spawn(
    process.execPath,
    [fileURLToPath(new URL(script, import.meta.url)), ...args],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  try {
    const [address] = (await once(createInterface({ input: server.stdout }), 'line')) as [string]
    const client = EventStoreDBClient.connectionString(address)
    await client.appendToStream('warm-1', events(1))
    await before?.(client, 'account-1')
    const figure = await rate(name, unit, total, () => run(client, 'account-1'))
    await client.dispose()
    return figure
  } finally {
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
}

// The development server through EventStoreDB's unmodified client, beside the same client against a server that does
// nothing. Servers are processes of their own; the served store is a file.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import {
  EventStoreDBClient,
  jsonEvent,
  persistentSubscriptionToStreamSettingsFromDefaults as settings,
} from '@eventstore/db-client'
import { type Figure, type Row, rate, scaled } from './measure.ts'

const highWaterMark = 1_024

type Load = (client: EventStoreDBClient, stream: string) => Promise<void>

/** What is done of a row's work, and what has to be there before. */
interface Work {
  readonly title: string
  readonly unit: string
  readonly count: number
  load(total: number): Load
  before?(total: number): Load
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

const fillAndGroup =
  (total: number): Load =>
  async (client, stream) => {
    await fill(total)(client, stream)
    await client.createPersistentSubscriptionToStream(
      stream,
      group,
      settings({ startFrom: 'start' }),
    )
  }

const works: readonly Work[] = [
  { title: 'appends, one at a time', unit: 'appends/s', count: 3_000, load: appends(1) },
  { title: 'appends, 64 in flight', unit: 'appends/s', count: 30_000, load: appends(64) },
  { title: 'events read', unit: 'events/s', count: 100_000, load: reading, before: fill },
  {
    title: 'events of a subscription',
    unit: 'events/s',
    count: 100_000,
    load: subscribing,
    before: fill,
  },
  {
    title: 'acks of a persistent subscription',
    unit: 'acks/s',
    count: 100_000,
    load: acknowledging,
    before: fillAndGroup,
  },
]

/** The development server over a file, through the client; and the client's own limit. */
export const serverRows: readonly Row[] = works.map(({ title, unit, count, load, before }) => ({
  title: `server: ${title}`,
  unit,
  sides: [
    {
      name: 'Reenact',
      role: 'reenact',
      durability: 'fsync',
      run: (context) => {
        const total = scaled(count, context)
        const serve = ['serve', '--port', '0', '--store', `file:${context.file}`]
        return measured(['../runtime/cli/main.js', ...serve], total, load, before)
      },
    },
    {
      name: 'the client, a server that does nothing',
      role: 'limit',
      reach: { atLeast: 0.5 },
      run: (context) => {
        const total = scaled(count, context)
        return measured(['./null-server.js', String(total)], total, load)
      },
    },
  ],
}))

/** Starts a server, connects, runs the load and stops both. */
async function measured(
  [script = '', ...args]: readonly string[],
  total: number,
  load: (total: number) => Load,
  before?: (total: number) => Load,
): Promise<Figure> {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const server = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    const lines = createInterface({ input: server.stdout })
    const [address] = (await once(lines, 'line')) as [string]
    const client = EventStoreDBClient.connectionString(address)
    await client.appendToStream('warm-1', events(1))
    await before?.(total)(client, 'account-1')
    const figure = await rate(total, () => load(total)(client, 'account-1'))
    await client.dispose()
    return figure
  } finally {
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
}

// The development server through EventStoreDB's unmodified client, beside the same client against a server that does
// nothing. Servers are processes of their own; the served store is a file.

import {
  EventStoreDBClient,
  jsonEvent,
  persistentSubscriptionToStreamSettingsFromDefaults as settings,
} from '@eventstore/db-client'
import { type BenchContext, type Figure, type Reach, type Row, rate, scaled } from './measure.ts'
import { type ServerScript, serveFile, withServer } from './server-process.ts'

const limitName = 'the client, a server that does nothing'
const highWaterMark = 1_024

type Load = (client: EventStoreDBClient, stream: string) => Promise<void>

interface ServerRow {
  readonly title: string
  readonly unit: string
  readonly total: number
  readonly reach?: Reach
  load(total: number): Load
  before?(total: number): Load
}

const serverRow = ({ title, unit, total, reach, load, before }: ServerRow): Row => {
  const count = (context: BenchContext): number => Math.max(200, scaled(total, context))
  return {
    title: `server: ${title}`,
    unit,
    sides: [
      {
        name: 'Reenact',
        role: 'reenact',
        ...(reach && { reach }),
        run: (context) => measured(serveFile(context.file), count(context), load, before),
      },
      {
        name: limitName,
        role: 'limit',
        reach: { atLeast: 0.5 },
        run: (context) => {
          const total = count(context)
          return measured(['./null-server.js', String(total)], total, load)
        },
      },
    ],
  }
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
function measured(
  server: ServerScript,
  total: number,
  load: (total: number) => Load,
  before?: (total: number) => Load,
): Promise<Figure> {
  return withServer(server, async (address) => {
    const client = EventStoreDBClient.connectionString(address)
    await client.appendToStream('warm-1', events(1))
    await before?.(total)(client, 'account-1')
    const figure = await rate(total, () => load(total)(client, 'account-1'))
    await client.dispose()
    return figure
  })
}

const grouped =
  (total: number): Load =>
  async (client, stream) => {
    await fill(total)(client, stream)
    const settled = settings({ startFrom: 'start' })
    await client.createPersistentSubscriptionToStream(stream, group, settled)
  }

const read = { unit: 'events/s', total: 50_000, before: fill }

/** Appends one by one and together, reading, subscribing, and a persistent subscription with an ack for each event. */
export const serverRows: readonly Row[] = [
  serverRow({
    title: 'appends, one at a time',
    unit: 'appends/s',
    total: 2_000,
    load: appends(1),
  }),
  serverRow({
    title: 'appends, 64 in flight',
    unit: 'appends/s',
    total: 20_000,
    load: appends(64),
  }),
  serverRow({ title: 'events read', ...read, load: reading }),
  serverRow({ title: 'events of a subscription', ...read, load: subscribing }),
  serverRow({
    title: 'acks of a persistent subscription',
    unit: 'acks/s',
    reach: { atLeast: 15_000 },
    total: 50_000,
    load: acknowledging,
    before: grouped,
  }),
]

// What the tests of the server share: one server and one unmodified client for a file of tests.

import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import {
  EventStoreDBClient,
  type EventTypeToRecordedEvent,
  type JSONEventType,
  jsonEvent,
  type ResolvedEvent,
} from '@eventstore/db-client'
import { expect } from 'chai'
import {
  type EventStoreServer,
  type ServerOptions,
  startServer,
} from '../../../runtime/server/index.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

/** A server and a client of it, begun before the tests of a suite and ended after them. */
export interface Serving {
  readonly client: EventStoreDBClient
  readonly server: EventStoreServer
}

/** Serves an empty store for the suite this is called in. */
export function serving(options: Partial<ServerOptions> = {}): Serving {
  let server: EventStoreServer
  let client: EventStoreDBClient
  before(async () => {
    server = await startServer({ store: 'memory:', port: 0, ...options })
    client = EventStoreDBClient.connectionString(server.connectionString)
  })
  // Two processes' worth of work in one, on machines that have other work too.
  beforeEach(function () {
    this.currentTest?.timeout(60_000)
  })
  after(async () => {
    await client.dispose()
    await server.close()
  })
  return {
    get client() {
      return client
    },
    get server() {
      return server
    },
  }
}

/** The address of a file that nobody has, removed after the suite this is called in. */
export function storeFile(): () => string {
  const directory = temporaryFolder()
  let files = 0
  return () => {
    files += 1
    return `file:${join(directory, `${files}.db`)}`
  }
}

/** The life of one server on a store: starts it, works with a client, and stops it. */
export async function servedOnce<Result>(
  store: string,
  work: (client: EventStoreDBClient) => Promise<Result>,
): Promise<Result> {
  const server = await startServer({ store, port: 0 })
  const client = EventStoreDBClient.connectionString(server.connectionString)
  try {
    return await work(client)
  } finally {
    await client.dispose()
    await server.close()
  }
}

/** What is asked for again and again until it is so. */
export async function until<Value>(
  ask: () => Promise<Value>,
  isSo: (value: Value) => boolean,
): Promise<Value> {
  for (;;) {
    const value = await ask()
    if (isSo(value)) return value
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** A name no other test uses. */
export const newStream = (category = 'account'): string => `${category}-${randomUUID()}`

export type Happened = JSONEventType<'Happened' | 'Other', { readonly n: number }>

/** So many events, numbered from 0. */
export const happened = (count: number, first = 0) =>
  Array.from({ length: count }, (_, n) =>
    jsonEvent<Happened>({ type: 'Happened', data: { n: first + n } }),
  )

/** Everything a read or a finite part of a subscription yields. */
export async function all<Item>(stream: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = []
  for await (const item of stream) items.push(item)
  return items
}

/** The first so many events of a subscription, which goes on. */
export function take(subscription: NodeJS.EventEmitter, count: number): Promise<ResolvedEvent[]> {
  const events: ResolvedEvent[] = []
  return new Promise((resolve, reject) => {
    const hear = (event: unknown) => {
      events.push(event as ResolvedEvent)
      if (events.length < count) return
      subscription.off('data', hear)
      resolve(events)
    }
    subscription.on('data', hear)
    subscription.on('error', reject)
  })
}

/** The next time something is said. */
export const said = (emitter: NodeJS.EventEmitter, event: string): Promise<unknown> =>
  new Promise((resolve) => emitter.once(event, resolve))

/** The numbers that `happened` gave. */
export const numbers = (events: readonly ResolvedEvent[]): number[] =>
  events.map(({ event }) => (event as EventTypeToRecordedEvent<Happened>).data.n)

/** Revisions of events, or of the links that led to them. */
export const revisions = (events: readonly ResolvedEvent[]): number[] =>
  events.map(({ event, link }) => Number((link ?? event)?.revision))

/** The error a promise ends with. Fails when there is none. */
export async function errorOf(promise: Promise<unknown>): Promise<Record<string, unknown>> {
  try {
    await promise
  } catch (error) {
    return error as Record<string, unknown>
  }
  expect.fail('it did not fail')
}

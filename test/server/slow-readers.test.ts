// Clients that do not read what they asked for: the server holds little of it, and goes on for others.

import { EventStoreDBClient, jsonEvent, START } from '@eventstore/db-client'
import { expect } from 'chai'
import type { RecordedEvent, Subscription } from '../../runtime/ports/event-store.ts'
import { createMemoryStore } from '../../runtime/stores/memory/memory-store.ts'
import { serving, until } from './support/serving.ts'

const eventBytes = 60_000
const eventCount = 100

describe('server: clients that do not read', () => {
  let bytesRead = 0
  const count = (events: readonly RecordedEvent[]): void => {
    for (const { data } of events) bytesRead += data.length
  }
  // The store, and how much was asked of it.
  const memory = createMemoryStore()
  const store = new Proxy(memory, {
    get(target, name: keyof typeof memory) {
      if (name === 'readAll') {
        return async (...options: Parameters<typeof memory.readAll>) => {
          const page = await target.readAll(...options)
          count(page.events)
          return page
        }
      }
      if (name === 'subscribe') {
        return (...options: Parameters<typeof memory.subscribe>): Subscription => {
          const subscription = target.subscribe(...options)
          return {
            close: () => subscription.close(),
            async *[Symbol.asyncIterator]() {
              for await (const message of subscription) {
                if (message.kind === 'events') count(message.events)
                yield message
              }
            },
          }
        }
      }
      const member = target[name]
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
  const serve = serving({ store })
  before(async () => {
    const data = { text: 'x'.repeat(eventBytes) }
    for (let n = 0; n < eventCount; n += 10) {
      const events = Array.from({ length: 10 }, () => jsonEvent({ type: 'Large', data }))
      await serve.client.appendToStream('large-1', events)
    }
  })
  after(() => memory.close())
  beforeEach(() => {
    bytesRead = 0
  })

  const stalled = {
    'a read of the log': (client: EventStoreDBClient) =>
      client.readAll({ maxCount: eventCount }, { highWaterMark: 1 }),
    'a subscription to the log': (client: EventStoreDBClient) =>
      client.subscribeToAll({ fromPosition: START }, { highWaterMark: 1 }),
    'a subscription to a stream': (client: EventStoreDBClient) =>
      client.subscribeToStream('large-1', { fromRevision: START }, { highWaterMark: 1 }),
  }
  for (const [what, begin] of Object.entries(stalled)) {
    it(`${what}: a small part is held, and all of it comes when it is wanted`, async () => {
      const client = EventStoreDBClient.connectionString(serve.server.connectionString)
      const stream = begin(client)
      stream.on('error', () => {})
      let received = 0
      await new Promise<void>((resolve) => {
        stream.on('data', () => {
          received += 1
          if (received > 1) return
          stream.pause()
          resolve()
        })
      })
      // Reading goes on until nothing more can be sent: then it stands still.
      let before = -1
      await until(
        async () => {
          const stands = bytesRead === before
          before = bytesRead
          await serve.client.appendToStream('other-1', jsonEvent({ type: 'Small', data: {} }))
          return stands
        },
        (stands) => stands,
      )
      expect(bytesRead).to.be.below((eventBytes * eventCount) / 2)
      stream.resume()
      await until(
        async () => received,
        (count) => count >= eventCount,
      )
      await client.dispose()
    })
  }
})

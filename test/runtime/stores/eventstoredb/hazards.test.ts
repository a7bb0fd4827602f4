// What can go wrong between the EventStoreDB store and its server, made to go wrong.

import { randomUUID } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import {
  EventStoreDBClient,
  persistentSubscriptionToAllSettingsFromDefaults,
} from '@eventstore/db-client'
import { Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js'
import { expect } from 'chai'
import { decode } from '../../../../runtime/codec/codec.ts'
import { isReenactError } from '../../../../runtime/core/errors.ts'
import type { EventStore, EventToAppend } from '../../../../runtime/ports/event-store.ts'
import { type EventStoreServer, startServer } from '../../../../runtime/server/index.ts'
import { serviceDefinition } from '../../../../runtime/server/protocol/services.ts'
import { openEventStoreDb } from '../../../../runtime/stores/eventstoredb/eventstoredb-store.ts'
import { createMemoryStore } from '../../../../runtime/stores/memory/memory-store.ts'
import { createFaultyStore, createManualPorts } from '../../../../runtime/testing/index.ts'
import { makeCertificate } from '../../../server/support/certificate.ts'
import { type NetworkProxy, proxyTo } from '../../../server/support/proxy.ts'
import { errorOf } from '../../../server/support/serving.ts'

const event = (n = 0): EventToAppend => ({
  id: randomUUID(),
  type: 'Happened',
  data: `{"n":${n}}`,
  metadata: '{}',
})

describe('EventStoreDB store: hazards', function () {
  this.timeout(60_000)
  let server: EventStoreServer
  let proxy: NetworkProxy
  let store: EventStore
  const inner = () => createMemoryStore()
  const closers: (() => Promise<void>)[] = []
  const begin = async (served: EventStore = inner(), timeoutMs = 10_000): Promise<EventStore> => {
    server = await startServer({ store: served, port: 0 })
    proxy = await proxyTo(server.port)
    store = await openEventStoreDb(`esdb://127.0.0.1:${proxy.port}?tls=false`, { timeoutMs })
    closers.push(
      () => store.close(),
      () => proxy.close(),
      () => server.close(),
    )
    return store
  }
  /** How often the served store was read so far. */
  const beginCounted = async (): Promise<() => number> => {
    let reads = 0
    const counted = new Proxy(inner(), {
      get: (target, name) => {
        if (name === 'readAll' || name === 'readStream' || name === 'streamMetadata') reads += 1
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    await begin(counted)
    return () => reads
  }
  const append = (
    events: readonly EventToAppend[],
    expected: number | 'none',
    stream = 'account-1',
  ) => store.append(stream, events, { expected })
  /** As an actor does: the identical request until the outcome is definite. */
  const insist = async (events: readonly EventToAppend[], expected: number | 'none') => {
    for (;;) {
      const outcome = await append(events, expected)
      if (outcome.outcome !== 'unknown') return outcome
    }
  }
  afterEach(async () => {
    for (const close of closers.splice(0)) await close()
  })

  it('a server that stays silent: unknown, within our own time', async () => {
    const faulty = createFaultyStore(inner(), { ports: createManualPorts() })
    await begin(faulty, 300)
    faulty.script({ kind: 'hang', arrives: false })
    const outcome = await append([event()], 'none')
    expect(outcome.outcome).to.equal('unknown')
  })
  it('silent though it was written: the same request again is recognised', async () => {
    const faulty = createFaultyStore(inner(), { ports: createManualPorts() })
    await begin(faulty, 300)
    const events = [event(1), event(2)]
    faulty.script({ kind: 'hang', arrives: true })
    expect((await append(events, 'none')).outcome).to.equal('unknown')
    expect((await insist(events, 'none')).outcome).to.equal('committed')
    expect((await store.readStream('account-1')).head).to.equal(1)
  })
  it('a network that swallows everything: unknown, and reads fail with what to do', async () => {
    await begin(inner(), 300)
    await append([event()], 'none')
    proxy.swallow()
    expect((await append([event()], 0)).outcome).to.equal('unknown')
    const error = await errorOf(store.readStream('account-1'))
    expect([error['code'], error['retryable']]).to.deep.equal(['StoreUnavailable', true])
  })
  it('a connection that is cut: unknown, then the same request again succeeds once', async () => {
    await begin()
    const events = Array.from({ length: 50 }, (_, n) => event(n))
    for (const [n, one] of events.entries()) {
      const outcome = insist([one], n === 0 ? 'none' : n - 1)
      if (n % 10 === 5) proxy.cut()
      expect((await outcome).outcome).to.equal('committed')
    }
    const page = await store.readStream('account-1')
    expect(page.events.map(({ id }) => id)).to.deep.equal(events.map(({ id }) => id))
  })
  it('a cut connection breaks no read: it is read again', async () => {
    await begin()
    await append(
      Array.from({ length: 100 }, (_, n) => event(n)),
      'none',
    )
    const reads = Array.from({ length: 20 }, () => store.readStream('account-1'))
    proxy.cut()
    for (const page of await Promise.all(reads)) expect(page.events.length).to.equal(100)
  })
  it('a subscription that is cut goes on where it was: nothing lost, nothing twice', async () => {
    const served = inner()
    await begin(served)
    const seen: string[] = []
    const written: string[] = []
    const reading = (async () => {
      for await (const message of store.subscribe()) {
        if (message.kind === 'events') seen.push(...message.events.map(({ id }) => id))
        if (seen.length >= 60) return
      }
    })()
    for (let n = 0; n < 60; n += 1) {
      const one = event(n)
      written.push(one.id)
      await served.append('account-1', [one], { expected: 'any' })
      if (n % 20 === 10) proxy.cut()
    }
    await reading
    expect(seen).to.deep.equal(written)
  })
  it('a clock that is behind the server’s: told at once, not an endless timeout', async () => {
    const ports = createManualPorts({ startMs: Date.now() + 3_600_000 })
    server = await startServer({ store: 'memory:', port: 0, ports: { clock: ports.clock } })
    closers.push(() => server.close())
    const error = await errorOf(openEventStoreDb(server.connectionString))
    expect((error['details'] as { reason: string }).reason).to.equal('clock-skew')
    expect(error['message']).to.include('clock skew suspected')
  })
  it('a clock that falls behind later: unknown, and the reason', async () => {
    const ports = createManualPorts({ startMs: Date.now() })
    server = await startServer({ store: 'memory:', port: 0, ports: { clock: ports.clock } })
    store = await openEventStoreDb(server.connectionString)
    closers.push(
      () => store.close(),
      () => server.close(),
    )
    ports.jump(3_600_000)
    const outcome = await append([event()], 'none')
    expect(outcome.outcome).to.equal('unknown')
    expect(isReenactError('error' in outcome && outcome.error, 'StoreUnavailable')).to.equal(true)
  })
  it('a stream that nobody wrote: one look where its events are all that is wanted', async () => {
    const reads = await beginCounted()
    const looksFor = async (eventsOnly: boolean): Promise<number> => {
      const before = reads()
      const page = await store.readStream('account-nobody', { eventsOnly })
      expect(page).to.deep.equal({ events: [], head: -1, deleted: 'no', end: true })
      return reads() - before
    }
    expect(await looksFor(true)).to.be.lessThan(await looksFor(false))
  })
  it('many reads at once wait for each other, not for the server', async () => {
    let open = 0
    let most = 0
    const slow = new Proxy(inner(), {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return async (...given: unknown[]) => {
          open += 1
          most = Math.max(most, open)
          if (name === 'readStream') await new Promise((resolve) => setTimeout(resolve, 1))
          open -= 1
          return value.apply(target, given)
        }
      },
    })
    await begin(slow)
    await append([event()], 'none')
    const pages = await Promise.all(
      Array.from({ length: 300 }, () => store.readStream('account-1')),
    )
    expect(pages.map(({ head }) => head)).to.deep.equal(pages.map(() => 0))
    expect(most).to.be.within(2, 64)
  })
  it('an append whose time nobody needs is not read back', async () => {
    const reads = await beginCounted()
    const readsFor = async (timeNeeded: boolean): Promise<number> => {
      const before = reads()
      const given = { expected: 'any', timeNeeded } as const
      expect((await store.append('account-1', [event()], given)).outcome).to.equal('committed')
      return reads() - before
    }
    expect(await readsFor(false)).to.be.lessThan(await readsFor(true))
  })
  it('not the leader: unknown, then the leader takes it', async () => {
    const leader = await startServer({ store: 'memory:', port: 0 })
    const follower = new Server()
    const trailers = new Metadata()
    trailers.set('exception', 'not-leader')
    trailers.set('leader-endpoint-host', '127.0.0.1')
    trailers.set('leader-endpoint-port', String(leader.port))
    const notLeader = {
      code: status.NOT_FOUND,
      details: 'Leader info available',
      metadata: trailers,
    }
    const refuse = (call: { emit(event: string, error: unknown): void }) =>
      call.emit('error', notLeader)
    follower.addService(serviceDefinition('event_store.client.streams.Streams'), {
      Read: (call: { end(): void }) => call.end(),
      BatchAppend: refuse,
      Append: refuse,
      Delete: refuse,
      Tombstone: refuse,
    })
    follower.addService(serviceDefinition('event_store.client.server_features.ServerFeatures'), {
      GetSupportedMethods: (_: unknown, answer: (error: null, value: object) => void) =>
        answer(null, {
          methods: [
            {
              methodName: 'batchappend',
              serviceName: 'event_store.client.streams.Streams',
              features: [],
            },
          ],
          eventStoreServerVersion: '23.10.0',
        }),
    })
    const port = await new Promise<number>((resolve, reject) =>
      follower.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    )
    store = await openEventStoreDb(`esdb://127.0.0.1:${port}?tls=false`)
    closers.push(
      () => store.close(),
      () => leader.close(),
      async () => follower.forceShutdown(),
    )
    expect((await insist([event(7)], 'none')).outcome).to.equal('committed')
    const client = EventStoreDBClient.connectionString(leader.connectionString)
    const found: unknown[] = []
    for await (const { event: stored } of client.readStream('account-1')) found.push(stored?.data)
    await client.dispose()
    expect(found).to.deep.equal([{ n: 7 }])
  })
  it('malformed JSON of another program: read, and refused by the codec', async () => {
    const served = inner()
    await begin(served)
    await served.append('account-1', [{ ...event(), data: '{"n":' }], { expected: 'none' })
    const [found] = (await store.readStream('account-1')).events
    expect(() => decode(found?.data ?? '{}')).to.throw()
  })
  it('a tombstone: refused for ever', async () => {
    await begin()
    await append([event()], 'none')
    await store.tombstoneStream('account-1')
    const outcome = await append([event()], 0)
    expect(outcome.outcome).to.equal('refused')
    await store.tombstoneStream('account-1')
  })
  it('denied access: refused and told, when opening too', async () => {
    const files = await makeCertificate()
    const tls = { certificate: readFileSync(files.certificate), key: readFileSync(files.key) }
    const served = inner()
    const users = { eve: { password: 'x', groups: ['sales'] } }
    server = await startServer({ store: served, port: 0, tls, users })
    closers.push(() => server.close())
    const address = `esdb://eve:x@127.0.0.1:${server.port}?tlsCAFile=${encodeURIComponent(files.certificate)}`
    const wrong = await errorOf(openEventStoreDb(address.replace(':x@', ':y@')))
    const withoutLog = await errorOf(openEventStoreDb(address))
    const rules = (data: string): EventToAppend => ({ ...event(), type: '$metadata', data })
    const give = (stream: string, acl: string) =>
      served.append(`$$${stream}`, [rules(`{"$acl":${acl}}`)], { expected: 'none' })
    await give('$all', '{"$r":"sales"}')
    await give('account-1', '{"$w":"$admins"}')
    store = await openEventStoreDb(address)
    closers.unshift(() => store.close())
    const outcome = await append([event()], 'none')
    for (const error of [wrong, withoutLog, 'error' in outcome && outcome.error]) {
      expect(isReenactError(error, 'StoreUnavailable') && error.details.reason).to.equal('denied')
    }
    expect(outcome.outcome).to.equal('refused')
    expect((await append([event()], 'none', 'account-2')).outcome).to.equal('committed')
    rmSync(files.folder, { recursive: true })
  })
  it('DEBUG that would print the password is warned about', async () => {
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
    const before = process.env['DEBUG']
    process.env['DEBUG'] = 'esdb:*'
    try {
      await begin()
    } finally {
      if (before === undefined) delete process.env['DEBUG']
      else process.env['DEBUG'] = before
    }
    expect((await warned).message).to.include('password')
  })

  describe('connection strings that cannot work', () => {
    const refused = async (address: string, what: string) => {
      const error = await errorOf(openEventStoreDb(address))
      expect(error['code']).to.equal('InvalidOption')
      expect(error['message']).to.include(what)
      expect(error['message']).not.to.include('s3cret')
    }
    it('a password without TLS, which would not be sent', () =>
      refused('esdb://ann:s3cret@127.0.0.1:1?tls=false', 'without TLS'))
    it('throwOnAppendFailure=false, which hides outcomes', () =>
      refused('esdb://127.0.0.1:1?throwOnAppendFailure=false', 'throwOnAppendFailure'))
    it('nonsense, without the password in the message', () =>
      refused('esdb://ann:s3cret@:?', 'connection string'))
    it('a second server while the first is open', async () => {
      await begin()
      await refused('esdb://127.0.0.1:1?tls=false', 'connected to another')
    })
    it('the same server twice is one client, which lasts until both are closed', async () => {
      await begin()
      const second = await openEventStoreDb(`esdb://127.0.0.1:${proxy.port}?tls=false`)
      await second.close()
      expect((await append([event()], 'none')).outcome).to.equal('committed')
    })
    it('nobody there: told, with what to do', async () => {
      const error = await errorOf(
        openEventStoreDb('esdb://127.0.0.1:1?tls=false', { timeoutMs: 200 }),
      )
      expect(error['code']).to.equal('StoreUnavailable')
      expect(error['message']).to.include('Check that it runs')
    })
  })

  it('a group whose maker was interrupted can be joined: the next who makes it records it', async () => {
    await begin()
    const name = 'workers'
    const client = EventStoreDBClient.connectionString(`esdb://127.0.0.1:${server.port}?tls=false`)
    closers.unshift(() => client.dispose())
    const settings = persistentSubscriptionToAllSettingsFromDefaults()
    await client.createPersistentSubscriptionToAll(name, settings)
    expect((await errorOf(store.groups.consume({ name })))['code']).to.equal('GroupNotFound')
    const filter = { streamPrefix: 'account-' }
    expect((await errorOf(store.groups.create({ name, filter })))['code']).to.equal('GroupExists')
    const consumer = await store.groups.consume({ name })
    await append([event()], 'none', 'other-1')
    await append([event()], 'none')
    for await (const [delivery] of consumer) {
      expect(delivery?.event.stream).to.equal('account-1')
      break
    }
  })
  it('a group that was deleted past its record is not listed, and can be made again', async () => {
    await begin()
    const name = 'workers'
    await store.groups.create({ name, filter: { streamPrefix: 'account-' } })
    const client = EventStoreDBClient.connectionString(`esdb://127.0.0.1:${server.port}?tls=false`)
    closers.unshift(() => client.dispose())
    await client.deletePersistentSubscriptionToAll(name)
    expect(await store.groups.list()).to.deep.equal([])
    await store.groups.create({ name, filter: { streamPrefix: 'order-' } })
    const listed = await store.groups.list()
    expect(listed.map(({ filter }) => filter)).to.deep.equal([{ streamPrefix: 'order-' }])
  })
  it('keys of the state are read again where somebody else changed them, and only there', async () => {
    const reads = await beginCounted()
    const other = await openEventStoreDb(`esdb://127.0.0.1:${proxy.port}?tls=false`)
    closers.unshift(() => other.close())
    const names = Array.from({ length: 20 }, (_, n) => `k${String(n).padStart(2, '0')}`)
    for (const name of names) await other.state.put(name, 'x')
    expect(await store.state.keys('k')).to.deep.equal(names)
    const before = reads()
    expect(await store.state.keys('k')).to.deep.equal(names)
    expect(reads() - before).to.be.lessThan(names.length)
    await other.state.delete('k03')
    expect(await store.state.keys('k')).to.deep.equal(names.filter((name) => name !== 'k03'))
    await other.state.put('k03', 'y')
    await other.state.put('k04', 'y')
    expect(await store.state.keys('k')).to.deep.equal(names)
  })
})

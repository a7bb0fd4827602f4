// The node itself: what it can do, who it is, how it stops, and what other clients send.

import { randomUUID } from 'node:crypto'
import { EventStoreDBClient } from '@eventstore/db-client'
import gossipPb from '@eventstore/db-client/generated/gossip_pb.js'
import { Client, credentials, Metadata } from '@grpc/grpc-js'
import { expect } from 'chai'
import protobuf from 'protobufjs'
import { startServer } from '../../runtime/server/index.ts'
import { createMemoryStore } from '../../runtime/stores/memory/memory-store.ts'
import { proxyTo } from './support/proxy.ts'
import {
  all,
  errorOf,
  happened,
  newStream,
  numbers,
  said,
  servedOnce,
  serving,
  storeFile,
} from './support/serving.ts'

const uuid = '0d8ca9e8-f4c5-4a4e-9c5b-8f9bd3a1c2ff'
const path = '/event_store.client.streams.Streams'

describe('server: node', () => {
  const serve = serving()

  it('is found by discovery', async () => {
    const client = EventStoreDBClient.connectionString(
      `esdb+discover://127.0.0.1:${serve.server.port}?tls=false`,
    )
    const stream = newStream()
    await client.appendToStream(stream, happened(1))
    expect((await all(client.readStream(stream))).length).to.equal(1)
    await client.dispose()
  })
  it('is the leader among several hosts', async () => {
    const { port } = serve.server
    const client = EventStoreDBClient.connectionString(
      `esdb://127.0.0.1:${port},127.0.0.1:${port}?tls=false&nodePreference=leader`,
    )
    await client.appendToStream(newStream(), happened(1), { requiresLeader: true })
    await client.dispose()
  })
  it('says so where it does not do something', async () => {
    const { client } = serve
    for (const [attempt, sentence] of [
      [client.createProjection('p', 'fromAll()'), 'Projections in JavaScript do not run'],
      [client.getProjectionState('p'), 'Projections in JavaScript do not run'],
    ] as const) {
      expect(String((await errorOf(attempt))['message'])).to.include(sentence)
    }
  })

  describe('on the wire', () => {
    const raw = (port = serve.server.port) =>
      new Client(`127.0.0.1:${port}`, credentials.createInsecure())
    const unary = (bytes: Uint8Array, method: string, port?: number) =>
      new Promise<Buffer>((resolve, reject) => {
        const client = raw(port)
        client.makeUnaryRequest(
          method,
          (value: Uint8Array) => Buffer.from(value),
          (value: Buffer) => value,
          bytes,
          (error: unknown, answer?: Buffer) => {
            client.close()
            if (error || !answer) reject(error)
            else resolve(answer)
          },
        )
      })
    const readAll = (bytes: Uint8Array) =>
      new Promise<Buffer[]>((resolve, reject) => {
        const client = raw()
        const answers: Buffer[] = []
        client
          .makeServerStreamRequest(
            `${path}/Read`,
            (value: Uint8Array) => Buffer.from(value),
            (value: Buffer) => value,
            bytes,
            new Metadata(),
          )
          .on('data', (answer: Buffer) => answers.push(answer))
          .on('error', reject)
          .on('end', () => {
            client.close()
            resolve(answers)
          })
      })
    const schema = protobuf.parse(`syntax = "proto3";
      message S { int64 most = 1; int64 least = 2; }
      message U { oneof v { S structured = 1; string text = 2; } }
      message E {}
      message I { bytes name = 3; }
      message Uo { E structured = 1; E text = 2; }
      message So { I id = 1; E start = 3; }
      message O { So stream = 1; uint64 count = 5; E no_filter = 8; Uo uuid = 9; uint32 compat_tag = 60; Co control = 10; }
      message Co { uint32 compatibility = 1; }
      message Rq { O options = 1; string unknown = 99; }
      message Ev { U id = 1; }
      message Re { Ev event = 1; }
      message Rs { Re event = 1; uint64 last = 6; }
      message P { U id = 1; map<string, string> metadata = 2; bytes data = 4; }
      message Ao { I id = 1; E any = 4; }
      message A { oneof c { Ao options = 1; P event = 2; } }`).root
    const type = (name: string) => schema.lookupType(name)
    const encoded = (name: string, value: object) => type(name).encode(value).finish()

    const appendRaw = (messages: readonly object[]) =>
      new Promise<unknown>((resolve, reject) => {
        const client = raw()
        const call = client.makeClientStreamRequest(
          `${path}/Append`,
          (value: Uint8Array) => Buffer.from(value),
          (value: Buffer) => value,
          new Metadata(),
          (error: unknown, answer?: Buffer) => {
            client.close()
            if (error) reject(error)
            else resolve(answer)
          },
        )
        for (const message of messages) call.write(encoded('A', message))
        call.end()
      })
    const metadata = { type: 'Happened', 'content-type': 'application/json' }
    const proposed = (id: object) => ({ event: { id, metadata, data: Buffer.from('{"n":1}') } })

    const hex = uuid.replaceAll('-', '')
    const half = (from: number) =>
      String(BigInt.asIntN(64, BigInt(`0x${hex.slice(from, from + 16)}`)))
    for (const contentType of ['application/json', 'application/octet-stream']) {
      it(`takes an event without data, which is then left out: ${contentType}`, async () => {
        const stream = newStream()
        const event = {
          id: { text: randomUUID() },
          metadata: { ...metadata, 'content-type': contentType },
        }
        await appendRaw([{ options: { id: { name: Buffer.from(stream) }, any: {} } }, { event }])
        const [read] = await all(serve.client.readStream(stream))
        expect(read?.event?.isJson).to.equal(contentType === 'application/json')
        expect(read?.event?.data).to.have.length(0)
      })
    }
    for (const [how, id] of [
      ['text', { text: uuid }],
      ['two numbers', { structured: { most: half(0), least: half(16) } }],
    ] as const) {
      it(`takes ids as ${how}`, async () => {
        const stream = newStream()
        await appendRaw([{ options: { id: { name: Buffer.from(stream) }, any: {} } }, proposed(id)])
        const [only] = await all(serve.client.readStream(stream))
        expect([only?.event?.id, only?.event?.data]).to.deep.equal([uuid, { n: 1 }])
      })
    }
    it('gives ids as two numbers where asked, passes over unknown fields', async () => {
      const stream = newStream()
      await appendRaw([
        { options: { id: { name: Buffer.from(stream) }, any: {} } },
        proposed({ text: uuid }),
      ])
      const options = {
        stream: { id: { name: Buffer.from(stream) }, start: {} },
        count: 10,
        noFilter: {},
        uuid: { structured: {} },
        compatTag: 7,
      }
      const [answer] = await readAll(encoded('Rq', { options, unknown: 'later versions' }))
      const { event } = type('Rs').toObject(type('Rs').decode(answer as Buffer), { longs: String })
      expect(event.event.id.structured).to.deep.equal({ most: half(0), least: half(16) })
    })
    it('tells the last revision to clients that can hear it', async () => {
      const stream = newStream()
      await serve.client.appendToStream(stream, happened(4))
      const options = {
        stream: { id: { name: Buffer.from(stream) }, start: {} },
        count: 1,
        noFilter: {},
        uuid: { text: {} },
        control: { compatibility: 1 },
      }
      const answers = await readAll(encoded('Rq', { options }))
      const { last } = type('Rs').toObject(type('Rs').decode(answers.at(-1) as Buffer), {
        longs: Number,
      })
      expect(last).to.equal(3)
    })
    it('an append without options is refused', async () => {
      expect((await errorOf(appendRaw([proposed({ text: uuid })])))['code']).to.equal(3)
    })
    it('an event without a type is refused, and says what is missing', async () => {
      const stream = { id: { name: Buffer.from(newStream()) }, any: {} }
      const event = {
        id: { text: uuid },
        metadata: { 'content-type': 'application/json' },
        data: Buffer.from('{}'),
      }
      const error = await errorOf(appendRaw([{ options: stream }, { event }]))
      const trailers = (error['metadata'] as Metadata).getMap()
      expect([trailers['exception'], trailers['required-metadata-properties']]).to.deep.equal([
        'missing-required-metadata-property',
        'type,content-type',
      ])
    })
    it('a content type that is none is refused', async () => {
      const stream = { id: { name: Buffer.from(newStream()) }, any: {} }
      const event = {
        id: { text: uuid },
        metadata: { type: 'A', 'content-type': 'text/plain' },
        data: Buffer.from('x'),
      }
      expect((await errorOf(appendRaw([{ options: stream }, { event }])))['code']).to.equal(3)
    })
    for (const [method, sentence] of [
      ['users.Users/Create', 'given when it starts'],
      ['operations.Operations/StartScavenge', 'needs no operations'],
      ['monitoring.Monitoring/Stats', 'keeps no statistics'],
    ] as const) {
      it(`${method} is unimplemented, and says so`, async () => {
        const error = await errorOf(unary(Buffer.alloc(0), `/event_store.client.${method}`))
        expect(error['code']).to.equal(12)
        expect(String(error['details'])).to.include(sentence)
      })
    }
    it('tells the address that the client came by, through a mapped port too', async () => {
      const proxy = await proxyTo(serve.server.port)
      const path = '/event_store.client.gossip.Gossip/Read'
      const answer = await unary(Buffer.alloc(0), path, proxy.port)
      const [member] = gossipPb.ClusterInfo.deserializeBinary(answer).getMembersList()
      const endPoint = member?.getHttpEndPoint()
      expect([endPoint?.getAddress(), endPoint?.getPort()]).to.deep.equal(['127.0.0.1', proxy.port])
      await proxy.close()
    })
    it('nonsense is refused and harms nobody', async () => {
      const error = await errorOf(unary(Buffer.from([0xff, 0xff, 0xff, 0xff]), `${path}/Delete`))
      expect(error['code']).to.equal(13)
      await serve.client.appendToStream(newStream(), happened(1))
    })
    it('a read without options is refused', async () => {
      expect((await errorOf(readAll(Buffer.alloc(0))))['code']).to.equal(3)
    })
    it('errors about streams whose names are not ASCII arrive', async () => {
      const error = await errorOf(serve.client.deleteStream('Zürich-☃', { expectedRevision: 3n }))
      expect([error['type'], error['streamName']]).to.deep.equal([
        'wrong-expected-version',
        'Z%C3%BCrich-%E2%98%83',
      ])
    })
  })
})

describe('server: stopping', function () {
  this.timeout(60_000)
  const newFile = storeFile()
  it('ends open calls with CANCELLED, after what was taken is answered', async () => {
    const store = createMemoryStore()
    const server = await startServer({ store, port: 0 })
    const client = EventStoreDBClient.connectionString(server.connectionString)
    await client.appendToStream('account-1', happened(1))
    const subscription = client.subscribeToAll()
    const ended = new Promise<{ type: string }>((resolve) =>
      subscription.once('error', resolve as never),
    )
    subscription.on('data', () => {})
    await said(subscription, 'caughtUp')
    const appends = Array.from({ length: 20 }, (_, n) =>
      client.appendToStream('account-1', happened(1, n)),
    )
    const answered = Promise.allSettled(appends)
    await server.close()
    expect((await ended).type).to.equal('cancelled')
    const written = (await answered).filter(({ status }) => status === 'fulfilled').length
    // The store stays open: it was handed in. What was answered is there.
    expect((await store.readStream('account-1')).head).to.be.at.least(written)
    await client.dispose()
    await store.close()
  })
  it('twice is once', async () => {
    const server = await startServer({ store: 'memory:', port: 0 })
    await Promise.all([server.close(), server.close()])
  })
  it('what was written is there after a restart, deletions and rules too', async () => {
    const store = newFile()
    await servedOnce(store, async (client) => {
      await client.appendToStream('account-1', happened(3))
      await client.appendToStream('account-2', happened(3))
      await client.appendToStream('account-3', happened(3))
      await client.setStreamMetadata('account-1', { maxCount: 1 })
      await client.deleteStream('account-2')
      await client.tombstoneStream('account-3')
    })
    await servedOnce(store, async (client) => {
      expect(numbers(await all(client.readStream('account-1')))).to.deep.equal([2])
      expect((await errorOf(all(client.readStream('account-2'))))['type']).to.equal(
        'stream-not-found',
      )
      expect((await errorOf(all(client.readStream('account-3'))))['type']).to.equal(
        'stream-deleted',
      )
      await client.appendToStream('account-2', happened(1, 9))
      expect((await client.getStreamMetadata('account-2')).metadata?.truncateBefore).to.equal(3)
    })
  })
  it('rules whose writing was cut off are brought into force at the next start', async () => {
    const store = createMemoryStore()
    await store.append(
      'account-1',
      [0, 1, 2].map((n) => ({
        id: uuid.replace('0d8c', `0d8${n}`),
        type: 'A',
        data: '{}',
        metadata: '',
      })),
      { expected: 'none' },
    )
    // As after a crash: the intention and the event are there, the rule is not.
    await store.state.put('server:rules:account-1', '')
    await store.append(
      '$$account-1',
      [{ id: uuid, type: '$metadata', data: '{"$maxCount":1}', metadata: '' }],
      { expected: 'none' },
    )
    const server = await startServer({ store, port: 0 })
    expect(await store.streamMetadata('account-1')).to.deep.equal({ maxCount: 1 })
    expect(await store.state.keys('server:')).to.deep.equal([])
    await server.close()
    await store.close()
  })
})

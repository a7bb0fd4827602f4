// What no client should send, sent on purpose: the server answers with an error of that call and goes on for others.

import { connect, type Socket } from 'node:net'
import {
  EventStoreDBClient,
  persistentSubscriptionToStreamSettingsFromDefaults as settings,
} from '@eventstore/db-client'
import groupsPb from '@eventstore/db-client/generated/persistent_pb.js'
import sharedPb from '@eventstore/db-client/generated/shared_pb.js'
import streamsPb from '@eventstore/db-client/generated/streams_pb.js'
import { Client, credentials, Metadata, status } from '@grpc/grpc-js'
import { expect } from 'chai'
import { all, happened, newStream, numbers, serving, take, until } from './support/serving.ts'

const streams = '/event_store.client.streams.Streams'
const groups = '/event_store.client.persistent_subscriptions.PersistentSubscriptions'
const id = '0d8ca9e8-f4c5-4a4e-9c5b-8f9bd3a1c2ff'

/** A message of the client's own definitions. */
interface Encodable {
  serializeBinary(): Uint8Array
}

describe('server: hostile clients', function () {
  this.timeout(60_000)
  const serve = serving()
  const open: Client[] = []
  const raw = (): Client => {
    const client = new Client(`127.0.0.1:${serve.server.port}`, credentials.createInsecure(), {
      'grpc.max_send_message_length': -1,
    })
    open.push(client)
    return client
  }
  afterEach(async () => {
    for (const client of open.splice(0)) client.close()
    // Whatever was sent, the next one is served.
    const stream = newStream()
    await serve.client.appendToStream(stream, happened(1))
    expect((await all(serve.client.readStream(stream))).length).to.equal(1)
  })

  const bytesOf = (message: Encodable | Uint8Array): Buffer =>
    Buffer.from('serializeBinary' in message ? message.serializeBinary() : message)
  const same = (bytes: Buffer): Buffer => bytes
  /** The status a call with these messages ends with. */
  const ending = (method: string, ...messages: readonly (Encodable | Uint8Array)[]) =>
    new Promise<status>((resolve) => {
      const call = raw().makeBidiStreamRequest(method, same, same, new Metadata())
      call.on('data', () => {})
      call.on('error', () => {})
      call.on('status', ({ code }) => resolve(code))
      for (const message of messages) call.write(bytesOf(message))
      // It takes one message, and waits for the end of the request.
      if (method === `${streams}/Read`) call.end()
    })

  const uuid = (text: string) => {
    const message = new sharedPb.UUID()
    message.setString(text)
    return message
  }
  const identifier = (name: Uint8Array | string) => {
    const message = new sharedPb.StreamIdentifier()
    message.setStreamName(Buffer.from(name))
    return message
  }
  const batch = (stream: Uint8Array | string | undefined, correlation = id) => {
    const request = new streamsPb.BatchAppendReq()
    request.setCorrelationId(uuid(correlation))
    const options = new streamsPb.BatchAppendReq.Options()
    if (stream !== undefined) options.setStreamIdentifier(identifier(stream))
    options.setAny()
    request.setOptions(options)
    request.setIsFinal(true)
    return request
  }
  /** What one batch is answered with. */
  const answerTo = (request: Encodable | Uint8Array) =>
    new Promise<InstanceType<typeof streamsPb.BatchAppendResp>>((resolve, reject) => {
      const call = raw().makeBidiStreamRequest(`${streams}/BatchAppend`, same, same, new Metadata())
      call.on('data', (bytes: Buffer) => {
        resolve(streamsPb.BatchAppendResp.deserializeBinary(bytes))
        call.cancel()
      })
      call.on('error', reject)
      call.write(bytesOf(request))
    })
  const readingAll = (change: (filter: InstanceType<typeof filterOptions>) => void) => {
    const request = new streamsPb.ReadReq()
    const options = new streamsPb.ReadReq.Options()
    const place = new streamsPb.ReadReq.Options.AllOptions()
    place.setStart(new sharedPb.Empty())
    options.setAll(place)
    options.setSubscription(new streamsPb.ReadReq.Options.SubscriptionOptions())
    const filter = new filterOptions()
    const prefix = new filterOptions.Expression()
    prefix.setPrefixList(['account-'])
    filter.setStreamIdentifier(prefix)
    filter.setCheckpointintervalmultiplier(1)
    change(filter)
    options.setFilter(filter)
    request.setOptions(options)
    return request
  }
  const filterOptions = streamsPb.ReadReq.Options.FilterOptions
  const joining = (stream: string) => {
    const request = new groupsPb.ReadReq()
    const options = new groupsPb.ReadReq.Options()
    options.setStreamIdentifier(identifier(stream))
    options.setGroupName('g')
    options.setBufferSize(5)
    request.setOptions(options)
    return request
  }
  const acking = (text: string) => {
    const request = new groupsPb.ReadReq()
    const ack = new groupsPb.ReadReq.Ack()
    ack.addIds(uuid(text))
    request.setAck(ack)
    return request
  }

  const nonsense = Buffer.from([0xff, 0xff, 0xff, 0xff])
  for (const method of [
    `${streams}/Read`,
    `${streams}/Append`,
    `${streams}/BatchAppend`,
    `${streams}/Delete`,
    `${groups}/Read`,
    `${groups}/Create`,
  ]) {
    it(`bytes that are no message: ${method.split('.').at(-1)}`, async () => {
      expect(await ending(method, nonsense)).to.equal(status.INTERNAL)
    })
  }
  it('a message larger than any may be', async () => {
    const request = batch('account-1')
    const event = new streamsPb.BatchAppendReq.ProposedMessage()
    event.setId(uuid(id))
    event.setData(Buffer.alloc(18 * 1024 * 1024))
    request.addProposedMessages(event)
    expect(await ending(`${streams}/BatchAppend`, request)).to.equal(status.RESOURCE_EXHAUSTED)
  })
  it('a batch that begins without options', async () => {
    const request = batch('account-1')
    request.clearOptions()
    expect(await ending(`${streams}/BatchAppend`, request)).to.equal(status.INVALID_ARGUMENT)
  })
  it('a batch without an id', async () => {
    const request = batch('account-1', 'no id')
    expect(await ending(`${streams}/BatchAppend`, request)).to.equal(status.INVALID_ARGUMENT)
  })
  it('batches that are begun and never finished', async () => {
    const requests = Array.from({ length: 200 }, (_, n) => {
      const request = batch('account-1', `0d8ca9e8-f4c5-4a4e-9c5b-${String(n).padStart(12, '0')}`)
      request.setIsFinal(false)
      return request
    })
    expect(await ending(`${streams}/BatchAppend`, ...requests)).to.equal(status.RESOURCE_EXHAUSTED)
  })
  for (const [what, name] of [
    ['no name', undefined],
    ['an empty name', ''],
    ['a name that is no UTF-8', Buffer.from([0x61, 0xc3, 0x28])],
    ['a name longer than any may be', 'x'.repeat(100_000)],
    ['the name of the log', '$all'],
  ] as const) {
    it(`an append to a stream with ${what} is refused, the call goes on`, async () => {
      const request = batch(name)
      const event = new streamsPb.BatchAppendReq.ProposedMessage()
      event.setId(uuid(id))
      event.getMetadataMap().set('type', 'Happened').set('content-type', 'application/json')
      event.setData(Buffer.from('{}'))
      request.addProposedMessages(event)
      expect((await answerTo(request)).getError()?.getCode()).to.equal(status.INVALID_ARGUMENT)
    })
  }
  it('more events without content than one append may have', async () => {
    const event = new streamsPb.BatchAppendReq.ProposedMessage()
    event.setId(uuid(id))
    event.getMetadataMap().set('type', 'x').set('content-type', 'application/json')
    const bytes = bytesOf(event)
    const field = Buffer.concat([Buffer.from([(3 << 3) | 2, bytes.length]), bytes])
    const events = Buffer.alloc(100_001 * field.length, field)
    const request = Buffer.concat([bytesOf(batch('account-1')), events])
    expect((await answerTo(request)).getError()?.getCode()).to.equal(status.INVALID_ARGUMENT)
  })
  it('a filter that looks at nothing before each checkpoint', async () => {
    const request = readingAll((filter) => filter.setMax(0))
    expect(await ending(`${streams}/Read`, request)).to.equal(status.INVALID_ARGUMENT)
  })
  it('an answer before joining a group', async () => {
    expect(await ending(`${groups}/Read`, acking(id))).to.equal(status.INVALID_ARGUMENT)
  })
  it('an answer with what is no id', async () => {
    const stream = newStream()
    await serve.client.createPersistentSubscriptionToStream(stream, 'g', settings())
    const messages = [joining(stream), acking('no id')]
    expect(await ending(`${groups}/Read`, ...messages)).to.equal(status.INVALID_ARGUMENT)
    await until(
      () => serve.client.getPersistentSubscriptionToStreamInfo(stream, 'g'),
      ({ connections }) => connections.length === 0,
    )
  })
  it('answers to what was never delivered change nothing', async () => {
    const stream = newStream()
    await serve.client.appendToStream(stream, happened(2))
    const started = settings({ startFrom: 'start' })
    await serve.client.createPersistentSubscriptionToStream(stream, 'g', started)
    const call = raw().makeBidiStreamRequest(`${groups}/Read`, same, same, new Metadata())
    const answers = take(call as never, 3)
    call.on('error', () => {})
    call.write(bytesOf(joining(stream)))
    for (let n = 0; n < 50; n += 1) call.write(bytesOf(acking(id)))
    await answers
    const { stats } = await serve.client.getPersistentSubscriptionToStreamInfo(stream, 'g')
    expect(stats.totalInFlightMessages).to.equal(2)
    call.cancel()
  })
  it('joining twice in one call', async () => {
    const stream = newStream()
    await serve.client.createPersistentSubscriptionToStream(stream, 'g', settings())
    const messages = [joining(stream), joining(stream)]
    expect(await ending(`${groups}/Read`, ...messages)).to.equal(status.INVALID_ARGUMENT)
  })
  it('connections that say nothing, nonsense, or half of something', async () => {
    const sockets = await Promise.all(
      Array.from(
        { length: 60 },
        (_, n) =>
          new Promise<Socket>((resolve) => {
            const socket = connect(serve.server.port, '127.0.0.1', () => {
              if (n % 3 === 1) socket.write('GET / HTTP/1.1\r\n\r\n')
              if (n % 3 === 2) socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00')
              resolve(socket)
            })
            socket.on('error', () => {})
          }),
      ),
    )
    for (const socket of sockets) socket.destroy()
  })
  it('clients that vanish in the middle leave nothing behind', async () => {
    const stream = newStream()
    await serve.client.appendToStream(stream, happened(300))
    const started = settings({ startFrom: 'start' })
    await serve.client.createPersistentSubscriptionToStream(stream, 'g', started)
    const clients = Array.from({ length: 10 }, () =>
      EventStoreDBClient.connectionString(serve.server.connectionString),
    )
    await Promise.all(
      clients.map(async (client) => {
        const group = client.subscribeToPersistentSubscriptionToStream(stream, 'g')
        const follower = client.subscribeToStream(stream)
        for (const subscription of [group, follower]) subscription.on('error', () => {})
        await Promise.all([take(group, 5), take(follower, 5)])
        await client.dispose()
      }),
    )
    const info = () => serve.client.getPersistentSubscriptionToStreamInfo(stream, 'g')
    const { stats } = await until(info, ({ connections }) => connections.length === 0)
    expect(stats.totalInFlightMessages).to.equal(0)
    const again = serve.client.subscribeToPersistentSubscriptionToStream(stream, 'g', {
      bufferSize: 300,
    })
    const delivered = await take(again, 300)
    expect(new Set(numbers(delivered)).size).to.equal(300)
    await again.unsubscribe()
  })
})

// Appending, by both methods of the protocol: the client takes the older one for calls with credentials.

import { randomUUID } from 'node:crypto'
import {
  type AppendToStreamOptions,
  binaryEvent,
  type EventData,
  jsonEvent,
} from '@eventstore/db-client'
import { expect } from 'chai'
import {
  all,
  errorOf,
  happened,
  newStream,
  numbers,
  revisions,
  serving,
} from './support/serving.ts'

const methods = {
  BatchAppend: {},
  Append: { credentials: { username: 'admin', password: 'changeit' } },
} as const satisfies Record<string, AppendToStreamOptions>

for (const [method, base] of Object.entries(methods)) {
  describe(`server: Streams/${method}`, () => {
    const serve = serving()
    const append = (
      stream: string,
      events: EventData | EventData[],
      options: AppendToStreamOptions = {},
    ) => serve.client.appendToStream(stream, events, { ...base, ...options })
    const read = (stream: string) => all(serve.client.readStream(stream))

    it('answers the revision and a position', async () => {
      const stream = newStream()
      const first = await append(stream, happened(1))
      const second = await append(stream, happened(3))
      expect([first.success, first.nextExpectedRevision]).to.deep.equal([true, 0n])
      expect(second.nextExpectedRevision).to.equal(3n)
      expect(Number(second.position?.commit)).to.be.greaterThan(Number(first.position?.commit))
    })
    it('keeps id, type, data and metadata', async () => {
      const stream = newStream()
      const event = jsonEvent({
        id: randomUUID(),
        type: 'Geöffnet',
        data: { owner: 'Änne', list: [1, null, { deep: true }] },
        metadata: { $correlationId: 'c-1', note: '☃' },
      })
      await append(stream, event)
      const [{ event: stored } = {}] = await read(stream)
      const { id, type, data, metadata, isJson } = stored ?? {}
      expect({ id, type, data, metadata }).to.deep.equal({
        id: event.id,
        type: event.type,
        data: event.data,
        metadata: event.metadata,
      })
      expect(isJson).to.equal(true)
    })
    it('keeps bytes exactly', async () => {
      const stream = newStream()
      const data = Buffer.from(Array.from({ length: 256 }, (_, n) => n))
      await append(
        stream,
        binaryEvent({ type: 'Image', data, metadata: new Uint8Array([0, 31, 255]) }),
      )
      const [{ event } = {}] = await read(stream)
      expect(event?.isJson).to.equal(false)
      expect(Buffer.from(event?.data as Uint8Array)).to.deep.equal(data)
      expect(Array.from(event?.metadata as unknown as Uint8Array)).to.deep.equal([0, 31, 255])
    })
    it('keeps bytes that are JSON as bytes', async () => {
      const stream = newStream()
      await append(stream, binaryEvent({ type: 'Raw', data: Buffer.from('{"a":1}') }))
      const [{ event } = {}] = await read(stream)
      expect(event?.isJson).to.equal(false)
      expect(Buffer.from(event?.data as Uint8Array).toString()).to.equal('{"a":1}')
    })
    it('tells its own envelope from data that looks like it', async () => {
      const stream = newStream()
      const data = { '$reenact.bytes': 'application/octet-stream', base64: 'AAEC' }
      await append(stream, jsonEvent({ type: 'Odd', data }))
      const [{ event } = {}] = await read(stream)
      expect([event?.isJson, event?.data]).to.deep.equal([true, data])
    })
    it('takes an event without metadata', async () => {
      const stream = newStream()
      await append(stream, happened(1))
      const [{ event } = {}] = await read(stream)
      expect(event?.metadata).to.equal(undefined)
    })
    it('tells when it was recorded', async () => {
      const stream = newStream()
      const before = Date.now()
      await append(stream, happened(1))
      const [{ event } = {}] = await read(stream)
      expect(event?.created.getTime()).to.be.within(before - 1, Date.now() + 1)
    })
    it('takes a thousand events as one', async () => {
      const stream = newStream()
      expect((await append(stream, happened(1000))).nextExpectedRevision).to.equal(999n)
      expect(numbers(await read(stream))).to.deep.equal(Array.from({ length: 1000 }, (_, n) => n))
    })
    it('takes events in several chunks as one', async () => {
      const stream = newStream()
      const events = Array.from({ length: 5 }, () =>
        jsonEvent({ type: 'Big', data: { text: 'x'.repeat(300_000) } }),
      )
      const appended = await append(stream, events, { batchAppendSize: 400_000 })
      expect(appended.nextExpectedRevision).to.equal(4n)
    })
    it('takes unusual names of streams', async () => {
      for (const name of [
        'a',
        'Zürich-☃',
        'with space-1',
        'a@b',
        'x::y-1',
        '-leading',
        `n-${'x'.repeat(200)}`,
      ]) {
        await append(name, happened(1))
        expect((await read(name)).length, name).to.equal(1)
      }
    })
    it('keeps streams apart by exact name', async () => {
      const stream = newStream()
      await append(stream, happened(1))
      await append(`${stream} `, happened(2))
      expect((await read(stream)).length).to.equal(1)
    })

    describe('expected revision', () => {
      it('no_stream: holds for a new stream', async () => {
        await append(newStream(), happened(1), { expectedRevision: 'no_stream' })
      })
      it('no_stream: fails for a stream with events, and says where it is', async () => {
        const stream = newStream()
        await append(stream, happened(3))
        const error = await errorOf(append(stream, happened(1), { expectedRevision: 'no_stream' }))
        expect([error['type'], error['actualVersion'], error['expectedVersion']]).to.deep.equal([
          'wrong-expected-version',
          2n,
          'no_stream',
        ])
        expect(error['streamName']).to.equal(stream)
      })
      it('a revision: holds when it is the last one', async () => {
        const stream = newStream()
        await append(stream, happened(2))
        expect(
          (await append(stream, happened(1), { expectedRevision: 1n })).nextExpectedRevision,
        ).to.equal(2n)
      })
      it('a revision: fails when the stream is behind', async () => {
        const stream = newStream()
        await append(stream, happened(2))
        const error = await errorOf(append(stream, happened(1), { expectedRevision: 9n }))
        expect([error['actualVersion'], error['expectedVersion']]).to.deep.equal([1n, 9n])
      })
      it('a revision: fails when the stream went on', async () => {
        const stream = newStream()
        await append(stream, happened(5))
        const error = await errorOf(append(stream, happened(1), { expectedRevision: 2n }))
        expect(error['actualVersion']).to.equal(4n)
      })
      it('a revision: fails for a stream that is not there', async () => {
        const error = await errorOf(append(newStream(), happened(1), { expectedRevision: 0n }))
        expect([error['type'], error['actualVersion']]).to.deep.equal([
          'wrong-expected-version',
          'no_stream',
        ])
      })
      it('stream_exists: holds for a stream with events only', async () => {
        const stream = newStream()
        const error = await errorOf(
          append(stream, happened(1), { expectedRevision: 'stream_exists' }),
        )
        expect([error['type'], error['expectedVersion']]).to.deep.equal([
          'wrong-expected-version',
          'stream_exists',
        ])
        await append(stream, happened(1))
        await append(stream, happened(1), { expectedRevision: 'stream_exists' })
      })
      it('any: always holds', async () => {
        const stream = newStream()
        await append(stream, happened(1), { expectedRevision: 'any' })
        await append(stream, happened(1), { expectedRevision: 'any' })
        expect((await read(stream)).length).to.equal(2)
      })
      it('a conflict writes nothing', async () => {
        const stream = newStream()
        await append(stream, happened(1))
        await errorOf(append(stream, happened(3), { expectedRevision: 'no_stream' }))
        expect((await read(stream)).length).to.equal(1)
      })
    })

    describe('the same events again', () => {
      it('at no_stream: written once, answered alike', async () => {
        const stream = newStream()
        const events = happened(3)
        const first = await append(stream, events, { expectedRevision: 'no_stream' })
        const again = await append(stream, events, { expectedRevision: 'no_stream' })
        expect(again).to.deep.equal(first)
        expect((await read(stream)).length).to.equal(3)
      })
      it('at a revision below the last: written once', async () => {
        const stream = newStream()
        await append(stream, happened(2))
        const events = happened(2)
        await append(stream, events, { expectedRevision: 1n })
        await append(stream, happened(2))
        expect(
          (await append(stream, events, { expectedRevision: 1n })).nextExpectedRevision,
        ).to.equal(3n)
        expect((await read(stream)).length).to.equal(6)
      })
      it('the beginning of them: counts as written', async () => {
        const stream = newStream()
        const events = happened(3)
        await append(stream, events, { expectedRevision: 'no_stream' })
        await append(stream, events.slice(0, 2), { expectedRevision: 'no_stream' })
        expect((await read(stream)).length).to.equal(3)
      })
      it('with one more: a conflict', async () => {
        const stream = newStream()
        const events = happened(2)
        await append(stream, events, { expectedRevision: 'no_stream' })
        const error = await errorOf(
          append(stream, [...events, ...happened(1)], { expectedRevision: 'no_stream' }),
        )
        expect(error['type']).to.equal('wrong-expected-version')
      })
      it('with another in the middle: a conflict', async () => {
        const stream = newStream()
        const [first, second, third] = happened(3)
        await append(stream, [first, second, third] as EventData[], {
          expectedRevision: 'no_stream',
        })
        const other = [first, ...happened(1), third] as EventData[]
        await errorOf(append(stream, other, { expectedRevision: 'no_stream' }))
      })
      it('at the last revision: ids are not looked at', async () => {
        const stream = newStream()
        const events = happened(2)
        await append(stream, events, { expectedRevision: 'no_stream' })
        await append(stream, events, { expectedRevision: 1n })
        expect((await read(stream)).length).to.equal(4)
      })
      it('at any: noticed while it is recent', async () => {
        const stream = newStream()
        const events = happened(2)
        const first = await append(stream, events, { expectedRevision: 'any' })
        expect(await append(stream, events, { expectedRevision: 'any' })).to.deep.equal(first)
        expect((await read(stream)).length).to.equal(2)
      })
      it('at any, twice at the same time: written once', async () => {
        const stream = newStream()
        const events = happened(2)
        await Promise.all([append(stream, events), append(stream, events)])
        expect((await read(stream)).length).to.equal(2)
      })
      it('in another stream: written', async () => {
        const events = happened(1)
        const other = newStream()
        await append(newStream(), events)
        await append(other, events)
        expect((await read(other)).length).to.equal(1)
      })
    })

    describe('refusals', () => {
      it('more than 3 MiB at once', async () => {
        const stream = newStream()
        const events = Array.from({ length: 4 }, () =>
          jsonEvent({ type: 'Big', data: { text: 'x'.repeat(900_000) } }),
        )
        const error = await errorOf(append(stream, events))
        expect([error['type'], error['maxAppendSize']]).to.deep.equal([
          'maximum-append-size-exceeded',
          3 * 1024 * 1024,
        ])
        expect((await errorOf(read(stream)))['type']).to.equal('stream-not-found')
      })
      it('an event of more than 1 MiB', async () => {
        const error = await errorOf(
          append(newStream(), jsonEvent({ type: 'Big', data: { text: 'x'.repeat(1_100_000) } })),
        )
        expect(error['maxAppendSize']).to.equal(1024 * 1024)
      })
      it('an id twice in one append', async () => {
        const [event] = happened(1)
        const stream = newStream()
        const error = await errorOf(append(stream, [event, event] as EventData[]))
        expect(String(error['message'])).to.include('twice')
        expect((await errorOf(read(stream)))['type']).to.equal('stream-not-found')
      })
      it('an id that is no UUID', async () => {
        const error = await errorOf(
          append(newStream(), jsonEvent({ id: 'order-1', type: 'A', data: {} })),
        )
        expect(String(error['message'])).to.include("'order-1' is no UUID")
      })
      it('the log itself', async () => {
        const error = await errorOf(append('$all', happened(1)))
        expect(String(error['message'])).to.include('$all')
      })
      it('links, which the server writes', async () => {
        for (const stream of ['$ce-account', '$et-Happened', '$streams']) {
          expect((await errorOf(append(stream, happened(1))))['type'], stream).to.equal(
            'access-denied',
          )
        }
      })
      it('a name of more than 255 bytes', async () => {
        const error = await errorOf(append('x'.repeat(256), happened(1)))
        expect(String(error['message'])).to.include('255 bytes')
      })
    })

    it('an empty append writes nothing and answers where the stream is', async () => {
      const stream = newStream()
      await append(stream, happened(2))
      expect((await append(stream, [], { expectedRevision: 1n })).nextExpectedRevision).to.equal(1n)
      expect(
        (await errorOf(append(stream, [], { expectedRevision: 'no_stream' })))['type'],
      ).to.equal('wrong-expected-version')
      expect(revisions(await read(stream))).to.deep.equal([0, 1])
    })
    it('a hundred at once to one stream keep their order', async () => {
      const stream = newStream()
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, n) => append(stream, happened(1, n))),
      )
      const ordered = answers.map(({ nextExpectedRevision }) => Number(nextExpectedRevision))
      expect(ordered.toSorted((left, right) => left - right)).to.deep.equal(
        Array.from({ length: 100 }, (_, n) => n),
      )
      expect((await read(stream)).length).to.equal(100)
    })
    it('of rivals for one revision one wins', async () => {
      const stream = newStream()
      const answers = await Promise.allSettled(
        Array.from({ length: 20 }, () =>
          append(stream, happened(1), { expectedRevision: 'no_stream' }),
        ),
      )
      expect(answers.filter(({ status }) => status === 'fulfilled').length).to.equal(1)
    })
  })
}

// Rules of streams: `$$stream` and what it does to reading.

import { randomUUID } from 'node:crypto'
import { type JSONEventData, jsonEvent } from '@eventstore/db-client'
import { expect } from 'chai'
import { createManualPorts } from '../../runtime/testing/index.ts'
import { all, errorOf, happened, newStream, revisions, serving } from './support/serving.ts'

describe('server: metadata streams', () => {
  const ports = createManualPorts({ startMs: Date.now() })
  const serve = serving({ ports: { clock: ports.clock } })
  const read = (stream: string) => all(serve.client.readStream(stream))

  it('a stream has none until some is set', async () => {
    const stream = newStream()
    await serve.client.appendToStream(stream, happened(1))
    expect(await serve.client.getStreamMetadata(stream)).to.deep.equal({ streamName: stream })
  })
  it('is kept as it was given, keys of others too', async () => {
    const stream = newStream()
    const metadata = {
      maxCount: 7,
      maxAge: 60,
      truncateBefore: 2,
      cacheControl: 3,
      acl: { readRoles: ['ann'], writeRoles: ['bob'] },
      owner: 'team',
      deep: { a: [1] },
    }
    await serve.client.setStreamMetadata(stream, metadata)
    const found = await serve.client.getStreamMetadata(stream)
    expect(found.metadata).to.deep.equal(metadata)
  })
  it('is replaced as a whole', async () => {
    const stream = newStream()
    await serve.client.setStreamMetadata(stream, { maxCount: 7 })
    await serve.client.setStreamMetadata(stream, { maxAge: 60 })
    expect((await serve.client.getStreamMetadata(stream)).metadata).to.deep.equal({ maxAge: 60 })
  })
  it('has revisions of its own', async () => {
    const stream = newStream()
    const first = await serve.client.setStreamMetadata(
      stream,
      { maxCount: 1 },
      { expectedRevision: 'no_stream' },
    )
    expect(first.nextExpectedRevision).to.equal(0n)
    await serve.client.setStreamMetadata(stream, { maxCount: 2 }, { expectedRevision: 0n })
    const error = await errorOf(
      serve.client.setStreamMetadata(stream, { maxCount: 3 }, { expectedRevision: 0n }),
    )
    expect([error['type'], error['actualVersion']]).to.deep.equal(['wrong-expected-version', 1n])
    expect((await serve.client.getStreamMetadata(stream)).metadata).to.deep.equal({ maxCount: 2 })
  })
  it('only the last one is kept', async () => {
    const stream = newStream()
    for (const maxCount of [1, 2, 3]) await serve.client.setStreamMetadata(stream, { maxCount })
    expect(revisions(await read(`$$${stream}`))).to.deep.equal([2])
  })
  it('can be set before the stream is there, which stays unwritten', async () => {
    const stream = newStream()
    await serve.client.setStreamMetadata(stream, { maxCount: 2 })
    expect((await errorOf(read(stream)))['type']).to.equal('stream-not-found')
    await serve.client.appendToStream(stream, happened(5), { expectedRevision: 'no_stream' })
    expect(revisions(await read(stream))).to.deep.equal([3, 4])
  })
  it('maxCount keeps the last ones as the stream grows', async () => {
    const stream = newStream()
    await serve.client.appendToStream(stream, happened(5))
    await serve.client.setStreamMetadata(stream, { maxCount: 2 })
    expect(revisions(await read(stream))).to.deep.equal([3, 4])
    await serve.client.appendToStream(stream, happened(1))
    expect(revisions(await read(stream))).to.deep.equal([4, 5])
  })
  it('truncateBefore hides what is below', async () => {
    const stream = newStream()
    await serve.client.appendToStream(stream, happened(5))
    await serve.client.setStreamMetadata(stream, { truncateBefore: 3 })
    expect(revisions(await read(stream))).to.deep.equal([3, 4])
    const backwards = serve.client.readStream(stream, {
      direction: 'backwards',
      fromRevision: 'end',
    })
    expect(revisions(await all(backwards))).to.deep.equal([4, 3])
  })
  it('truncateBefore beyond the last leaves an empty stream that is there', async () => {
    const stream = newStream()
    await serve.client.appendToStream(stream, happened(3))
    await serve.client.setStreamMetadata(stream, { truncateBefore: 3 })
    expect(await read(stream)).to.deep.equal([])
    await serve.client.appendToStream(stream, happened(1), { expectedRevision: 2n })
    expect(revisions(await read(stream))).to.deep.equal([3])
  })
  it('maxAge hides what is older', async () => {
    const stream = newStream()
    await serve.client.setStreamMetadata(stream, { maxAge: 60 })
    await serve.client.appendToStream(stream, happened(2))
    ports.jump(45_000)
    // The deadline is a time of the client's clock.
    await serve.client.appendToStream(stream, happened(1), { deadline: 600_000 })
    expect(revisions(await read(stream))).to.deep.equal([0, 1, 2])
    ports.jump(30_000)
    expect(revisions(await read(stream))).to.deep.equal([2])
    ports.jump(-75_000)
  })
  it('values that make no sense are kept and have no effect', async () => {
    const stream = newStream()
    await serve.client.appendToStream(stream, happened(3))
    await serve.client.setStreamMetadata(stream, { maxCount: -1, maxAge: 0 })
    expect(revisions(await read(stream))).to.deep.equal([0, 1, 2])
  })
  it('written as an event of $$stream it is the same', async () => {
    const stream = newStream()
    await serve.client.appendToStream(stream, happened(3))
    const event = jsonEvent({ id: randomUUID(), type: '$metadata', data: { $maxCount: 1 } })
    await serve.client.appendToStream(`$$${stream}`, event)
    expect(revisions(await read(stream))).to.deep.equal([2])
    const [stored] = await read(`$$${stream}`)
    expect([stored?.event?.id, stored?.event?.data]).to.deep.equal([
      event.id,
      (event as JSONEventData).data,
    ])
  })
  it('the same event again is noticed', async () => {
    const stream = newStream()
    const event = jsonEvent({ type: '$metadata', data: { $maxCount: 1 } })
    const options = { expectedRevision: 'no_stream' } as const
    const first = await serve.client.appendToStream(`$$${stream}`, event, options)
    expect(await serve.client.appendToStream(`$$${stream}`, event, options)).to.deep.equal(first)
  })
  it('rules of rules are refused', async () => {
    const error = await errorOf(serve.client.setStreamMetadata(`$$${newStream()}`, { maxCount: 1 }))
    expect(String(error['message'])).to.include('rules of rules')
  })
  it('rules of the server’s links are refused', async () => {
    expect(
      (await errorOf(serve.client.setStreamMetadata('$ce-account', { maxAge: 1 })))['type'],
    ).to.equal('access-denied')
  })
})

// Deletion: soft, which a stream survives, and for ever.

import { expect } from 'chai'
import { all, errorOf, happened, newStream, revisions, serving } from './support/serving.ts'

describe('server: Streams/Delete', () => {
  const serve = serving()
  const written = async (count: number) => {
    const stream = newStream()
    await serve.client.appendToStream(stream, happened(count))
    return stream
  }
  const read = (stream: string) => all(serve.client.readStream(stream))
  const type = async (promise: Promise<unknown>) => (await errorOf(promise))['type']

  it('answers a position, and the stream is not found', async () => {
    const stream = await written(3)
    const { position } = await serve.client.deleteStream(stream)
    expect(Number(position?.commit)).to.be.greaterThan(0)
    expect(await type(read(stream))).to.equal('stream-not-found')
  })
  it('shows in the rules', async () => {
    const stream = await written(3)
    await serve.client.deleteStream(stream)
    const { metadata } = await serve.client.getStreamMetadata(stream)
    expect(Number(metadata?.truncateBefore)).to.equal(2 ** 63)
  })
  it('keeps the other rules', async () => {
    const stream = await written(3)
    await serve.client.setStreamMetadata(stream, { owner: 'team', maxCount: 9 })
    await serve.client.deleteStream(stream)
    const { metadata } = await serve.client.getStreamMetadata(stream)
    expect([metadata?.['owner'], metadata?.maxCount]).to.deep.equal(['team', 9])
  })
  for (const expectedRevision of ['any', 'no_stream', 2n] as const) {
    it(`a deleted stream lives again when written with ${expectedRevision}`, async () => {
      const stream = await written(3)
      await serve.client.deleteStream(stream)
      const appended = await serve.client.appendToStream(stream, happened(2), { expectedRevision })
      expect(appended.nextExpectedRevision).to.equal(4n)
      expect(revisions(await read(stream))).to.deep.equal([3, 4])
      expect((await serve.client.getStreamMetadata(stream)).metadata?.truncateBefore).to.equal(3)
    })
  }
  it('a deleted stream does not exist', async () => {
    const stream = await written(3)
    await serve.client.deleteStream(stream)
    const append = serve.client.appendToStream(stream, happened(1), {
      expectedRevision: 'stream_exists',
    })
    expect(await type(append)).to.equal('stream-deleted')
  })
  it('a deleted stream keeps its revisions', async () => {
    const stream = await written(3)
    await serve.client.deleteStream(stream)
    const error = await errorOf(
      serve.client.appendToStream(stream, happened(1), { expectedRevision: 1n }),
    )
    expect([error['type'], error['actualVersion']]).to.deep.equal(['wrong-expected-version', 2n])
  })
  it('the same events may be written again after it', async () => {
    const stream = newStream()
    const events = happened(2)
    await serve.client.appendToStream(stream, events)
    await serve.client.deleteStream(stream)
    await serve.client.appendToStream(stream, events)
    expect(revisions(await read(stream))).to.deep.equal([2, 3])
  })
  it('twice, and again after writing', async () => {
    const stream = await written(1)
    await serve.client.deleteStream(stream)
    await serve.client.deleteStream(stream)
    await serve.client.appendToStream(stream, happened(1))
    await serve.client.deleteStream(stream)
    expect(await type(read(stream))).to.equal('stream-not-found')
  })
  it('with the revision the stream has', async () => {
    await serve.client.deleteStream(await written(3), { expectedRevision: 2n })
  })
  it('with another revision: nothing is deleted', async () => {
    const stream = await written(3)
    const error = await errorOf(serve.client.deleteStream(stream, { expectedRevision: 7n }))
    expect([error['type'], error['expectedVersion'], error['actualVersion']]).to.deep.equal([
      'wrong-expected-version',
      7n,
      2n,
    ])
    expect(revisions(await read(stream))).to.deep.equal([0, 1, 2])
  })
  it('with no_stream, though it is there', async () => {
    const error = await errorOf(
      serve.client.deleteStream(await written(1), { expectedRevision: 'no_stream' }),
    )
    expect([error['type'], error['expectedVersion']]).to.deep.equal(['wrong-expected-version', -1n])
  })
  it('with a revision, though it is not there', async () => {
    const error = await errorOf(serve.client.deleteStream(newStream(), { expectedRevision: 0n }))
    expect([error['type'], error['actualVersion']]).to.deep.equal([
      'wrong-expected-version',
      'no_stream',
    ])
  })
  it('of a stream nobody wrote: nothing happens', async () => {
    const stream = newStream()
    await serve.client.deleteStream(stream)
    expect((await serve.client.getStreamMetadata(stream)).metadata).to.equal(undefined)
  })
  it('of links is refused', async () => {
    expect(await type(serve.client.deleteStream('$ce-account'))).to.equal('access-denied')
  })
  it('while others append: every event is either deleted or readable, none both', async () => {
    const stream = newStream()
    const appends = Array.from({ length: 50 }, () =>
      serve.client.appendToStream(stream, happened(1)),
    )
    await appends[0]
    await Promise.all([...appends, serve.client.deleteStream(stream)])
    await serve.client.appendToStream(stream, happened(1))
    const found = revisions(await read(stream))
    expect(found.at(-1)).to.equal(50)
    expect(found).to.deep.equal(Array.from(found, (_, n) => (found[0] as number) + n))
  })
})

describe('server: Streams/Tombstone', () => {
  const serve = serving()
  const stream = newStream()
  before(async () => {
    await serve.client.appendToStream(stream, happened(3))
    await serve.client.tombstoneStream(stream)
  })
  const deleted = async (promise: Promise<unknown>) => {
    const error = await errorOf(promise)
    expect([error['type'], error['streamName']]).to.deep.equal(['stream-deleted', stream])
  }

  it('a tombstoned stream cannot be read', () => deleted(all(serve.client.readStream(stream))))
  it('nor backwards', () =>
    deleted(all(serve.client.readStream(stream, { direction: 'backwards', fromRevision: 'end' }))))
  for (const expectedRevision of ['any', 'no_stream', 'stream_exists', 2n] as const) {
    it(`nor written with ${expectedRevision}`, () =>
      deleted(serve.client.appendToStream(stream, happened(1), { expectedRevision })))
  }
  it('nor written by the older method', () =>
    deleted(
      serve.client.appendToStream(stream, happened(1), {
        credentials: { username: 'a', password: 'b' },
      }),
    ))
  it('nor deleted', () => deleted(serve.client.deleteStream(stream)))
  it('nor tombstoned again', () => deleted(serve.client.tombstoneStream(stream)))
  it('nor given rules', async () => {
    const error = await errorOf(serve.client.setStreamMetadata(stream, { maxCount: 1 }))
    expect(error['type']).to.equal('stream-deleted')
  })
  it('nor asked for its rules', () => deleted(serve.client.getStreamMetadata(stream)))
  it('nor subscribed to', async () => {
    const subscription = serve.client.subscribeToStream(stream)
    await deleted(new Promise((_, reject) => subscription.once('error', reject)))
  })
  it('checks the expected revision first', async () => {
    const other = newStream()
    await serve.client.appendToStream(other, happened(2))
    const error = await errorOf(serve.client.tombstoneStream(other, { expectedRevision: 5n }))
    expect([error['type'], error['actualVersion']]).to.deep.equal(['wrong-expected-version', 1n])
    await serve.client.tombstoneStream(other, { expectedRevision: 1n })
  })
  it('a stream nobody wrote can be tombstoned', async () => {
    const other = newStream()
    await serve.client.tombstoneStream(other, { expectedRevision: 'no_stream' })
    expect((await errorOf(serve.client.appendToStream(other, happened(1))))['type']).to.equal(
      'stream-deleted',
    )
  })
  it('ends subscriptions to the stream', async () => {
    const other = newStream()
    await serve.client.appendToStream(other, happened(1))
    const subscription = serve.client.subscribeToStream(other)
    subscription.on('data', () => {})
    const ended = new Promise((resolve) => subscription.once('error', resolve))
    await new Promise((resolve) => subscription.once('caughtUp', () => resolve(undefined)))
    await serve.client.tombstoneStream(other)
    expect(((await ended) as { type: string }).type).to.equal('stream-deleted')
  })
})

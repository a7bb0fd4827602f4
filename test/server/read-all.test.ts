// Reading the log.

import { expect } from 'chai'
import { all, errorOf, happened, newStream, serving } from './support/serving.ts'

describe('server: Streams/Read of $all', () => {
  const serve = serving()
  const [one, two] = [newStream(), newStream('order')]
  const labels = (events: Awaited<ReturnType<typeof read>>) =>
    events.map(({ event }) => `${event?.streamId}@${event?.revision}`)
  const read = (options: Parameters<typeof serve.client.readAll>[0] = {}) =>
    all(serve.client.readAll(options))
  const expected = [`${one}@0`, `${one}@1`, `${two}@0`, `${one}@2`, `${two}@1`]
  before(async () => {
    await serve.client.appendToStream(one, happened(2))
    await serve.client.appendToStream(two, happened(1))
    await serve.client.appendToStream(one, happened(1))
    await serve.client.appendToStream(two, happened(1))
  })

  it('forwards, in the order of writing', async () => {
    expect(labels(await read())).to.deep.equal(expected)
  })
  it('backwards from the end', async () => {
    expect(labels(await read({ direction: 'backwards', fromPosition: 'end' }))).to.deep.equal(
      expected.toReversed(),
    )
  })
  it('forwards from a position, inclusive', async () => {
    const [, , third] = await read()
    expect(labels(await read({ fromPosition: third?.event?.position ?? 'start' }))).to.deep.equal(
      expected.slice(2),
    )
  })
  it('backwards from a position, exclusive', async () => {
    const [, , third] = await read()
    const before = await read({
      direction: 'backwards',
      fromPosition: third?.event?.position ?? 'end',
    })
    expect(labels(before)).to.deep.equal(expected.slice(0, 2).toReversed())
  })
  it('so many', async () => {
    expect(labels(await read({ maxCount: 2 }))).to.deep.equal(expected.slice(0, 2))
    expect(
      labels(await read({ maxCount: 1, direction: 'backwards', fromPosition: 'end' })),
    ).to.deep.equal(expected.slice(-1))
  })
  it('a count of zero: nothing', async () => {
    expect(await read({ maxCount: 0 })).to.deep.equal([])
  })
  it('forwards from the end, backwards from the start: nothing', async () => {
    expect(await read({ fromPosition: 'end' })).to.deep.equal([])
    expect(await read({ direction: 'backwards', fromPosition: 'start' })).to.deep.equal([])
  })
  it('from a position beyond the end: nothing', async () => {
    const fromPosition = { commit: 2n ** 63n - 1n, prepare: 2n ** 63n - 1n }
    expect(await read({ fromPosition })).to.deep.equal([])
    expect(labels(await read({ fromPosition, direction: 'backwards' }))).to.deep.equal(
      expected.toReversed(),
    )
  })
  it('the log is no stream', async () => {
    expect((await errorOf(all(serve.client.readStream('$all'))))['type']).to.equal(
      'stream-not-found',
    )
  })
  it('what is deleted is in it no more', async () => {
    const gone = newStream()
    await serve.client.appendToStream(gone, happened(3))
    await serve.client.deleteStream(gone)
    expect(labels(await read()).filter((label) => label.startsWith(gone))).to.deep.equal([])
  })
  it('rules of streams are in it', async () => {
    const ruled = newStream()
    await serve.client.setStreamMetadata(ruled, { maxCount: 3 })
    const [last] = await read({ direction: 'backwards', fromPosition: 'end', maxCount: 1 })
    expect([last?.event?.streamId, last?.event?.type]).to.deep.equal([`$$${ruled}`, '$metadata'])
  })
  it('more than a page', async () => {
    await serve.client.appendToStream(newStream(), happened(1_300))
    expect((await read()).length).to.be.greaterThan(1_300)
  })
})

// Reading one stream.

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

describe('server: Streams/Read of a stream', () => {
  const serve = serving()
  const stream = newStream()
  const read = (options: Parameters<typeof serve.client.readStream>[1] = {}) =>
    all(serve.client.readStream(stream, options))
  before(() => serve.client.appendToStream(stream, happened(10)))

  it('forwards from the start, without being told', async () => {
    expect(numbers(await read())).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })
  it('forwards from a revision, inclusive', async () => {
    expect(revisions(await read({ fromRevision: 7n }))).to.deep.equal([7, 8, 9])
  })
  it('forwards so many', async () => {
    expect(revisions(await read({ fromRevision: 2n, maxCount: 3 }))).to.deep.equal([2, 3, 4])
  })
  it('forwards from behind the last: nothing', async () => {
    expect(await read({ fromRevision: 10n })).to.deep.equal([])
    expect(await read({ fromRevision: 2n ** 63n })).to.deep.equal([])
  })
  it('forwards from the end: nothing', async () => {
    expect(await read({ fromRevision: 'end' })).to.deep.equal([])
  })
  it('backwards from the end', async () => {
    expect(
      revisions(await read({ direction: 'backwards', fromRevision: 'end', maxCount: 3 })),
    ).to.deep.equal([9, 8, 7])
  })
  it('backwards from a revision, inclusive', async () => {
    expect(revisions(await read({ direction: 'backwards', fromRevision: 2n }))).to.deep.equal([
      2, 1, 0,
    ])
  })
  it('backwards from behind the last: from the last', async () => {
    expect(
      revisions(await read({ direction: 'backwards', fromRevision: 50n, maxCount: 1 })),
    ).to.deep.equal([9])
  })
  it('backwards from the start: the first', async () => {
    expect(revisions(await read({ direction: 'backwards', fromRevision: 'start' }))).to.deep.equal([
      0,
    ])
  })
  it('backwards without being told begins at the start, as the client says', async () => {
    expect(revisions(await read({ direction: 'backwards' }))).to.deep.equal([0])
  })
  it('a count of zero: nothing', async () => {
    expect(await read({ maxCount: 0 })).to.deep.equal([])
  })
  it('more than a page', async () => {
    const long = newStream()
    await serve.client.appendToStream(long, happened(1_500))
    const events = await all(serve.client.readStream(long))
    expect(numbers(events)).to.deep.equal(Array.from({ length: 1_500 }, (_, n) => n))
    const backwards = await all(
      serve.client.readStream(long, { direction: 'backwards', fromRevision: 'end' }),
    )
    expect(numbers(backwards)).to.deep.equal(Array.from({ length: 1_500 }, (_, n) => 1_499 - n))
  })
  it('a count beyond a page', async () => {
    const long = newStream()
    await serve.client.appendToStream(long, happened(1_200))
    expect((await all(serve.client.readStream(long, { maxCount: 1_100 }))).length).to.equal(1_100)
  })
  it('gives every event its stream, revision and position', async () => {
    const [first, second] = await read()
    expect([first?.event?.streamId, first?.event?.revision]).to.deep.equal([stream, 0n])
    expect(Number(second?.event?.position?.commit)).to.be.greaterThan(
      Number(first?.event?.position?.commit),
    )
    expect(first?.commitPosition).to.equal(first?.event?.position?.commit)
    expect(first?.link).to.equal(undefined)
  })
  it('a stream nobody wrote is not found', async () => {
    const missing = newStream()
    const error = await errorOf(all(serve.client.readStream(missing)))
    expect([error['type'], error['streamName']]).to.deep.equal(['stream-not-found', missing])
  })
  it('a stream nobody wrote is not found backwards either', async () => {
    const missing = serve.client.readStream(newStream(), {
      direction: 'backwards',
      fromRevision: 'end',
      maxCount: 1,
    })
    expect((await errorOf(all(missing)))['type']).to.equal('stream-not-found')
  })
  it('a name that is empty is refused', async () => {
    expect(String((await errorOf(all(serve.client.readStream(''))))['message'])).to.include(
      'names no stream',
    )
  })
  it('can be given up in the middle', async () => {
    const long = newStream()
    await serve.client.appendToStream(long, happened(2_000))
    let seen = 0
    for await (const _ of serve.client.readStream(long)) {
      seen += 1
      if (seen === 5) break
    }
    expect(seen).to.equal(5)
    expect((await read()).length).to.equal(10)
  })
  it('twenty readers at once', async () => {
    const results = await Promise.all(Array.from({ length: 20 }, () => read()))
    for (const result of results)
      expect(revisions(result)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })
})

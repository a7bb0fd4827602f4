// Subscriptions to one stream.

import { expect } from 'chai'
import { happened, newStream, numbers, revisions, said, serving, take } from './support/serving.ts'

describe('server: subscription to a stream', () => {
  const serve = serving()
  const append = (stream: string, count: number, first = 0) =>
    serve.client.appendToStream(stream, happened(count, first))
  type Options = Parameters<typeof serve.client.subscribeToStream>[1]
  /** A subscription that ends with the test. */
  const subscribe = (stream: string, options: Options = {}) => {
    const subscription = serve.client.subscribeToStream(stream, options)
    open.push(subscription)
    return subscription
  }
  const open: ReturnType<typeof serve.client.subscribeToStream>[] = []
  afterEach(() => Promise.all(open.splice(0).map((subscription) => subscription.unsubscribe())))

  it('is confirmed with an id', async () => {
    const subscription = subscribe(newStream())
    subscription.on('data', () => {})
    await said(subscription, 'confirmation')
    expect(subscription.id).to.match(/^[0-9a-f-]{36}$/)
  })
  it('delivers what is there, then says it is caught up, then what comes', async () => {
    const stream = newStream()
    await append(stream, 3)
    const subscription = subscribe(stream)
    const caughtUp = said(subscription, 'caughtUp')
    expect(numbers(await take(subscription, 3))).to.deep.equal([0, 1, 2])
    await caughtUp
    const live = take(subscription, 2)
    await append(stream, 2, 3)
    expect(numbers(await live)).to.deep.equal([3, 4])
  })
  it('a stream nobody wrote yet', async () => {
    const stream = newStream()
    const subscription = subscribe(stream)
    const events = take(subscription, 1)
    await said(subscription, 'caughtUp')
    await append(stream, 1)
    expect(revisions(await events)).to.deep.equal([0])
  })
  it('after a revision, exclusive', async () => {
    const stream = newStream()
    await append(stream, 5)
    expect(revisions(await take(subscribe(stream, { fromRevision: 2n }), 2))).to.deep.equal([3, 4])
  })
  it('after revision 0', async () => {
    const stream = newStream()
    await append(stream, 2)
    expect(revisions(await take(subscribe(stream, { fromRevision: 0n }), 1))).to.deep.equal([1])
  })
  it('after the end: only what comes', async () => {
    const stream = newStream()
    await append(stream, 5)
    const subscription = subscribe(stream, { fromRevision: 'end' })
    const events = take(subscription, 1)
    await said(subscription, 'caughtUp')
    await append(stream, 1, 5)
    expect(numbers(await events)).to.deep.equal([5])
  })
  it('events of other streams do not come', async () => {
    const stream = newStream()
    const events = take(subscribe(stream), 2)
    for (let n = 0; n < 2; n += 1) {
      await append(newStream(), 3)
      await append(stream, 1, n)
    }
    expect((await events).map(({ event }) => event?.streamId)).to.deep.equal([stream, stream])
  })
  it('thousands of events, in order', async () => {
    const stream = newStream()
    await append(stream, 2_500)
    expect(numbers(await take(subscribe(stream), 2_500))).to.deep.equal(
      Array.from({ length: 2_500 }, (_, n) => n),
    )
  })
  it('a client that pauses falls back to catching up, is told so, and loses nothing', async () => {
    const stream = newStream()
    const subscription = subscribe(stream)
    const seen: number[] = []
    subscription.on('data', (event) => seen.push(...numbers([event])))
    await said(subscription, 'caughtUp')
    const behind = said(subscription, 'fellBehind')
    subscription.pause()
    for (let n = 0; n < 6; n += 1) await append(stream, 1_000, n * 1_000)
    const again = said(subscription, 'caughtUp')
    subscription.resume()
    await behind
    await again
    expect(seen).to.deep.equal(Array.from({ length: 6_000 }, (_, n) => n))
  })
  it('twenty subscribers see the same', async () => {
    const stream = newStream()
    const subscriptions = Array.from({ length: 20 }, () => take(subscribe(stream), 3))
    await append(stream, 3)
    for (const events of await Promise.all(subscriptions))
      expect(numbers(events)).to.deep.equal([0, 1, 2])
  })
  it('ends when the client leaves, and the server goes on', async () => {
    const stream = newStream()
    const subscription = serve.client.subscribeToStream(stream)
    subscription.on('data', () => {})
    await said(subscription, 'caughtUp')
    await subscription.unsubscribe()
    await append(stream, 1)
    expect(numbers(await take(subscribe(stream), 1))).to.deep.equal([0])
  })
  it('truncated events do not come', async () => {
    const stream = newStream()
    await append(stream, 5)
    await serve.client.setStreamMetadata(stream, { truncateBefore: 3 })
    expect(revisions(await take(subscribe(stream), 2))).to.deep.equal([3, 4])
  })
  it('goes on over a deletion', async () => {
    const stream = newStream()
    await append(stream, 1)
    const subscription = subscribe(stream)
    const events = take(subscription, 2)
    await said(subscription, 'caughtUp')
    await serve.client.deleteStream(stream)
    await append(stream, 1, 1)
    expect(revisions(await events)).to.deep.equal([0, 1])
  })
})

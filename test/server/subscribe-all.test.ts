// Subscriptions to the log, with filters and checkpoints.

import {
  eventTypeFilter,
  excludeSystemEvents,
  type Filter,
  jsonEvent,
  type Position,
  type ResolvedEvent,
  streamNameFilter,
} from '@eventstore/db-client'
import { expect } from 'chai'
import { errorOf, happened, newStream, numbers, said, serving, take } from './support/serving.ts'

describe('server: subscription to $all', () => {
  const serve = serving()
  type Options = Parameters<typeof serve.client.subscribeToAll>[0]
  const open: ReturnType<typeof serve.client.subscribeToAll>[] = []
  const subscribe = (options: Options = {}) => {
    const subscription = serve.client.subscribeToAll(options)
    open.push(subscription)
    return subscription
  }
  const here = async (): Promise<Position> => {
    const { position } = await serve.client.appendToStream(newStream('mark'), happened(1))
    return position as Position
  }
  const mixed = async (): Promise<Position> => {
    const fromPosition = await here()
    await serve.client.appendToStream('order-1', happened(2))
    await serve.client.appendToStream('orders-1', [jsonEvent({ type: 'Other', data: { n: 7 } })])
    await serve.client.appendToStream('invoice-1', happened(1, 5))
    return fromPosition
  }
  const label = ({ event }: ResolvedEvent) => `${event?.streamId.replace(/-.*/, '')}:${event?.type}`
  const filtered = async (filter: Filter, count: number) => {
    const subscription = subscribe({ fromPosition: await mixed(), filter })
    return (await take(subscription, count)).map(label)
  }
  afterEach(() => Promise.all(open.splice(0).map((subscription) => subscription.unsubscribe())))

  it('delivers what is there, says it is caught up, then what comes', async () => {
    const fromPosition = await here()
    const stream = newStream()
    await serve.client.appendToStream(stream, happened(2))
    const subscription = subscribe({ fromPosition })
    const caughtUp = said(subscription, 'caughtUp')
    expect(numbers(await take(subscription, 2))).to.deep.equal([0, 1])
    await caughtUp
    const live = take(subscription, 1)
    await serve.client.appendToStream(stream, happened(1, 9))
    expect(numbers(await live)).to.deep.equal([9])
  })
  it('from the start', async () => {
    await here()
    const [first] = await take(subscribe(), 1)
    expect(first?.event?.position?.commit).to.equal(1n)
  })
  it('from the end: only what comes', async () => {
    await here()
    const subscription = subscribe({ fromPosition: 'end' })
    const events = take(subscription, 1)
    await said(subscription, 'caughtUp')
    await serve.client.appendToStream(newStream(), happened(1, 4))
    expect(numbers(await events)).to.deep.equal([4])
  })
  it('a position is exclusive', async () => {
    const fromPosition = await here()
    await serve.client.appendToStream(newStream(), happened(1, 8))
    expect(numbers(await take(subscribe({ fromPosition }), 1))).to.deep.equal([8])
  })
  it('by prefix of the stream', async () => {
    const seen = await filtered(streamNameFilter({ prefixes: ['order-'] }), 2)
    expect(seen).to.deep.equal(['order:Happened', 'order:Happened'])
  })
  it('by several prefixes', async () => {
    const seen = await filtered(streamNameFilter({ prefixes: ['orders-', 'invoice-'] }), 2)
    expect(seen).to.deep.equal(['orders:Other', 'invoice:Happened'])
  })
  it('by regular expression of the stream', async () => {
    const seen = await filtered(streamNameFilter({ regex: '^orders?-\\d$' }), 3)
    expect(seen).to.deep.equal(['order:Happened', 'order:Happened', 'orders:Other'])
  })
  it('by regular expression with escapes of other languages', async () => {
    const seen = await filtered(streamNameFilter({ regex: '^orders?\\-\\d$' }), 3)
    expect(seen.length).to.equal(3)
  })
  it('by prefix of the type', async () => {
    expect(await filtered(eventTypeFilter({ prefixes: ['Oth'] }), 1)).to.deep.equal([
      'orders:Other',
    ])
  })
  it('by regular expression of the type', async () => {
    expect(await filtered(eventTypeFilter({ regex: '^O' }), 1)).to.deep.equal(['orders:Other'])
  })
  it('without events of the system', async () => {
    const fromPosition = await here()
    const stream = newStream()
    await serve.client.setStreamMetadata(stream, { maxCount: 5 })
    await serve.client.appendToStream(stream, happened(1, 3))
    const subscription = subscribe({ fromPosition, filter: excludeSystemEvents() })
    expect(numbers(await take(subscription, 1))).to.deep.equal([3])
  })
  it('a filter goes on when live', async () => {
    const subscription = subscribe({
      fromPosition: 'end',
      filter: streamNameFilter({ prefixes: ['live-'] }),
    })
    const events = take(subscription, 2)
    await said(subscription, 'caughtUp')
    for (let n = 0; n < 2; n += 1) {
      await serve.client.appendToStream(newStream(), happened(1))
      await serve.client.appendToStream(newStream('live'), happened(1, n))
    }
    expect(numbers(await events)).to.deep.equal([0, 1])
  })
  it('a regular expression that is none is refused', async () => {
    const subscription = serve.client.subscribeToAll({ filter: streamNameFilter({ regex: '(' }) })
    subscription.on('data', () => {})
    const error = await errorOf(new Promise((_, reject) => subscription.once('error', reject)))
    expect(String(error['message'])).to.include('no regular expression')
  })
  it('checkpoints come where nothing matches, from which another goes on', async () => {
    const fromPosition = await here()
    await serve.client.appendToStream(newStream(), happened(700))
    const found: Position[] = []
    const filter = streamNameFilter({
      prefixes: ['never-'],
      maxSearchWindow: 10,
      checkpointInterval: 5,
      checkpointReached: (_, position) => {
        found.push(position)
      },
    })
    const subscription = subscribe({ fromPosition, filter })
    subscription.on('data', () => {})
    await said(subscription, 'caughtUp')
    // 700 events, one checkpoint for each 50 that were looked at.
    expect(found.length).to.equal(14)
    const commits = found.map(({ commit }) => Number(commit))
    expect(commits).to.deep.equal(commits.toSorted((left, right) => left - right))
    await serve.client.appendToStream('never-1', happened(1, 42))
    const last = found.at(-1) as Position
    const again = subscribe({
      fromPosition: last,
      filter: streamNameFilter({ prefixes: ['never-'] }),
    })
    expect(numbers(await take(again, 1))).to.deep.equal([42])
  })
  it('no checkpoint overtakes an event', async () => {
    const fromPosition = await here()
    await serve.client.appendToStream(newStream('rare'), happened(300))
    let latest = fromPosition.commit
    const filter = streamNameFilter({
      prefixes: ['rare-'],
      maxSearchWindow: 7,
      checkpointReached: (_, { commit }) => {
        latest = commit
      },
    })
    const subscription = subscribe({ fromPosition, filter })
    const overtaken: bigint[] = []
    subscription.on('data', ({ event }) => {
      if (event && event.position.commit + 7n <= latest) overtaken.push(latest)
    })
    await take(subscription, 300)
    expect(overtaken).to.deep.equal([])
  })
  it('a client that pauses loses nothing', async () => {
    const subscription = subscribe({ fromPosition: await here() })
    const seen: number[] = []
    subscription.on('data', (event) => seen.push(...numbers([event])))
    await said(subscription, 'caughtUp')
    subscription.pause()
    for (let n = 0; n < 4; n += 1)
      await serve.client.appendToStream(newStream(), happened(1_000, n * 1_000))
    const again = said(subscription, 'caughtUp')
    subscription.resume()
    await again
    expect(seen).to.deep.equal(Array.from({ length: 4_000 }, (_, n) => n))
  })
  it('writers and subscribers at once: every event once, in order', async () => {
    const fromPosition = await here()
    const subscription = subscribe({ fromPosition })
    const events = take(subscription, 500)
    await Promise.all(
      Array.from({ length: 500 }, (_, n) =>
        serve.client.appendToStream(newStream(), happened(1, n)),
      ),
    )
    const positions = (await events).map(({ event }) => Number(event?.position?.commit))
    expect(positions).to.deep.equal([...new Set(positions)].sort((left, right) => left - right))
  })
})

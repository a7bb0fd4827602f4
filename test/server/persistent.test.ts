// Persistent subscriptions: making them, sharing the work, answering, parking.

import {
  persistentSubscriptionToAllSettingsFromDefaults as allSettings,
  eventTypeFilter,
  jsonEvent,
  type PersistentSubscriptionToStream,
  type PersistentSubscriptionToStreamResolvedEvent,
  persistentSubscriptionToStreamSettingsFromDefaults as settings,
  streamNameFilter,
} from '@eventstore/db-client'
import { expect } from 'chai'
import { openSqliteStore } from '../../runtime/stores/sqlite/sqlite-store.ts'
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
  take,
  until,
} from './support/serving.ts'

type Delivered = PersistentSubscriptionToStreamResolvedEvent

describe('server: persistent subscriptions', () => {
  const serve = serving()
  const newFile = storeFile()
  const open: { unsubscribe(): Promise<void> }[] = []
  const group = 'mailer'
  const created = async (count: number, changes: Parameters<typeof settings>[0] = {}) => {
    const stream = newStream()
    await serve.client.appendToStream(stream, happened(count))
    const made = settings({ startFrom: 'start', ...changes })
    await serve.client.createPersistentSubscriptionToStream(stream, group, made)
    return stream
  }
  const join_ = (stream: string, bufferSize = 10) => {
    const subscription = serve.client.subscribeToPersistentSubscriptionToStream(stream, group, {
      bufferSize,
    })
    open.push(subscription)
    return subscription
  }
  const taken = (subscription: NodeJS.EventEmitter, count: number) =>
    take(subscription, count) as Promise<Delivered[]>
  const info = (stream: string) => serve.client.getPersistentSubscriptionToStreamInfo(stream, group)
  const type = async (promise: Promise<unknown>) => (await errorOf(promise))['type']
  afterEach(() => Promise.all(open.splice(0).map((subscription) => subscription.unsubscribe())))

  describe('managing', () => {
    it('create, info, update, delete', async () => {
      const stream = await created(2, {
        maxRetryCount: 3,
        messageTimeout: 5_000,
        consumerStrategyName: 'Pinned',
      })
      const before = await info(stream)
      expect([before.eventSource, before.groupName, before.settings.startFrom]).to.deep.equal([
        stream,
        group,
        'start',
      ])
      expect([
        before.settings.maxRetryCount,
        before.settings.messageTimeout,
        before.settings.consumerStrategyName,
      ]).to.deep.equal([3, 5_000, 'Pinned'])
      await serve.client.updatePersistentSubscriptionToStream(
        stream,
        group,
        settings({ maxRetryCount: 7, resolveLinkTos: true }),
      )
      const after = await info(stream)
      expect([after.settings.maxRetryCount, after.settings.resolveLinkTos]).to.deep.equal([7, true])
      await serve.client.deletePersistentSubscriptionToStream(stream, group)
      expect(await type(info(stream))).to.equal('persistent-subscription-does-not-exist')
    })
    it('settings come back as they were given', async () => {
      const given = settings({
        startFrom: 4n,
        checkPointAfter: 900,
        checkPointLowerBound: 3,
        checkPointUpperBound: 30,
        maxSubscriberCount: 4,
        liveBufferSize: 40,
        readBatchSize: 10,
        historyBufferSize: 60,
        extraStatistics: true,
      })
      const stream = newStream()
      await serve.client.createPersistentSubscriptionToStream(stream, group, given)
      expect((await info(stream)).settings).to.deep.equal(given)
    })
    it('twice is refused', async () => {
      const stream = await created(0)
      const error = await errorOf(
        serve.client.createPersistentSubscriptionToStream(stream, group, settings()),
      )
      expect([error['type'], error['streamName'], error['groupName']]).to.deep.equal([
        'persistent-subscription-exists',
        stream,
        group,
      ])
    })
    it('what is not there cannot be used', async () => {
      const stream = newStream()
      const missing = 'persistent-subscription-does-not-exist'
      expect(
        await type(serve.client.updatePersistentSubscriptionToStream(stream, group, settings())),
      ).to.equal(missing)
      expect(await type(serve.client.deletePersistentSubscriptionToStream(stream, group))).to.equal(
        missing,
      )
      expect(await type(serve.client.replayParkedMessagesToStream(stream, group))).to.equal(missing)
      const joining = join_(stream)
      joining.on('data', () => {})
      expect(await type(new Promise((_, reject) => joining.once('error', reject)))).to.equal(
        missing,
      )
    })
    it('groups of a stream, of the log, and all of them are listed', async () => {
      const stream = await created(0)
      await serve.client.createPersistentSubscriptionToStream(stream, 'other', settings())
      await serve.client.createPersistentSubscriptionToAll('log-listed', allSettings())
      const ofStream = await serve.client.listPersistentSubscriptionsToStream(stream)
      expect(ofStream.map(({ groupName }) => groupName).toSorted()).to.deep.equal([group, 'other'])
      const ofLog = await serve.client.listPersistentSubscriptionsToAll()
      expect(ofLog.map(({ groupName }) => groupName)).to.include('log-listed')
      const everything = await serve.client.listAllPersistentSubscriptions()
      expect(everything.length).to.be.at.least(ofStream.length + ofLog.length)
    })
    it('a read batch that does not fit the buffer is refused', async () => {
      const create = serve.client.createPersistentSubscriptionToStream(
        newStream(),
        group,
        settings({ readBatchSize: 50, historyBufferSize: 50 }),
      )
      expect(String((await errorOf(create))['message'])).to.include('read batch')
    })
    it('a deleted group drops its consumers', async () => {
      const stream = await created(1)
      const subscription = join_(stream)
      const ended = new Promise<{ type: string }>((resolve) =>
        subscription.once('error', resolve as never),
      )
      await taken(subscription, 1)
      await serve.client.deletePersistentSubscriptionToStream(stream, group)
      expect((await ended).type).to.equal('persistent-subscription-dropped')
    })
    it('a changed group drops its consumers, who join again', async () => {
      const stream = await created(2)
      const subscription = join_(stream)
      const ended = new Promise<{ type: string }>((resolve) =>
        subscription.once('error', resolve as never),
      )
      const [first] = await taken(subscription, 1)
      await subscription.ack(first as Delivered)
      await serve.client.updatePersistentSubscriptionToStream(
        stream,
        group,
        settings({ startFrom: 'start', maxRetryCount: 1 }),
      )
      expect((await ended).type).to.equal('persistent-subscription-dropped')
      expect((await taken(join_(stream), 1)).length).to.equal(1)
    })
    it('restarting the subsystem is harmless', () =>
      serve.client.restartPersistentSubscriptionSubsystem())
  })

  describe('consuming', () => {
    it('what is there, then what comes', async () => {
      const stream = await created(2)
      const subscription = join_(stream)
      const events = taken(subscription, 3)
      await said(subscription, 'confirmation')
      await serve.client.appendToStream(stream, happened(1, 2))
      expect(numbers(await events)).to.deep.equal([0, 1, 2])
      expect(subscription.id).to.match(/^[0-9a-f-]{36}$/)
    })
    it('from a revision, inclusive', async () => {
      expect(numbers(await taken(join_(await created(5, { startFrom: 3n })), 2))).to.deep.equal([
        3, 4,
      ])
    })
    it('from the end', async () => {
      const stream = await created(5, { startFrom: 'end' })
      const events = taken(join_(stream), 1)
      await serve.client.appendToStream(stream, happened(1, 9))
      expect(numbers(await events)).to.deep.equal([9])
    })
    it('no more than the buffer without an answer', async () => {
      const stream = await created(10)
      const subscription = join_(stream, 2)
      const first = await taken(subscription, 2)
      const { stats, connections } = await info(stream)
      expect([stats.totalInFlightMessages, connections[0]?.availableSlots]).to.deep.equal([2, 0])
      const next = taken(subscription, 1)
      await subscription.ack(first[0] as Delivered)
      expect(numbers(await next)).to.deep.equal([2])
    })
    it('everything once to one of two consumers', async () => {
      const stream = await created(100)
      const seen: number[] = []
      const done = new Promise<void>((resolve) => {
        for (const subscription of [
          join_(stream),
          join_(stream),
        ] as PersistentSubscriptionToStream[]) {
          subscription.on('data', (event) => {
            seen.push(...numbers([event as never]))
            void subscription.ack(event)
            if (seen.length === 100) resolve()
          })
        }
      })
      await done
      expect(seen.toSorted((left, right) => left - right)).to.deep.equal(
        Array.from({ length: 100 }, (_, n) => n),
      )
    })
    it('no more consumers than allowed', async () => {
      const stream = await created(1, { maxSubscriberCount: 1 })
      await taken(join_(stream), 1)
      const second = join_(stream)
      second.on('data', () => {})
      expect(await type(new Promise((_, reject) => second.once('error', reject)))).to.equal(
        'maximum-subscribers-reached',
      )
    })
    it('what a consumer left behind goes to another', async () => {
      const stream = await created(2)
      const first = serve.client.subscribeToPersistentSubscriptionToStream(stream, group)
      await taken(first, 2)
      await first.unsubscribe()
      const again = await taken(join_(stream), 2)
      expect(numbers(again)).to.deep.equal([0, 1])
      expect(again.map(({ retryCount }) => retryCount)).to.deep.equal([1, 1])
    })
    it('what is not answered in time comes again', async () => {
      const stream = await created(1, { messageTimeout: 30 })
      const [first, second] = await taken(join_(stream), 2)
      expect([first?.retryCount, second?.retryCount]).to.deep.equal([0, 1])
      expect(second?.event?.id).to.equal(first?.event?.id)
    })
    it('links are resolved where the group says so', async () => {
      const category = `kind${newStream('').replaceAll('-', '')}`
      await serve.client.appendToStream(`${category}-1`, happened(2))
      await serve.client.createPersistentSubscriptionToStream(
        `$ce-${category}`,
        group,
        settings({ startFrom: 'start', resolveLinkTos: true }),
      )
      const subscription = join_(`$ce-${category}`)
      const events = taken(subscription, 3)
      await said(subscription, 'confirmation')
      await serve.client.appendToStream(`${category}-2`, happened(1, 2))
      const found = await events
      expect(numbers(found)).to.deep.equal([0, 1, 2])
      expect(found[0]?.link?.streamId).to.equal(`$ce-${category}`)
      await subscription.ack(...found)
      await until(
        () => info(`$ce-${category}`),
        ({ stats }) => stats.totalInFlightMessages === 0,
      )
    })
    for (const strategy of ['RoundRobin', 'DispatchToSingle', 'Pinned'] as const) {
      it(`${strategy} delivers everything`, async () => {
        const stream = await created(30, { consumerStrategyName: strategy })
        const [one, two] = [join_(stream, 50), join_(stream, 50)]
        const counts = [0, 0]
        await new Promise<void>((resolve) => {
          for (const [index, subscription] of [one, two].entries()) {
            subscription.on('data', (event) => {
              counts[index] = (counts[index] ?? 0) + 1
              void subscription.ack(event as never)
              if ((counts[0] ?? 0) + (counts[1] ?? 0) === 30) resolve()
            })
          }
        })
        // One stream: pinned to one consumer, as is everything where one has room.
        if (strategy !== 'RoundRobin') expect(Math.max(...counts)).to.equal(30)
      })
    }
  })

  describe('answering', () => {
    it('retry: at once again', async () => {
      const subscription = join_(await created(1))
      const [first] = await taken(subscription, 1)
      const again = taken(subscription, 1)
      await subscription.nack('retry', 'not now', first as Delivered)
      expect((await again)[0]?.retryCount).to.equal(1)
    })
    it('skip: never again', async () => {
      const subscription = join_(await created(2), 1)
      const [first] = await taken(subscription, 1)
      const next = taken(subscription, 1)
      await subscription.nack('skip', 'useless', first as Delivered)
      expect(numbers(await next)).to.deep.equal([1])
    })
    it('stop: the call ends and the event goes to another', async () => {
      const stream = await created(1)
      const subscription = serve.client.subscribeToPersistentSubscriptionToStream(stream, group)
      const [first] = await taken(subscription, 1)
      const ended = said(subscription, 'error') as Promise<{ type: string }>
      await subscription.nack('stop', 'leaving', first as Delivered)
      expect((await ended).type).to.equal('persistent-subscription-dropped')
      expect(numbers(await taken(join_(stream), 1))).to.deep.equal([0])
    })
    it('park: aside, with the reason, until replayed', async () => {
      const stream = await created(1)
      const subscription = join_(stream)
      const [first] = await taken(subscription, 1)
      await subscription.nack('park', 'cannot be mailed', first as Delivered)
      await until(
        () => info(stream),
        ({ stats }) => stats.parkedMessageCount === 1n,
      )
      const parked = await all(
        serve.client.readStream(`$persistentsubscription-${stream}::${group}-parked`, {
          resolveLinkTos: true,
        }),
      )
      expect(numbers(parked)).to.deep.equal([0])
      expect(
        (parked[0]?.link?.metadata as unknown as { reason: string } | undefined)?.reason,
      ).to.equal('cannot be mailed')
      const again = taken(subscription, 1)
      await serve.client.replayParkedMessagesToStream(stream, group)
      await subscription.ack((await again)[0] as Delivered)
      await until(
        () => info(stream),
        ({ stats }) => stats.parkedMessageCount === 0n,
      )
    })
    it('too many retries: parked', async () => {
      const stream = await created(1, { maxRetryCount: 2 })
      const subscription = join_(stream)
      subscription.on('data', (event) => void subscription.nack('retry', 'broken', event))
      await until(
        () => info(stream),
        ({ stats }) => stats.parkedMessageCount === 1n,
      )
    })
    it('only so many parked are replayed', async () => {
      const stream = await created(3)
      const subscription = join_(stream)
      const events = await taken(subscription, 3)
      await subscription.nack('park', 'later', ...events)
      await until(
        () => info(stream),
        ({ stats }) => stats.parkedMessageCount === 3n,
      )
      const again = taken(subscription, 2)
      await serve.client.replayParkedMessagesToStream(stream, group, { stopAt: 2 })
      await subscription.ack(...(await again))
      await until(
        () => info(stream),
        ({ stats }) => stats.parkedMessageCount === 1n,
      )
    })
    it('answers move the checkpoint', async () => {
      const stream = await created(5, {
        checkPointAfter: 1,
        checkPointLowerBound: 1,
        checkPointUpperBound: 5,
      })
      const subscription = join_(stream)
      await subscription.ack(...(await taken(subscription, 5)))
      const { stats } = await until(
        () => info(stream),
        ({ stats }) => stats.lastCheckpointedEventRevision === 4n,
      )
      expect(stats.lastKnownEventRevision).to.equal(4n)
    })
  })

  describe('over the log', () => {
    const consume = (name: string) => {
      const subscription = serve.client.subscribeToPersistentSubscriptionToAll(name, {
        bufferSize: 20,
      })
      open.push(subscription)
      return subscription
    }
    it('by prefixes of streams', async () => {
      const [one, two] = [newStream('pa'), newStream('pb')]
      await serve.client.createPersistentSubscriptionToAll(
        'prefixes',
        allSettings({ startFrom: 'start' }),
        { filter: streamNameFilter({ prefixes: ['pa-', 'pb-'] }) },
      )
      await serve.client.appendToStream(one, happened(1, 1))
      await serve.client.appendToStream(newStream(), happened(40, 9))
      await serve.client.appendToStream(two, happened(1, 2))
      expect(numbers(await taken(consume('prefixes'), 2))).to.deep.equal([1, 2])
    })
    it('of one prefix, which the store itself goes by', async () => {
      const store = newFile()
      await servedOnce(store, async (client) => {
        await client.appendToStream('noise-1', happened(1_100))
        await client.createPersistentSubscriptionToAll(
          'prefix',
          allSettings({ startFrom: 'start' }),
          { filter: streamNameFilter({ prefixes: ['rare-'] }) },
        )
        await client.appendToStream('rare-1', happened(1, 7))
        const subscription = client.subscribeToPersistentSubscriptionToAll('prefix')
        expect(numbers(await taken(subscription, 1))).to.deep.equal([7])
        const { stats } = await client.getPersistentSubscriptionToAllInfo('prefix')
        expect(stats.totalItems).to.equal(1n)
        await subscription.unsubscribe()
      })
      const opened = await openSqliteStore(store.slice('file:'.length))
      const { filter } = await opened.groups.info({ name: 'prefix' })
      await opened.close()
      expect(filter).to.deep.equal({ streamPrefix: 'rare-' })
    })
    it('by regular expression of types', async () => {
      const type = `Rare${newStream('')}`
      await serve.client.createPersistentSubscriptionToAll(
        'types',
        allSettings({ startFrom: 'start' }),
        { filter: eventTypeFilter({ regex: `^${type}$` }) },
      )
      await serve.client.appendToStream(newStream(), [
        ...happened(30),
        jsonEvent({ type, data: { n: 5 } }),
      ])
      expect(numbers(await taken(consume('types'), 1))).to.deep.equal([5])
    })
    it('from a position, inclusive', async () => {
      const { position } = await serve.client.appendToStream(newStream('px'), happened(1, 3))
      if (!position) expect.fail('no position')
      await serve.client.createPersistentSubscriptionToAll(
        'position',
        allSettings({ startFrom: position }),
      )
      expect(numbers(await taken(consume('position'), 1))).to.deep.equal([3])
      const found = await serve.client.getPersistentSubscriptionToAllInfo('position')
      expect([found.eventSource, found.settings.startFrom]).to.deep.equal(['$all', position])
    })
    it('update and delete', async () => {
      await serve.client.createPersistentSubscriptionToAll('brief', allSettings())
      await serve.client.updatePersistentSubscriptionToAll(
        'brief',
        allSettings({ maxRetryCount: 1 }),
      )
      expect(
        (await serve.client.getPersistentSubscriptionToAllInfo('brief')).settings.maxRetryCount,
      ).to.equal(1)
      await serve.client.deletePersistentSubscriptionToAll('brief')
      expect(await type(serve.client.getPersistentSubscriptionToAllInfo('brief'))).to.equal(
        'persistent-subscription-does-not-exist',
      )
    })
    it('a filter that makes no sense is refused', async () => {
      const create = serve.client.createPersistentSubscriptionToAll('wrong', allSettings(), {
        filter: streamNameFilter({ regex: '(' }),
      })
      expect(String((await errorOf(create))['message'])).to.include('no regular expression')
    })
  })

  it('a restart goes on after the checkpoint, with what was parked', async () => {
    const store = newFile()
    await servedOnce(store, async (client) => {
      await client.appendToStream('account-1', happened(5))
      await client.createPersistentSubscriptionToStream(
        'account-1',
        group,
        settings({ startFrom: 'start' }),
      )
      const subscription = client.subscribeToPersistentSubscriptionToStream('account-1', group)
      const events = await taken(subscription, 5)
      await subscription.ack(...events.slice(0, 3))
      await subscription.nack('park', 'odd', events[3] as Delivered)
      const parked = () => client.getPersistentSubscriptionToStreamInfo('account-1', group)
      await until(parked, ({ stats }) => stats.parkedMessageCount === 1n)
    })
    await servedOnce(store, async (client) => {
      const subscription = client.subscribeToPersistentSubscriptionToStream('account-1', group)
      expect(numbers(await taken(subscription, 1))).to.deep.equal([4])
      const again = taken(subscription, 1)
      await client.replayParkedMessagesToStream('account-1', group)
      expect(numbers(await again)).to.deep.equal([3])
    })
  })
})

// Links: those the server makes, and those clients write.

import { randomUUID } from 'node:crypto'
import { binaryEvent, type EventStoreDBClient, jsonEvent } from '@eventstore/db-client'
import { expect } from 'chai'
import {
  all,
  errorOf,
  happened,
  newStream,
  numbers,
  revisions,
  said,
  servedOnce,
  serving,
  storeFile,
  take,
} from './support/serving.ts'

const link = (revision: number, stream: string) =>
  binaryEvent({ type: '$>', data: Buffer.from(`${revision}@${stream}`) })

describe('server: links', () => {
  const serve = serving()
  const newFile = storeFile()
  const read = (stream: string, resolveLinkTos = true) =>
    all(serve.client.readStream(stream, { resolveLinkTos }))
  const newCategory = () => `kind${randomUUID().replaceAll('-', '')}`

  it('$ce-CATEGORY has the events of a category in order', async () => {
    const category = newCategory()
    await serve.client.appendToStream(`${category}-1`, happened(2))
    await serve.client.appendToStream(`${category}-2-b`, happened(1, 2))
    await serve.client.appendToStream(`${category}s-1`, happened(1, 99))
    await serve.client.appendToStream(`${category}-1`, happened(1, 3))
    const events = await read(`$ce-${category}`)
    expect(numbers(events)).to.deep.equal([0, 1, 2, 3])
    expect(revisions(events)).to.deep.equal([0, 1, 2, 3])
    expect(events.map(({ event }) => event?.revision)).to.deep.equal([0n, 1n, 0n, 2n])
  })
  it('a category is split at the first dash; without one there is none', async () => {
    const category = newCategory()
    await serve.client.appendToStream(category, happened(1))
    expect((await errorOf(read(`$ce-${category}`)))['type']).to.equal('stream-not-found')
  })
  it('unresolved they are links', async () => {
    const category = newCategory()
    await serve.client.appendToStream(`${category}-1`, happened(1))
    const [only] = await read(`$ce-${category}`, false)
    expect([only?.event?.type, only?.event?.isJson, only?.link]).to.deep.equal([
      '$>',
      false,
      undefined,
    ])
    expect(Buffer.from(only?.event?.data as Uint8Array).toString()).to.equal(`0@${category}-1`)
  })
  it('resolved they tell both', async () => {
    const category = newCategory()
    await serve.client.appendToStream(`${category}-1`, happened(1))
    const [only] = await read(`$ce-${category}`)
    expect([only?.event?.streamId, only?.link?.streamId]).to.deep.equal([
      `${category}-1`,
      `$ce-${category}`,
    ])
  })
  it('$et-TYPE has the events of a type', async () => {
    const type = `T${randomUUID()}`
    const [one, two] = [newStream(), newStream('order')]
    await serve.client.appendToStream(one, jsonEvent({ type, data: { n: 1 } }))
    await serve.client.appendToStream(two, [...happened(1), jsonEvent({ type, data: { n: 2 } })])
    expect(numbers(await read(`$et-${type}`))).to.deep.equal([1, 2])
  })
  it('$streams has the first event of each stream', async () => {
    const stream = newStream()
    await serve.client.appendToStream(stream, happened(3))
    const events = await read('$streams')
    const mine = events.filter(({ event }) => event?.streamId === stream)
    expect(mine.map(({ event }) => event?.revision)).to.deep.equal([0n])
    expect(events.some(({ event }) => event?.streamId.startsWith('$'))).to.equal(false)
  })
  it('grow between two reads, revisions stay', async () => {
    const category = newCategory()
    await serve.client.appendToStream(`${category}-1`, happened(2))
    const before = await read(`$ce-${category}`)
    await serve.client.appendToStream(`${category}-2`, happened(1, 2))
    const after = await read(`$ce-${category}`)
    expect(after.slice(0, 2).map((resolved) => resolved.link?.id)).to.deep.equal(
      before.map((resolved) => resolved.link?.id),
    )
    expect(numbers(after)).to.deep.equal([0, 1, 2])
  })
  it('backwards, from a revision, so many', async () => {
    const category = newCategory()
    await serve.client.appendToStream(`${category}-1`, happened(5))
    const options = {
      resolveLinkTos: true,
      direction: 'backwards',
      fromRevision: 3n,
      maxCount: 2,
    } as const
    expect(numbers(await all(serve.client.readStream(`$ce-${category}`, options)))).to.deep.equal([
      3, 2,
    ])
  })
  it('can be subscribed to: what is there, then what comes', async () => {
    const category = newCategory()
    await serve.client.appendToStream(`${category}-1`, happened(2))
    const subscription = serve.client.subscribeToStream(`$ce-${category}`, { resolveLinkTos: true })
    const events = take(subscription, 4)
    await said(subscription, 'caughtUp')
    await serve.client.appendToStream(`${category}-2`, happened(2, 2))
    expect(numbers(await events)).to.deep.equal([0, 1, 2, 3])
    await subscription.unsubscribe()
  })
  it('readers at the same time see the same', async () => {
    const category = newCategory()
    await serve.client.appendToStream(`${category}-1`, happened(50))
    const results = await Promise.all(Array.from({ length: 5 }, () => read(`$ce-${category}`)))
    for (const result of results)
      expect(numbers(result)).to.deep.equal(Array.from({ length: 50 }, (_, n) => n))
  })
  it('to an event that is gone: the link alone', async () => {
    const category = newCategory()
    await serve.client.appendToStream(`${category}-1`, happened(2))
    await read(`$ce-${category}`)
    await serve.client.setStreamMetadata(`${category}-1`, { truncateBefore: 1 })
    const [gone, there] = await read(`$ce-${category}`)
    expect([gone?.event, gone?.link?.revision]).to.deep.equal([undefined, 0n])
    expect(there?.event?.revision).to.equal(1n)
  })
  it('of a client are resolved too', async () => {
    const [target, links] = [newStream(), newStream('links')]
    await serve.client.appendToStream(target, happened(3))
    await serve.client.appendToStream(links, [link(2, target), link(0, target)])
    expect(numbers(await read(links))).to.deep.equal([2, 0])
  })
  it('of a client that lead nowhere: the link alone', async () => {
    const links = newStream('links')
    await serve.client.appendToStream(links, [
      link(0, newStream()),
      binaryEvent({ type: '$>', data: Buffer.from('nonsense') }),
    ])
    const events = await read(links)
    expect(events.map(({ event }) => event)).to.deep.equal([undefined, undefined])
  })
  it('are resolved in the log', async () => {
    const target = newStream()
    await serve.client.appendToStream(target, happened(1, 77))
    await serve.client.appendToStream(newStream('links'), link(0, target))
    const options = {
      direction: 'backwards',
      fromPosition: 'end',
      maxCount: 1,
      resolveLinkTos: true,
    } as const
    const [last] = await all(serve.client.readAll(options))
    expect([last?.event?.streamId, last?.link?.type]).to.deep.equal([target, '$>'])
  })
  it('keep their revisions over a restart, though events went', async () => {
    const store = newFile()
    const links = (client: EventStoreDBClient) =>
      all(client.readStream('$ce-account', { resolveLinkTos: true }))
    const before = await servedOnce(store, async (client) => {
      await client.appendToStream('account-1', happened(2))
      await client.appendToStream('account-2', happened(1, 2))
      return links(client)
    })
    const after = await servedOnce(store, async (client) => {
      await client.deleteStream('account-1')
      await client.appendToStream('account-3', happened(1, 3))
      return links(client)
    })
    expect(revisions(after)).to.deep.equal([0, 1, 2, 3])
    expect(after.slice(0, 3).map((resolved) => resolved.link?.id)).to.deep.equal(
      before.map((resolved) => resolved.link?.id),
    )
    expect(after.map(({ event }) => event?.streamId)).to.deep.equal([
      undefined,
      undefined,
      'account-2',
      'account-3',
    ])
  })
})

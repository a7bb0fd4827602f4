// Whatever is written, hidden and read in whatever order: a store that reads ahead answers as one that does not.

import { expect } from 'chai'
import fc from 'fast-check'
import type { EventStore } from '../../../runtime/ports/event-store.ts'
import {
  openSqliteStore,
  type SqliteStoreOptions,
} from '../../../runtime/stores/sqlite/sqlite-store.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'
import { everyPage } from './support/read-ahead.ts'
import { event, freshFile } from './support/store-files.ts'

const names = ['account-1', 'account-2', 'order-1']
const name = fc.constantFrom(...names)
const limit = fc.constantFrom(3, 8, 20)
const types = ['Deposited', 'Grüße €']

/** Somebody who reads on, a few pages at a time. */
interface Reading {
  readonly kind: 'stream' | 'log' | 'filtered'
  next: number
}

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('read' as const),
      reader: fc.nat(5),
      limit,
      pages: fc.nat(4),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      name,
      count: fc.integer({ min: 1, max: 40 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), name }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('rules' as const),
      name,
      rules: fc.oneof(
        fc.constant({}),
        fc.record({ truncateBefore: fc.nat(90) }),
        fc.record({ maxCount: fc.integer({ min: 1, max: 60 }) }),
      ),
    }),
  },
  // All of the index is written then.
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
)

describe('sqlite: reading ahead, interleaved', function () {
  this.timeout(300_000)
  const directory = temporaryFolder()

  it('a store that reads ahead answers as one that does not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 10, maxLength: 40 }),
        fc.constantFrom<SqliteStoreOptions['mode']>('rw', 'ro'),
        async (steps, mode) => {
          const file = freshFile(directory)
          let writer = await openSqliteStore(file, {}, { readAhead: everyPage })
          for (const stream of names) await append(writer, stream, 70)
          await writer.close()
          writer = await openSqliteStore(file, {}, { readAhead: everyPage })
          const reader = await openSqliteStore(file, { mode: 'ro' }, { readAhead: everyPage })
          const plain = await openSqliteStore(file, { mode: 'ro', thread: false })
          const readings: Reading[] = ['stream', 'stream', 'stream', 'log', 'filtered', 'log'].map(
            (kind) => ({ kind: kind as Reading['kind'], next: 0 }),
          )
          for (const taken of steps) {
            if (taken.do === 'append') await append(writer, taken.name, taken.count)
            if (taken.do === 'delete') await writer.deleteStream(taken.name)
            if (taken.do === 'rules') await writer.setStreamMetadata(taken.name, taken.rules)
            if (taken.do === 'reopen') {
              await writer.close()
              writer = await openSqliteStore(file, {}, { readAhead: everyPage })
            }
            if (taken.do !== 'read') continue
            const reading = readings[taken.reader] as Reading
            const stream = names[taken.reader] ?? ''
            for (let page = 0; page <= taken.pages; page += 1) {
              await compare(mode === 'rw' ? writer : reader, plain, reading, stream, taken.limit)
            }
          }
          for (const store of [plain, reader, writer]) await store.close()
        },
      ),
      { numRuns: Math.ceil(Number(process.env['REENACT_CASES'] ?? 200) / 40) },
    )
  })
})

const append = (store: EventStore, stream: string, count: number) =>
  store.append(
    stream,
    Array.from({ length: count }, (_, at) => ({ ...event(at), type: types[at % 2] ?? '' })),
    { expected: 'any' },
  )

/** Reads one page from both. */
async function compare(
  store: EventStore,
  plain: EventStore,
  reading: Reading,
  stream: string,
  limit: number,
): Promise<void> {
  const { kind, next } = reading
  if (kind === 'stream') {
    const page = await store.readStream(stream, { from: next, limit })
    expect(page).to.deep.equal(await plain.readStream(stream, { from: next, limit }))
    reading.next = page.end ? 0 : (page.events.at(-1)?.revision ?? -1) + 1
    return
  }
  const filter = kind === 'filtered' ? { filter: { types: types.slice(1) } } : {}
  const page = await store.readAll({ after: next, limit, ...filter })
  const expected = await plain.readAll({ after: next, limit, ...filter })
  // Only with a filter may a page be shorter: then all up to its end is compared.
  if (kind === 'log') expect(page).to.deep.equal(expected)
  const upTo = expected.events.filter(({ position }) => position <= page.position)
  expect(page.events).to.deep.equal(upTo)
  expect(page.position).to.be.above(page.end ? next - 1 : next)
  reading.next = page.end ? 0 : page.position
}

// The index over streams is written late: what is in memory, half written or lost must never show.

import { copyFileSync, existsSync } from 'node:fs'
import { expect } from 'chai'
import type { EventStore } from '../../../runtime/ports/event-store.ts'
import type { Database } from '../../../runtime/stores/sqlite/schema.ts'
import { openSqliteStore } from '../../../runtime/stores/sqlite/sqlite-store.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'
import { event, failure, freshFile } from './support/store-files.ts'

const streams = 40
/** Enough for one generation of the index to be written in steps while the next fills. */
const perStream = 500

const name = (stream: number): string => `account-${stream}`

/** What is in a store: for each stream its ids in one text. */
async function idsOf(store: EventStore, direction: 'forwards' | 'backwards'): Promise<string[]> {
  const all: string[] = []
  for (let stream = 0; stream < streams; stream += 1) {
    const ids: string[] = []
    for (let end = false, from: number | undefined; !end; ) {
      const page = await store.readStream(name(stream), {
        direction,
        limit: 37,
        ...(from === undefined ? {} : { from }),
      })
      ids.push(...page.events.map(({ id }) => id))
      const last = page.events.at(-1)?.revision ?? 0
      from = direction === 'forwards' ? last + 1 : last - 1
      end = page.end
    }
    all.push((direction === 'forwards' ? ids : ids.reverse()).join())
  }
  return all
}

/** The file as a crash at this moment would leave it. */
function crashImage(file: string, copy: string): string {
  copyFileSync(file, copy)
  if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${copy}-wal`)
  return copy
}

describe('sqlite: the index of streams', function () {
  this.timeout(60_000)
  const directory = temporaryFolder()

  it('shows the same whether it is in memory, half written, rebuilt after a crash or complete', async () => {
    const file = freshFile(directory)
    const store = await openSqliteStore(file)
    const reader = await openSqliteStore(file, { mode: 'ro' })
    const written: string[][] = Array.from({ length: streams }, () => [])
    const same = async (other: EventStore): Promise<void> => {
      const expected = written.map((ids) => ids.join())
      expect(await idsOf(other, 'forwards')).to.deep.equal(expected)
      expect(await idsOf(other, 'backwards')).to.deep.equal(expected)
    }
    for (let round = 0; round < perStream; round += 1) {
      const outcomes = await Promise.all(
        written.map((ids, stream) => {
          const made = event(round)
          ids.push(made.id)
          return store.append(name(stream), [made], { expected: round - 1 })
        }),
      )
      for (const { outcome } of outcomes) expect(outcome).to.equal('committed')
      if (round % 90 !== 0 && round !== 215) continue
      await same(store)
      await same(reader)
      const crashed = await openSqliteStore(crashImage(file, freshFile(directory)))
      await same(crashed)
      const next = await crashed.append(name(7), [event()], { expected: round })
      expect(next).to.include({ outcome: 'committed', revision: round + 1 })
      await crashed.close()
    }
    await reader.close()
    await store.close()
    const complete = await openSqliteStore(file)
    await same(complete)
    await complete.close()
  })

  it('does not show what was rolled back', async () => {
    let fail = false
    const store = await openSqliteStore(
      freshFile(directory),
      {},
      {
        commit: (real) => {
          if (!fail) return real()
          fail = false
          throw Object.assign(new Error('disk full'), { errcode: 13 })
        },
      },
    )
    await store.append(name(0), [event(), event()], { expected: 'none' })
    fail = true
    const refused = await store.append(name(0), [event()], { expected: 1 })
    expect(refused.outcome).to.equal('refused')
    const again = event()
    expect(await store.append(name(0), [again], { expected: 1 })).to.include({ revision: 2 })
    const { events, head } = await store.readStream(name(0))
    expect(head).to.equal(2)
    expect(events[2]?.id).to.equal(again.id)
    await store.close()
  })

  /** A store with one stream of two events, right after the disk was full for a moment. */
  async function afterFullDisk(file: string) {
    let database: Database | undefined
    const store = await openSqliteStore(
      file,
      {},
      {
        opened: (one) => {
          database = one
        },
      },
    )
    await store.append(name(0), [event(), event()], { expected: 'none' })
    database?.exec('PRAGMA max_page_count = 1')
    const refused = await store.append(name(0), [event(0, 500_000)], { expected: 1 })
    expect(refused).to.have.nested.property('error.code', 'DiskFull')
    database?.exec('PRAGMA max_page_count = 100000')
    return { store, database }
  }

  it('knows a new stream that shares the first commit after a full disk with an old one', async () => {
    const { store } = await afterFullDisk(freshFile(directory))
    const outcomes = await Promise.all([
      store.append(name(1), [event()], { expected: 'none' }),
      store.append(name(0), [event()], { expected: 1 }),
    ])
    expect(outcomes.map(({ outcome }) => outcome)).to.deep.equal(['committed', 'committed'])
    expect((await store.readStream(name(1))).events).to.have.length(1)
    expect((await store.readStream(name(0))).events).to.have.length(3)
    await store.close()
  })

  it('keeps what was written before a full disk where only new streams follow', async () => {
    const file = freshFile(directory)
    const { store } = await afterFullDisk(file)
    await store.append(name(1), [event()], { expected: 'none' })
    await store.close()
    const again = await openSqliteStore(file)
    expect((await again.readStream(name(0))).events).to.have.length(2)
    expect(await again.append(name(0), [event()], { expected: 'none' })).to.deep.equal({
      outcome: 'conflict',
      actual: 1,
    })
    await again.close()
  })

  it('reads all of it again where reading it again failed', async () => {
    const { store, database } = await afterFullDisk(freshFile(directory))
    // The driver refuses numbers that are not safe.
    database?.exec(
      'INSERT INTO events SELECT 1 << 60, stream, frame FROM events WHERE position = 1',
    )
    await failure(store.readStream(name(0)), 'StoreUnreadable')
    database?.exec('DELETE FROM events WHERE position = 1 << 60')
    expect((await store.readStream(name(0))).events).to.have.length(2)
    await store.close()
  })

  it('a store closes on a full disk, and the next open finds everything', async () => {
    const file = freshFile(directory)
    const { store, database } = await afterFullDisk(file)
    for (let round = 0; round < perStream; round += 1) {
      await store.append(name(0), [event(), event(), event()], { expected: 1 + 3 * round })
    }
    database?.exec('PRAGMA max_page_count = 1')
    await store.close()
    const again = await openSqliteStore(file)
    const page = await again.readStream(name(0), { direction: 'backwards', limit: 1 })
    expect(page).to.include({ head: 1 + 3 * perStream })
    await again.close()
  })
})

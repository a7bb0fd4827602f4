// Reading ahead: nothing of it shows but the time it takes.

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { DatabaseSync } from '@photostructure/sqlite'
import { expect } from 'chai'
import { systemPorts } from '../../../runtime/core/clock.ts'
import type { openStore } from '../../../runtime/host/open-store.ts'
import type { EventStore, RecordedEvent } from '../../../runtime/ports/event-store.ts'
import type { SqliteInternals } from '../../../runtime/stores/sqlite/open-database.ts'
import { openSqliteStore } from '../../../runtime/stores/sqlite/sqlite-store.ts'
import { createManualPorts } from '../../../runtime/testing/manual-clock.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'
import { descriptors, needsProc, threadCount } from './support/proc.ts'
import { dyingReader, everyPage } from './support/read-ahead.ts'
import { event, failure, freshFile } from './support/store-files.ts'

const names = ['account-1', 'account-2', 'order-1']
const perStream = 100

/** Streams in turn, indexed in the file. */
async function fill(file: string, count = perStream, padding = 0): Promise<string> {
  const store = await openSqliteStore(file)
  for (let n = 0; n < count; n += 10) {
    await Promise.all(
      names.map((name) => {
        const events = Array.from({ length: 10 }, (_, at) => ({
          ...event(n + at, padding),
          type: at % 4 === 0 ? 'Grüße €' : 'Deposited',
        }))
        return store.append(name, events, { expected: n - 1 })
      }),
    )
  }
  await store.close()
  return file
}

const internals: SqliteInternals = { readAhead: everyPage }

/** All events of a stream, page by page. */
async function streamOf(store: EventStore, name: string, limit: number) {
  const events: RecordedEvent[] = []
  for (let end = false; !end; ) {
    const page = await store.readStream(name, { from: events.length, limit })
    events.push(...page.events)
    end = page.end
  }
  return events
}

/** All events of the log, page by page. */
async function logOf(store: EventStore, limit: number, types?: readonly string[]) {
  const events: RecordedEvent[] = []
  for (let after = 0, end = false; !end; ) {
    const page = await store.readAll({ after, limit, ...(types && { filter: { types } }) })
    events.push(...page.events)
    expect(page.events.length).to.be.most(limit)
    after = page.position
    end = page.end
  }
  return events
}

const change = (file: string, sql: string): void => {
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
}

describe('sqlite: reading ahead', () => {
  const directory = temporaryFolder()

  it('gives the same events, whatever the pages, the filter and the size of events', async () => {
    for (const padding of [0, 100_000]) {
      const file = await fill(freshFile(directory), padding ? 20 : perStream, padding)
      const ahead = await openSqliteStore(file, {}, internals)
      const plain = await openSqliteStore(file, { mode: 'ro', thread: false })
      for (const limit of [1, 7, 8, 30, 250]) {
        for (const name of names) {
          expect(await streamOf(ahead, name, limit)).to.deep.equal(
            await streamOf(plain, name, limit),
          )
        }
        expect(await logOf(ahead, limit)).to.deep.equal(await logOf(plain, limit))
        const types = ['Grüße €']
        expect(await logOf(ahead, limit, types)).to.deep.equal(await logOf(plain, limit, types))
      }
      await plain.close()
      await ahead.close()
    }
  })

  it('two who read the same stream at once each get all of it', async () => {
    const store = await openSqliteStore(await fill(freshFile(directory)), {}, internals)
    const read = await Promise.all([1, 2, 3, 4, 5, 6].map(() => streamOf(store, 'order-1', 9)))
    for (const events of read) expect(events).to.deep.equal(await streamOf(store, 'order-1', 500))
    await store.close()
  })

  // Event 60 of account-1 stands behind what is read from the file and in what is read ahead.
  const damaged = `stream = 1 AND frame LIKE '%' || char(31) || '60' || char(31) || '%'
    AND position = (SELECT position FROM stream_events WHERE stream = 1 AND revision = 60)`
  for (const [what, frame] of [
    ['a changed character', `replace(frame, '"n"', '"m"')`],
    ['a part that is no longer apart', `replace(frame, char(31), ' ')`],
    ['a part too many', 'frame || char(31)'],
    ['a byte that is no text', `CAST(CAST(frame AS BLOB) || x'80' AS TEXT)`],
  ] as const) {
    it(`tells of damage in the middle as it is told without: ${what}`, async () => {
      const file = await fill(freshFile(directory))
      change(file, `UPDATE events SET frame = ${frame} WHERE ${damaged}`)
      const store = await openSqliteStore(file, {}, internals)
      for (const limit of [8, 20, 64]) {
        const found = await failure(streamOf(store, 'account-1', limit), 'CorruptEvent')
        expect(found.details).to.deep.equal({ stream: 'account-1', revision: 60, check: 'crc32' })
        const inLog = await failure(logOf(store, limit), 'CorruptEvent')
        expect(inLog.details).to.include({ stream: 'account-1', check: 'crc32' })
        expect(await streamOf(store, 'account-2', limit)).to.have.length(perStream)
      }
      await store.close()
    })
  }

  it('tells of an event that is missing in the middle', async () => {
    const file = await fill(freshFile(directory))
    change(file, `DELETE FROM events WHERE ${damaged}`)
    const store = await openSqliteStore(file, { checkBytesMax: 0 }, internals)
    await failure(streamOf(store, 'account-1', 8), 'RevisionGap')
    await failure(logOf(store, 8), 'StoreUnreadable')
    await store.close()
  })

  it('what is deleted, cut off or limited meanwhile is gone at once, though it was read ahead', async () => {
    const store = await openSqliteStore(await fill(freshFile(directory)), {}, internals)
    const upTo = async (name: string, from: number) => {
      await store.readStream(name, { from: 0, limit: 8 })
      const page = await store.readStream(name, { from, limit: 8 })
      return { first: page.events[0]?.revision, deleted: page.deleted, end: page.end }
    }
    expect(await upTo('account-1', 8)).to.deep.equal({ first: 8, deleted: 'no', end: false })
    const log = () => store.readAll({ after: 8, limit: 300 })
    await store.readAll({ limit: 8 })
    await store.setStreamMetadata('account-1', { truncateBefore: 20 })
    expect((await upTo('account-1', 16)).first).to.equal(20)
    await store.setStreamMetadata('account-1', { maxCount: 5 })
    expect((await upTo('account-1', 24)).first).to.equal(95)
    await store.deleteStream('account-2')
    expect(await upTo('account-2', 8)).to.deep.equal({
      first: undefined,
      deleted: 'soft',
      end: true,
    })
    await store.readStream('order-1', { limit: 8 })
    await store.tombstoneStream('order-1')
    expect((await upTo('order-1', 8)).deleted).to.equal('tombstone')
    const seen = (await log()).events.map(({ stream, revision }) => [stream, revision])
    expect(seen).to.deep.equal([95, 96, 97, 98, 99].map((revision) => ['account-1', revision]))
    await store.close()
  })

  it('its death is told once, and reading goes on', async () => {
    const store = await openSqliteStore(
      await fill(freshFile(directory)),
      {},
      { readAhead: dyingReader },
    )
    const warned = once(process, 'warning')
    const [events, log] = await Promise.all([streamOf(store, 'account-1', 8), logOf(store, 8)])
    expect(events.map(({ revision }) => revision)).to.deep.equal(events.map((_, at) => at))
    expect([events.length, log.length]).to.deep.equal([perStream, 3 * perStream])
    expect((await warned)[0]).to.include({ code: 'REENACT_READ_AHEAD_THREAD' })
    await store.close()
  })

  it('a thread that cannot start, or fails while it does, is done without', async () => {
    for (const entry of [
      'https://localhost/nowhere.js',
      'data:text/javascript,throw new Error("no")',
    ]) {
      const readAhead = { ...everyPage, entry: new URL(entry) }
      const warned = once(process, 'warning')
      const store = await openSqliteStore(await fill(freshFile(directory)), {}, { readAhead })
      expect(await streamOf(store, 'account-1', 8)).to.have.length(perStream)
      expect((await warned)[0]).to.include({ code: 'REENACT_READ_AHEAD_THREAD' })
      await store.close()
    }
  })

  it('closing answers what was asked before, and refuses the rest', async () => {
    for (let turns = 0; turns < 4; turns += 1) {
      const store = await openSqliteStore(await fill(freshFile(directory)), {}, internals)
      await store.readStream('account-1', { limit: 8 })
      const second = store.readStream('account-1', { from: 8, limit: 8 })
      for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate)
      const closed = store.close()
      expect((await second).events[0]?.revision).to.equal(8)
      await failure(store.readStream('account-1', { from: 16, limit: 8 }), 'Closed')
      await closed
    }
  })

  it('begins when three pages were read, ends when nobody reads on, and begins again', async function () {
    needsProc(this)
    const ports = createManualPorts()
    const readAhead = { ...everyPage, pagesBefore: 3 }
    const file = await fill(freshFile(directory))
    const store = await openSqliteStore(file, { ...ports }, { readAhead })
    const before = threadCount()
    const until = async (count: number) => {
      while (threadCount() !== count) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    for (let round = 0; round < 2; round += 1) {
      await store.readAll({ limit: 8 })
      await store.readAll({ after: 8, limit: 8 })
      expect(threadCount()).to.equal(before)
      await store.readAll({ after: 16, limit: 8 })
      await until(before + 1)
      await ports.advance(60_000)
      await until(before)
    }
    await store.close()
  })

  it('is there by default for long ranges, and left out where the address says so', async function () {
    needsProc(this)
    const opened = new URL('../../../dist/runtime/host/open-store.js', import.meta.url).href
    const { openStore: openBuilt }: { openStore: typeof openStore } = await import(opened)
    const file = await fill(freshFile(directory), 6_000)
    for (const [query, isThere] of [
      ['', true],
      ['?mode=ro', true],
      ['?thread=off', false],
    ] as const) {
      const store = await openBuilt(`file:${file}${query}`, systemPorts)
      // Those of closed stores go when their statements are collected.
      let least = descriptors(file)
      let grew = false
      for (let page = 0; page < (isThere ? 5_000 : 60) && !grew; page += 1) {
        await store.readAll({ after: (page % 30) * 512 })
        await new Promise(setImmediate)
        const now = descriptors(file)
        grew = now > least
        least = Math.min(least, now)
      }
      expect(grew).to.equal(isThere)
      await store.close()
    }
  })

  it('a process that ends itself meanwhile ends as it says', async function () {
    const lives = Math.max(3, Number(process.env['REENACT_KILLS'] ?? 0))
    this.timeout(60_000 + lives * 10_000)
    const file = await fill(freshFile(directory), 2_000)
    const child = fileURLToPath(
      new URL('../../../dist/test/runtime/stores/support/exit-reader.js', import.meta.url),
    )
    for (let life = 0; life < lives; life += 1) {
      const afterMs = String(Math.floor(Math.random() * 100))
      const ended = spawnSync(process.execPath, [child, file, afterMs], { encoding: 'utf8' })
      expect([ended.status, ended.signal], ended.stderr).to.deep.equal([7, null])
    }
  })
})

// Full disks, failing commits, and that one operation's failure is no other's.

import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import type { AppendOutcome, EventStore } from '../../../runtime/ports/event-store.ts'
import type { SqliteInternals } from '../../../runtime/stores/sqlite/open-database.ts'
import type { Database } from '../../../runtime/stores/sqlite/schema.ts'
import { openSqliteStore } from '../../../runtime/stores/sqlite/sqlite-store.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'
import { everyCommit } from './support/storage-thread.ts'
import { appendOne, event, failure, freshFile } from './support/store-files.ts'

const ioErrorAtSync = 1034
const anyError = 1

const sqliteError = (errcode: number): Error => Object.assign(new Error('injected'), { errcode })

const codeOf = (outcome: AppendOutcome): string =>
  'error' in outcome && outcome.error instanceof Error
    ? `${outcome.outcome} ${outcome.error.name}`
    : outcome.outcome

/** Fails the next so many commits, before or after they really happen. */
function failingCommits(errcode: number, when: 'before' | 'after') {
  let left = 0
  return {
    failNext: (count: number) => {
      left = count
    },
    commit: (real: () => void) => {
      if (left === 0) return real()
      left -= 1
      if (when === 'after') real()
      throw sqliteError(errcode)
    },
  }
}

/** Appends until the disk is full; answers how many were acknowledged. */
async function fill(store: EventStore, stream: string): Promise<number> {
  for (let count = 0; ; count += 1) {
    const outcome = await store.append(stream, [event(count, 20_000)], { expected: count - 1 })
    if (outcome.outcome === 'committed') continue
    expect(codeOf(outcome)).to.equal('refused DiskFull')
    return count
  }
}

describe('sqlite: failures', () => {
  const directory = temporaryFolder()

  it('a full disk refuses, loses nothing, and later there is room again', async () => {
    let database: Database | undefined
    const store = await openSqliteStore(
      freshFile(directory),
      {},
      { opened: (opened) => (database = opened) },
    )
    database?.exec('PRAGMA max_page_count = 200')
    const acknowledged = await fill(store, 'account-1')
    expect(acknowledged).to.be.above(10)
    expect((await store.readStream('account-1')).head).to.equal(acknowledged - 1)
    await failure(store.state.put('big', 'x'.repeat(100_000)), 'DiskFull')
    database?.exec('PRAGMA max_page_count = 2000')
    expect(await appendOne(store, 'account-1')).to.include({ revision: acknowledged })
    expect((await store.readAll()).events.at(-1)?.position).to.equal(acknowledged + 1)
    await store.close()
  })

  const writers: readonly [string, SqliteInternals][] = [
    ['', {}],
    [', by the storage thread', { thread: everyCommit }],
  ]
  for (const [by, internals] of writers) {
    it(`a real full file system${by}`, async function () {
      const folder = join(directory, `small${by}`)
      mkdirSync(folder)
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder], {
          stdio: 'ignore',
        })
      } catch {
        console.log('      skipped: this user cannot mount a file system')
        this.skip()
      }
      try {
        const filler = join(folder, 'filler')
        writeFileSync(filler, Buffer.alloc(1024 * 1024))
        const file = join(folder, 'store.db')
        const store = await openSqliteStore(file, {}, internals)
        const acknowledged = await fill(store, 'account-1')
        expect(acknowledged).to.be.above(5)
        expect((await store.readStream('account-1')).head).to.equal(acknowledged - 1)
        rmSync(filler)
        expect(await appendOne(store, 'account-1')).to.include({ revision: acknowledged })
        await store.close()
        const again = await openSqliteStore(file)
        expect((await again.readStream('account-1')).head).to.equal(acknowledged)
        await again.close()
      } finally {
        execFileSync('umount', ['-l', folder])
      }
    })
  }

  for (const when of ['before', 'after'] as const) {
    it(`a COMMIT that fails once ${when} it happened is cleared up by looking`, async () => {
      const hook = failingCommits(anyError, when)
      const store = await openSqliteStore(freshFile(directory), {}, hook)
      await appendOne(store, 'account-1')
      await store.state.put('key', 'one')
      hook.failNext(1)
      const [first, second, third, put] = await Promise.all([
        store.append('account-1', [event(), event()], { expected: 0 }),
        store.append('account-1', [event()], { expected: 0 }),
        store.append('account-2', [event()], { expected: 'none' }),
        store.state.put('key', 'two', 0),
      ])
      expect(first).to.include({ outcome: 'committed', revision: 2, position: 3, repeated: false })
      expect(second).to.deep.equal({ outcome: 'conflict', actual: 2 })
      expect(third).to.include({ outcome: 'committed', revision: 0, position: 4 })
      expect(put).to.equal(1)
      expect((await store.readAll()).events).to.have.length(4)
      expect(await appendOne(store, 'account-1')).to.include({ revision: 3, position: 5 })
      await store.close()
    })

    it(`a commit of state alone that fails ${when} it happened`, async () => {
      const hook = failingCommits(anyError, when)
      const store = await openSqliteStore(freshFile(directory), {}, hook)
      hook.failNext(1)
      const answers = await Promise.all([
        store.state.put('a', 'x'),
        store.state.put('b', 'y'),
        store.state.delete('b'),
        store.state.delete('absent'),
      ])
      expect(answers).to.deep.equal([0, 0, undefined, undefined])
      expect(await store.state.keys('')).to.deep.equal(['a'])
      await store.close()
    })
  }

  it('a commit of state alone that fails is not taken for one of an earlier life', async () => {
    const file = freshFile(directory)
    const first = await openSqliteStore(file)
    await first.state.put('a', 'x')
    await first.close()
    const hook = failingCommits(anyError, 'before')
    const store = await openSqliteStore(file, {}, hook)
    hook.failNext(1)
    expect(await store.state.put('b', 'y')).to.equal(0)
    expect(await store.state.get('b')).to.deep.equal({ value: 'y', revision: 0 })
    await store.close()
  })

  it('an inline hook whose key cannot be read refuses an append whole', async () => {
    let database: Database | undefined
    const store = await openSqliteStore(
      freshFile(directory),
      {},
      { opened: (opened) => (database = opened) },
    )
    await appendOne(store, 'account-1')
    store.inline?.((_, state) => state.put('key', 'value'))
    database?.exec('ALTER TABLE state RENAME COLUMN revision TO other')
    expect(codeOf(await appendOne(store, 'account-1'))).to.equal('refused StoreUnreadable')
    expect((await store.readStream('account-1')).head).to.equal(0)
    await store.close()
  })

  it('a COMMIT that keeps failing refuses what is known to be absent and stops the store', async () => {
    const hook = failingCommits(anyError, 'before')
    const file = freshFile(directory)
    const store = await openSqliteStore(file, {}, hook)
    hook.failNext(2)
    expect(codeOf(await appendOne(store, 'account-1'))).to.equal('refused StoreFailed')
    expect(codeOf(await appendOne(store, 'account-1'))).to.equal('refused StoreFailed')
    await store.close()
    const again = await openSqliteStore(file)
    expect((await again.readStream('account-1')).head).to.equal(-1)
    await again.close()
  })

  for (const when of ['before', 'after'] as const) {
    it(`a failed sync (${when}) makes everything in it unknown and stops the store`, async () => {
      const hook = failingCommits(ioErrorAtSync, when)
      const file = freshFile(directory)
      const store = await openSqliteStore(file, {}, hook)
      await appendOne(store, 'account-1')
      hook.failNext(1)
      const put = failure(store.state.put('key', 'value'), 'StoreFailed')
      const outcomes = await Promise.all([appendOne(store, 'account-1'), appendOne(store, 'b-2')])
      expect(outcomes.map(codeOf)).to.deep.equal(['unknown StoreFailed', 'unknown StoreFailed'])
      expect((await put).message).to.include('Restart the process')
      expect(codeOf(await appendOne(store, 'account-3'))).to.equal('refused StoreFailed')
      await failure(store.state.put('key', 'value'), 'StoreFailed')
      await store.close()
      const again = await openSqliteStore(file)
      expect((await again.readStream('account-1')).head).to.equal(when === 'after' ? 1 : 0)
      expect((await again.readStream('account-3')).head).to.equal(-1)
      await again.close()
    })
  }

  it('a statement that fails refuses its own append only', async () => {
    let database: Database | undefined
    const store = await openSqliteStore(
      freshFile(directory),
      {},
      { opened: (opened) => (database = opened) },
    )
    database?.exec(`CREATE TRIGGER poison BEFORE INSERT ON events WHEN new.frame LIKE '%Poison%'
      BEGIN SELECT RAISE(ABORT, 'poison'); END`)
    const outcomes = await Promise.all([
      store.append('account-1', [event()], { expected: 'none' }),
      store.append('account-2', [event(), { ...event(), type: 'Poison' }], { expected: 'none' }),
      store.append('account-1', [event()], { expected: 0 }),
      store.append('account-2', [event()], { expected: 'none' }),
    ])
    expect(outcomes.map(codeOf)).to.deep.equal([
      'committed',
      'refused StoreUnreadable',
      'committed',
      'committed',
    ])
    const { events } = await store.readAll()
    expect(events.map(({ position }) => position)).to.deep.equal([1, 2, 3])
    await store.close()
  })

  it('a full queue refuses at once and takes more when it is empty', async () => {
    const store = await openSqliteStore(freshFile(directory), { queueMax: 3 })
    const outcomes = await Promise.all([1, 2, 3, 4, 5].map(() => appendOne(store, 'account-1')))
    expect(outcomes.map(codeOf)).to.deep.equal([
      'committed',
      'committed',
      'committed',
      'refused Overloaded',
      'refused Overloaded',
    ])
    expect(await appendOne(store, 'account-1')).to.include({ revision: 3 })
    await store.close()
  })
})

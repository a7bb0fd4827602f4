// Reading beside the writer, in this process and in others.

import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { expect } from 'chai'
import { openSqliteStore } from '../../../runtime/stores/sqlite/sqlite-store.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'
import { killLeftovers, startStoreProcess } from './support/child-process.ts'
import { appendOne, event, failure, freshFile } from './support/store-files.ts'

describe('sqlite: readers', function () {
  this.timeout(60_000)
  const directory = temporaryFolder()
  after(killLeftovers)

  it('another process follows the writer', async () => {
    const file = freshFile(directory)
    const store = await openSqliteStore(file)
    await appendOne(store, 'account-1')
    const child = startStoreProcess(file, 'ro')
    expect(await child.next()).to.equal('open')
    expect(await child.ask('count')).to.equal(1)
    expect(await child.ask('follow')).to.equal(0)
    expect(await child.next()).to.equal('caught-up')
    for (let revision = 1; revision < 6; revision += 1) {
      await appendOne(store, 'account-1')
      expect(await child.next()).to.equal(revision)
    }
    await child.kill()
    expect(await appendOne(store, 'account-1')).to.include({ outcome: 'committed' })
    await store.close()
  })

  it('reads and follows after the writer was killed, and goes on with the next writer', async () => {
    const file = freshFile(directory)
    const child = startStoreProcess(file)
    await child.next()
    await child.ask('append account-1')
    const reader = await openSqliteStore(file, { mode: 'ro', pollMs: 5 })
    await child.ask('append account-1')
    await child.kill()
    expect((await reader.readStream('account-1')).head).to.equal(1)
    const messages = reader.subscribe({ after: 'end' })[Symbol.asyncIterator]()
    expect((await messages.next()).value).to.deep.equal({ kind: 'caught-up', checkpoint: 2 })
    const later = messages.next()
    const writer = await openSqliteStore(file)
    await appendOne(writer, 'account-1')
    expect((await later).value).to.include({ kind: 'events', checkpoint: 3 })
    await reader.close()
    await writer.close()
  })

  it('writes nothing', async () => {
    const file = freshFile(directory)
    const writer = await openSqliteStore(file)
    await writer.state.put('key', 'value')
    const reader = await openSqliteStore(file, { mode: 'ro' })
    const outcome = await appendOne(reader, 'account-1')
    expect(outcome).to.have.nested.property('error.code', 'ReadOnly')
    await failure(reader.state.put('key', 'other'), 'ReadOnly')
    await failure(reader.deleteStream('account-1'), 'ReadOnly')
    await failure(reader.setStreamMetadata('account-1', {}), 'ReadOnly')
    expect(await reader.state.get('key')).to.deep.equal({ value: 'value', revision: 0 })
    await reader.close()
    await writer.close()
  })

  it('sees changed rules and heads of streams it had read before', async () => {
    const file = freshFile(directory)
    const writer = await openSqliteStore(file)
    await writer.append('account-1', [event(0), event(1)], { expected: 'none' })
    const reader = await openSqliteStore(file, { mode: 'ro' })
    expect((await reader.readStream('account-1')).head).to.equal(1)
    await writer.append('account-1', [event(2)], { expected: 1 })
    await writer.setStreamMetadata('account-1', { truncateBefore: 2 })
    const page = await reader.readStream('account-1')
    expect(page.events.map(({ revision }) => revision)).to.deep.equal([2])
    await writer.deleteStream('account-1')
    expect((await reader.readStream('account-1')).deleted).to.equal('soft')
    expect((await reader.readAll()).events).to.deep.equal([])
    await reader.close()
    await writer.close()
  })

  it('says each time what keeps it from following, and follows once that is mended', async () => {
    const file = freshFile(directory)
    const before = await openSqliteStore(file)
    await appendOne(before, 'account-1')
    await before.close() // Only now there is a mark.
    const writer = await openSqliteStore(file)
    const reader = await openSqliteStore(file, { mode: 'ro' })
    await appendOne(writer, 'account-1')
    const other = new DatabaseSync(file)
    const [{ value: mark } = { value: '' }] = other
      .prepare("SELECT value FROM meta WHERE key = 'indexed'")
      .all() as { value: string }[]
    const setMark = (value: string) =>
      other.exec(`UPDATE meta SET value = '${value}' WHERE key = 'indexed'`)
    setMark('7 7')
    await failure(reader.readStream('account-1'), 'StoreUnreadable')
    await failure(reader.readStream('account-1'), 'StoreUnreadable')
    setMark(mark)
    expect((await reader.readStream('account-1')).events).to.have.length(2)
    other.close()
    await reader.close()
    await writer.close()
  })

  it('closing ends a reader that waits', async () => {
    const file = freshFile(directory)
    const writer = await openSqliteStore(file)
    const reader = await openSqliteStore(file, { mode: 'ro', pollMs: 5 })
    const messages = reader.subscribe()[Symbol.asyncIterator]()
    expect((await messages.next()).value).to.include({ kind: 'caught-up' })
    const waiting = messages.next()
    await reader.close()
    expect((await waiting).done).to.equal(true)
    await writer.close()
  })

  it('reads in a directory that cannot be written', async function () {
    const folder = join(directory, 'read-only')
    mkdirSync(folder)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder], { stdio: 'ignore' })
    } catch {
      console.log('      skipped: this user cannot mount a file system')
      this.skip()
    }
    try {
      const file = join(folder, 'store.db')
      // Another process, so that nothing of this one keeps the file open for writing.
      const child = startStoreProcess(file)
      await child.next()
      await child.ask('append account-1')
      await child.ask('close')
      await child.kill()
      execFileSync('mount', ['-o', 'remount,ro', folder])
      const reader = await openSqliteStore(file, { mode: 'ro' })
      expect((await reader.readStream('account-1')).head).to.equal(0)
      await reader.close()
    } finally {
      execFileSync('umount', ['-l', folder])
    }
  })
})

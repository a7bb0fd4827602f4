// Opening a store file: pragmas every time, migrations, and what is refused.

import { mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { expect } from 'chai'
import { checkFileSystem } from '../../../runtime/stores/sqlite/file-system.ts'
import type { Database } from '../../../runtime/stores/sqlite/schema.ts'
import { inspect, migrate, migrations, pragma } from '../../../runtime/stores/sqlite/schema.ts'
import { openSqliteStore } from '../../../runtime/stores/sqlite/sqlite-store.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'
import { appendOne, failure, freshFile, unreadableReason } from './support/store-files.ts'

describe('sqlite: opening', () => {
  const directory = temporaryFolder()

  it('sets WAL and full synchronisation at every open', async () => {
    const file = freshFile(directory)
    for (let round = 0; round < 3; round += 1) {
      let database: Database | undefined
      const store = await openSqliteStore(file, {}, { opened: (opened) => (database = opened) })
      await appendOne(store, 'account-1')
      expect(database && pragma(database, 'synchronous')).to.equal(2)
      expect(readFileSync(file)[18], 'WAL in the header').to.equal(2)
      await store.close()
    }
  })

  it('takes an existing empty file as a new store', async () => {
    const file = freshFile(directory)
    writeFileSync(file, '')
    const store = await openSqliteStore(file)
    expect(await appendOne(store, 'account-1')).to.include({ outcome: 'committed', position: 1 })
    await store.close()
  })

  it('leaves a complete file and an empty WAL behind', async () => {
    const file = freshFile(directory)
    const store = await openSqliteStore(file)
    await appendOne(store, 'account-1')
    await store.close()
    expect(statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0).to.equal(0)
  })

  it('migrates an older file in one transaction and keeps what is in it', () => {
    const file = freshFile(directory)
    const database = new DatabaseSync(file)
    migrate(database)
    database.exec("INSERT INTO meta VALUES ('kept', 'yes')")
    const next = [
      ...migrations,
      "ALTER TABLE meta ADD COLUMN note TEXT; UPDATE meta SET note = 'new'",
    ]
    migrate(database, next)
    expect(pragma(database, 'user_version')).to.equal(migrations.length + 1)
    expect(database.prepare('SELECT * FROM meta').all()).to.deep.equal([
      { __proto__: null, key: 'kept', value: 'yes', note: 'new' },
    ])
    database.close()
  })

  it('rolls a failing migration back as a whole', () => {
    const database = new DatabaseSync(':memory:')
    migrate(database)
    const broken = [...migrations, 'CREATE TABLE extra (a); CREATE TABLE events (a)']
    expect(() => migrate(database, broken)).to.throw('already exists')
    expect(pragma(database, 'user_version')).to.equal(migrations.length)
    expect(() => database.exec('SELECT * FROM extra')).to.throw('no such table')
    expect(inspect(database, 'x', broken)).to.equal('ours')
    database.close()
  })

  it('refuses a file of a newer version, for writing and for reading', async () => {
    const file = freshFile(directory)
    await (await openSqliteStore(file)).close()
    const database = new DatabaseSync(file)
    database.exec(`PRAGMA user_version = ${migrations.length + 1}`)
    database.close()
    expect(await unreadableReason(openSqliteStore(file))).to.equal('newer')
    expect(await unreadableReason(openSqliteStore(file, { mode: 'ro' }))).to.equal('newer')
  })

  it('refuses a database of another program and leaves it alone', async () => {
    const file = freshFile(directory)
    const database = new DatabaseSync(file)
    database.exec('CREATE TABLE recipes (name TEXT)')
    database.close()
    const before = readFileSync(file)
    expect(await unreadableReason(openSqliteStore(file))).to.equal('foreign')
    expect(readFileSync(file).equals(before)).to.equal(true)
    expect(statSync(`${file}-lock`, { throwIfNoEntry: false })).to.equal(undefined)
  })

  it('refuses a file that is no database', async () => {
    const file = freshFile(directory)
    writeFileSync(file, 'Dear diary, '.repeat(1000))
    const error = await failure(openSqliteStore(file), 'StoreUnreadable')
    expect(error.details.reason).to.equal('foreign')
    expect(error.message).to.include(file)
  })

  it('refuses a file whose tables were changed', async () => {
    const file = freshFile(directory)
    await (await openSqliteStore(file)).close()
    const database = new DatabaseSync(file)
    database.exec('DROP INDEX streams_by_category')
    database.close()
    expect(await unreadableReason(openSqliteStore(file))).to.equal('damaged')
  })

  it('refuses a truncated file', async () => {
    const file = freshFile(directory)
    const store = await openSqliteStore(file)
    for (let n = 0; n < 50; n += 1) await appendOne(store, `account-${n}`, n)
    await store.close()
    const { size } = statSync(file)
    truncateSync(file, size / 2)
    expect(await unreadableReason(openSqliteStore(file))).to.equal('damaged')
    truncateSync(file, 100)
    expect(await unreadableReason(openSqliteStore(file))).to.equal('damaged')
  })

  it('refuses an empty file beside a WAL that is not', async () => {
    const file = freshFile(directory)
    writeFileSync(file, '')
    writeFileSync(`${file}-wal`, 'frames')
    expect(await unreadableReason(openSqliteStore(file))).to.equal('damaged')
  })

  it('refuses a missing file for reading and a missing directory', async () => {
    const file = freshFile(directory)
    expect(await unreadableReason(openSqliteStore(file, { mode: 'ro' }))).to.equal('missing')
    expect(statSync(file, { throwIfNoEntry: false })).to.equal(undefined)
    expect(await unreadableReason(openSqliteStore(join(directory, 'no', 'x.db')))).to.equal(
      'missing',
    )
    mkdirSync(join(directory, 'folder'))
    expect(await unreadableReason(openSqliteStore(join(directory, 'folder')))).to.equal('foreign')
  })

  it('refuses network file systems by name and takes local ones', () => {
    const refusal = (type: number) => () => checkFileSystem('/mnt/x.db', type)
    expect(refusal(0x6969)).to.throw('NFS').with.property('code', 'UnsupportedFileSystem')
    expect(refusal(0xff534d42)).to.throw('CIFS')
    expect(refusal(0x517b)).to.throw('SMB')
    expect(refusal(0xef53)).not.to.throw()
  })
})

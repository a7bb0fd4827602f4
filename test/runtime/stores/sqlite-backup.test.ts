// Copies that are verified before they have a name.

import { existsSync, readdirSync } from 'node:fs'
import { DatabaseSync } from '@photostructure/sqlite'
import { expect } from 'chai'
import { openSqliteStore } from '../../../runtime/stores/sqlite/sqlite-store.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'
import { appendOne, failure, freshFile } from './support/store-files.ts'

describe('sqlite: backup', () => {
  const directory = temporaryFolder()

  it('a copy is a store with the same content', async () => {
    const store = await openSqliteStore(freshFile(directory))
    for (let n = 0; n < 20; n += 1) await appendOne(store, `account-${n % 3}`, n)
    await store.state.put('key', 'value')
    const copy = freshFile(directory)
    await store.backup(copy)
    await appendOne(store, 'account-1')
    const restored = await openSqliteStore(copy)
    expect((await restored.readAll()).events).to.deep.equal(
      (await store.readAll({ limit: 20 })).events,
    )
    expect(await restored.state.get('key')).to.deep.equal({ value: 'value', revision: 0 })
    expect(await appendOne(restored, 'account-0')).to.include({ position: 21 })
    await restored.close()
    await store.close()
  })

  it('works from a reader beside the writer', async () => {
    const file = freshFile(directory)
    const writer = await openSqliteStore(file)
    await appendOne(writer, 'account-1')
    const reader = await openSqliteStore(file, { mode: 'ro' })
    const copy = freshFile(directory)
    await reader.backup(copy)
    expect(existsSync(copy)).to.equal(true)
    await reader.close()
    await writer.close()
  })

  it('an existing file is not overwritten', async () => {
    const file = freshFile(directory)
    const store = await openSqliteStore(file)
    await failure(store.backup(file), 'InvalidOption')
    await store.close()
  })

  it('a copy whose index lacks an event gets no name', async () => {
    const file = freshFile(directory)
    const store = await openSqliteStore(file)
    for (let n = 0; n < 3; n += 1) await appendOne(store, 'account-1')
    await store.close()
    const database = new DatabaseSync(file)
    database.exec('UPDATE stream_events SET stream = stream + 8 WHERE revision = 2')
    database.close()
    // A small file is refused at once; a big one is not looked at as a whole.
    await failure(openSqliteStore(file), 'StoreUnreadable')
    const damaged = await openSqliteStore(file, { checkBytesMax: 0 })
    const copy = freshFile(directory)
    const error = await failure(damaged.backup(copy), 'StoreUnreadable')
    expect(error.message).to.include('position 3')
    expect(existsSync(copy)).to.equal(false)
    await damaged.close()
  })

  it('a copy that does not verify gets no name', async () => {
    const file = freshFile(directory)
    const store = await openSqliteStore(file)
    await appendOne(store, 'account-1')
    await store.close()
    const database = new DatabaseSync(file)
    database.exec("UPDATE events SET frame = replace(frame, '{', '[')")
    database.close()
    const damaged = await openSqliteStore(file)
    const copy = freshFile(directory)
    await failure(damaged.backup(copy), 'CorruptEvent')
    await damaged.close()
    const left = readdirSync(directory).filter((name) => copy.endsWith(name.split('.')[0] ?? '-'))
    expect(left).to.deep.equal([])
  })
})

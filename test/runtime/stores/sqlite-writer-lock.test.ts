// One process writes a file, and its death frees it.

import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect } from 'chai'
import { openSqliteStore } from '../../../runtime/stores/sqlite/sqlite-store.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'
import { killLeftovers, startStoreProcess } from './support/child-process.ts'
import { appendOne, failure, freshFile } from './support/store-files.ts'

describe('sqlite: one writer', function () {
  this.timeout(60_000)
  const directory = temporaryFolder()
  after(killLeftovers)

  it('a second process is told who writes and what to do', async () => {
    const file = freshFile(directory)
    const child = startStoreProcess(file)
    expect(await child.next()).to.equal('open')
    const error = await failure(openSqliteStore(file), 'StoreLocked')
    expect(error.details.pid).to.equal(child.pid)
    expect(error.message).to.include(`process ${child.pid}`).and.include('mode=ro')
    await child.ask('close')
    await (await openSqliteStore(file)).close()
  })

  it('a killed writer leaves the file free and everything acknowledged in it', async () => {
    const file = freshFile(directory)
    const child = startStoreProcess(file)
    await child.next()
    child.tell('flood account-1')
    let acknowledged = -1
    while (acknowledged < 200) {
      acknowledged = ((await child.next()) as { revision: number }).revision
    }
    await child.kill()
    const store = await openSqliteStore(file)
    expect((await store.readStream('account-1')).head).to.be.at.least(acknowledged)
    expect(await appendOne(store, 'account-1')).to.include({ outcome: 'committed' })
    await store.close()
  })

  it('two processes at the same new file: one of them gets it', async () => {
    const file = freshFile(directory)
    const children = [1, 2, 3].map(() => startStoreProcess(file))
    const words = await Promise.all(children.map((child) => child.next()))
    expect(words.filter((word) => word === 'open')).to.have.length(1)
    for (const word of words) {
      if (word !== 'open') expect(word).to.include({ code: 'StoreLocked' })
    }
    await Promise.all(children.map((child) => child.kill()))
  })

  it('the same process cannot open it twice, by whatever path', async () => {
    const file = freshFile(directory)
    const store = await openSqliteStore(file)
    const link = join(directory, 'link.db')
    symlinkSync(file, link)
    const folder = join(directory, 'other-name')
    symlinkSync(directory, folder)
    for (const path of [
      file,
      link,
      join(folder, basename(file)),
      `${directory}/./${basename(file)}`,
    ]) {
      const error = await failure(openSqliteStore(path), 'StoreLocked')
      expect(error.details.pid).to.equal(process.pid)
    }
    expect(await appendOne(store, 'account-1')).to.include({ outcome: 'committed' })
    await store.close()
    await (await openSqliteStore(link)).close()
  })

  it('a link to a file that is yet to be made shares its lock', async () => {
    const folder = join(directory, 'elsewhere')
    mkdirSync(folder)
    const target = join(folder, 'target.db')
    const [far, near] = [join(directory, 'far.db'), join(directory, 'near.db')]
    symlinkSync('elsewhere/target.db', near)
    symlinkSync(near, far)
    for (const [first, second] of [
      [far, target],
      [target, far],
      [near, far],
    ] as const) {
      rmSync(target, { force: true })
      const store = await openSqliteStore(first)
      await failure(openSqliteStore(second), 'StoreLocked')
      expect(await appendOne(store, 'account-1')).to.include({ position: 1 })
      await store.close()
      expect(existsSync(target)).to.equal(true)
      const again = await openSqliteStore(second)
      expect((await again.readStream('account-1')).head).to.equal(0)
      await again.close()
    }
  })

  it('links that lead in a circle are refused', async () => {
    const [one, other] = [join(directory, 'one.db'), join(directory, 'other.db')]
    symlinkSync(one, other)
    symlinkSync(other, one)
    const error = await failure(openSqliteStore(one), 'StoreUnreadable')
    expect(error.details).to.deep.equal({ file: one, reason: 'missing' })
    expect(error.message).to.include('symbolic links')
  })

  it('a refused second opening does not loosen the lock', async () => {
    const file = freshFile(directory)
    const store = await openSqliteStore(file)
    await failure(openSqliteStore(file), 'StoreLocked')
    const child = startStoreProcess(file)
    expect(await child.next()).to.include({ code: 'StoreLocked' })
    await store.close()
  })
})

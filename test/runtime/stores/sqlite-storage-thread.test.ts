// The storage thread: it writes as the store itself does, and what goes wrong there is told here.

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { systemPorts } from '../../../runtime/core/clock.ts'
import { openStore } from '../../../runtime/host/open-store.ts'
import type { AppendOutcome } from '../../../runtime/ports/event-store.ts'
import type { Database } from '../../../runtime/stores/sqlite/schema.ts'
import { openSqliteStore } from '../../../runtime/stores/sqlite/sqlite-store.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'
import { descriptors, needsProc } from './support/proc.ts'
import { dying, everyCommit } from './support/storage-thread.ts'
import { appendOne, event, failure, freshFile } from './support/store-files.ts'

const outcomeOf = (outcome: AppendOutcome): string =>
  'error' in outcome && outcome.error instanceof Error
    ? `${outcome.outcome} ${outcome.error.name}`
    : outcome.outcome

describe('sqlite: the storage thread', () => {
  const directory = temporaryFolder()

  it('shows readers what is acknowledged, and nothing that is not yet written', async () => {
    const store = await openSqliteStore(freshFile(directory), {}, { thread: everyCommit })
    let acknowledged = 0
    let going = true
    const write = async (stream: string) => {
      for (let count = 0; going; count += 1) {
        const outcome = await store.append(stream, [event(count)], { expected: count - 1 })
        expect(outcome).to.include({ outcome: 'committed', revision: count })
        if ('position' in outcome) acknowledged = Math.max(acknowledged, outcome.position)
      }
    }
    const writers = Array.from({ length: 40 }, (_, id) => write(`account-${id}`))
    for (let seen = 0, round = 0; round < 60; round += 1) {
      const known = acknowledged
      const last = await store.readAll({ direction: 'backwards', limit: 1 })
      const end = last.events[0]?.position ?? 0
      expect(end).to.be.least(Math.max(known, seen))
      const { events, head } = await store.readStream('account-7')
      expect(events.map(({ revision }) => revision)).to.deep.equal(events.map((_, at) => at))
      expect(events.length).to.equal(head + 1)
      seen = end
    }
    going = false
    await Promise.all(writers)
    await store.close()
  })

  it('an append that repeats or meets one of the same transaction is answered like any other', async () => {
    const store = await openSqliteStore(freshFile(directory), {}, { thread: everyCommit })
    const [first, second] = [event(1), event(2)]
    const outcomes = await Promise.all([
      store.append('account-1', [first], { expected: 'none' }),
      store.append('account-1', [first], { expected: 'none' }),
      store.append('account-1', [second], { expected: 'none' }),
      store.append('account-1', [second], { expected: 0 }),
    ])
    expect(outcomes[0]).to.include({ outcome: 'committed', revision: 0, repeated: false })
    expect(outcomes[1]).to.include({ outcome: 'committed', revision: 0, repeated: true })
    expect(outcomes[2]).to.deep.equal({ outcome: 'conflict', actual: 0 })
    expect(outcomes[3]).to.include({ outcome: 'committed', revision: 1, repeated: false })
    await store.close()
  })

  for (const operationsMin of [1, 16]) {
    it(`an inline hook that appends meanwhile gets its own transaction, ${operationsMin} at a time`, async () => {
      const thread = { ...everyCommit, operationsMin }
      const store = await openSqliteStore(freshFile(directory), {}, { thread })
      const inner: Promise<AppendOutcome>[] = []
      store.inline?.(([first]) => {
        if (first?.stream !== 'outer-3' || inner.length > 0) return
        for (let id = 0; id < operationsMin; id += 1) inner.push(appendOne(store, `inner-${id}`))
      })
      const outer = await Promise.all(
        Array.from({ length: 16 }, (_, id) => appendOne(store, `outer-${id}`)),
      )
      const outcomes = [...outer, ...(await Promise.all(inner))]
      expect(outcomes).to.have.length(16 + operationsMin)
      const { events } = await store.readAll()
      const stored = new Set(events.map(({ position }) => position))
      for (const outcome of outcomes) {
        expect(outcome).to.include({ outcome: 'committed', revision: 0 })
        if ('position' in outcome) expect(stored.delete(outcome.position)).to.equal(true)
      }
      expect(stored.size).to.equal(0)
      await store.close()
    })
  }

  it('a store whose thread cannot start goes on without it', async () => {
    const entry = new URL('https://localhost/nowhere.js')
    const thread = { entry, operationsMin: 2, groupsBefore: 1 }
    const store = await openSqliteStore(freshFile(directory), {}, { thread })
    const warned = once(process, 'warning')
    const outcomes = await Promise.all([appendOne(store, 'account-1'), appendOne(store, 'b-2')])
    expect(outcomes.map(outcomeOf)).to.deep.equal(['committed', 'committed'])
    expect((await warned)[0]).to.include({ code: 'REENACT_STORAGE_THREAD' })
    await store.close()
  })

  it('closing waits for what it writes, and lets go of the file', async () => {
    const file = freshFile(directory)
    const store = await openSqliteStore(file, {}, { thread: everyCommit })
    const appends = Array.from({ length: 100 }, (_, id) => appendOne(store, `account-${id}`))
    // What was asked before closing is answered.
    const read = store.readAll()
    const first = store.close()
    // Whoever closes it again waits as long.
    await store.close()
    for (const { outcome } of await Promise.all(appends)) expect(outcome).to.equal('committed')
    const { events } = await read
    expect(events.map(({ position }) => position)).to.deep.equal(events.map((_, at) => at + 1))
    const again = await openSqliteStore(file)
    expect((await again.readAll()).events).to.have.length(100)
    await again.close()
    await first
  })

  it('a statement that fails there refuses its own append only', async () => {
    let database: Database | undefined
    const store = await openSqliteStore(
      freshFile(directory),
      {},
      { thread: everyCommit, opened: (opened) => (database = opened) },
    )
    database?.exec(`CREATE TRIGGER poison BEFORE INSERT ON events WHEN new.frame LIKE '%Poison%'
      BEGIN SELECT RAISE(ABORT, 'poison'); END`)
    const outcomes = await Promise.all([
      store.append('account-1', [event()], { expected: 'none' }),
      store.append('account-2', [event(), { ...event(), type: 'Poison' }], { expected: 'none' }),
      store.append('account-1', [event()], { expected: 0 }),
    ])
    expect(outcomes.map(outcomeOf)).to.deep.equal([
      'committed',
      'refused StoreUnreadable',
      'committed',
    ])
    expect(await appendOne(store, 'account-2')).to.include({ outcome: 'committed', revision: 0 })
    await store.close()
  })

  for (const when of ['before', 'after'] as const) {
    it(`its death ${when} a transaction was written is cleared up by looking`, async () => {
      const file = freshFile(directory)
      const store = await openSqliteStore(file, {}, { thread: dying(when) })
      const warned = new Promise<Error & { code?: string }>((resolve) => {
        process.once('warning', resolve)
      })
      expect(await appendOne(store, 'account-1')).to.include({ revision: 0 })
      const both = await Promise.all([appendOne(store, 'account-1'), appendOne(store, 'account-2')])
      expect(both.map(outcomeOf)).to.deep.equal(['committed', 'committed'])
      expect(await appendOne(store, 'account-1')).to.include({ revision: 2, position: 4 })
      expect((await store.readAll()).events).to.have.length(4)
      expect((await warned).code).to.equal('REENACT_STORAGE_THREAD')
      await store.close()
      const again = await openSqliteStore(file)
      expect((await again.readAll()).events).to.have.length(4)
      await again.close()
    })
  }

  it('a process that ends itself while it writes ends as it says, with all that was acknowledged', async function () {
    const lives = Math.max(4, Number(process.env['REENACT_KILLS'] ?? 0))
    this.timeout(60_000 + lives * 10_000)
    const file = freshFile(directory)
    const child = fileURLToPath(
      new URL('../../../dist/test/runtime/stores/support/exit-worker.js', import.meta.url),
    )
    for (let life = 0; life < lives; life += 1) {
      const afterMs = String(Math.floor(Math.random() * 150))
      const ended = spawnSync(process.execPath, [child, file, afterMs], { encoding: 'utf8' })
      expect([ended.status, ended.signal], ended.stderr).to.deep.equal([7, null])
      const lines = ended.stdout.split('\n').slice(0, -1)
      const store = await openSqliteStore(file)
      const last = (await store.readAll({ direction: 'backwards', limit: 1 })).events[0]
      for (const line of lines) expect(Number(line)).to.be.most(last?.position ?? 0)
      await store.close()
    }
    const store = await openSqliteStore(file)
    let seen = 0
    for (let end = false, after = 0; !end; ) {
      const page = await store.readAll({ after })
      for (const { position } of page.events) {
        seen += 1
        expect(position).to.equal(seen)
      }
      after = page.position
      end = page.end
    }
    await store.close()
  })

  it('a process that ends itself while a store closes waits until the thread has closed too', () => {
    const file = freshFile(directory)
    const child = fileURLToPath(
      new URL('../../../dist/test/runtime/stores/support/exit-while-closing.js', import.meta.url),
    )
    const ended = spawnSync(process.execPath, [child, file], { encoding: 'utf8' })
    expect([ended.status, ended.signal], ended.stderr).to.deep.equal([7, null])
    expect(existsSync(`${file}-closed`)).to.equal(true)
  })

  it('any number of them listen once for the end of the process', async () => {
    const before = process.listenerCount('exit')
    const open = () => openSqliteStore(freshFile(directory), {}, { thread: everyCommit })
    const stores = [await open(), await open()]
    expect(process.listenerCount('exit')).to.equal(before + 1)
    for (const store of stores) await store.close()
    expect(process.listenerCount('exit')).to.equal(before)
  })

  it('a store closes although its thread fails while it starts', async () => {
    const entry = new URL('data:text/javascript,throw new Error("no")')
    const thread = { entry, operationsMin: 2, groupsBefore: 1 }
    const file = freshFile(directory)
    const store = await openSqliteStore(file, {}, { thread })
    await Promise.all([appendOne(store, 'account-1'), appendOne(store, 'account-2')])
    await store.close()
    const again = await openSqliteStore(file)
    expect((await again.readAll()).events).to.have.length(2)
    await again.close()
  })

  it('is there by default, and left out where the address says so', async function () {
    needsProc(this)
    const opened = new URL('../../../dist/runtime/host/open-store.js', import.meta.url).href
    const { openStore: openBuilt }: { openStore: typeof openStore } = await import(opened)
    for (const [query, threads] of [
      ['', 1],
      ['?thread=off', 0],
    ] as const) {
      const file = freshFile(directory)
      const store = await openBuilt(`file:${file}${query}`, systemPorts)
      const before = descriptors(file)
      for (let round = 0; round < 400 && descriptors(file) === before; round += 1)
        await Promise.all(Array.from({ length: 16 }, () => appendOne(store, 'account-1')))
      expect(descriptors(file) > before ? 1 : 0).to.equal(threads)
      await store.close()
    }
    const wrong = openStore(`file:${freshFile(directory)}?thread=maybe`, systemPorts)
    await failure(wrong, 'InvalidOption')
  })

  it('starts only for a store that stays busy, and ends with it', async function () {
    needsProc(this)
    const file = freshFile(directory)
    const thread = { ...everyCommit, operationsMin: 4, groupsBefore: 3 }
    const store = await openSqliteStore(file, {}, { thread })
    const idle = descriptors(file)
    const group = (size: number) =>
      Promise.all(Array.from({ length: size }, () => appendOne(store, 'account-1')))
    for (let small = 0; small < 10; small += 1) await group(3)
    expect(descriptors(file)).to.equal(idle)
    while (descriptors(file) === idle) {
      await group(4)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await group(40)
    await store.close()
    expect(descriptors(file)).to.be.most(idle)
  })
})

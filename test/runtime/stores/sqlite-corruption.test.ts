// Damage on disk: found, typed, and no wider than it is.

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { DatabaseSync } from '@photostructure/sqlite'
import { expect } from 'chai'
import { isReenactError } from '../../../runtime/core/errors.ts'
import type { EventStore } from '../../../runtime/ports/event-store.ts'
import { openSqliteStore } from '../../../runtime/stores/sqlite/sqlite-store.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'
import { appendOne, event, failure, freshFile } from './support/store-files.ts'

setFlagsFromString('--expose-gc')
// The driver closes files for good only when their statements are collected.
const collectGarbage: () => void = runInNewContext('gc')

const streams = ['account-1', 'account-2', 'order-1']
/** How many bytes are changed, one at a time. */
const rounds = process.env['REENACT_CASES'] ? 400 : 120

/** A closed store with three streams of eight events and some state. */
async function writeStore(file: string): Promise<void> {
  const store = await openSqliteStore(file)
  for (let n = 0; n < 8; n += 1) {
    for (const stream of streams) {
      await store.append(stream, [{ ...event(n), data: '{"text":"Grüße €"}' }], { expected: n - 1 })
    }
  }
  await store.setStreamMetadata('account-2', { truncateBefore: 3 })
  await store.state.put('snapshot:account-1', '{"balance":7}')
  await store.close()
}

/** Changes a closed store behind its back. */
function tamper(file: string, sql: string): void {
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
}

type Cell = string | bigint

/** Flips one bit of one column of the event at a position. */
function flip(file: string, table: string, column: string, bit: number): void {
  const database = new DatabaseSync(file)
  // Event 4 of account-1.
  const select = database.prepare(`SELECT ${column} FROM ${table} WHERE position = 13`)
  select.setReadBigInts(true)
  const row: Record<string, Cell> = select.get()
  const value = Object.values(row)[0] ?? ''
  const update = (expression: string, argument: Cell | Buffer): void => {
    const sql = `UPDATE ${table} SET ${column} = ${expression} WHERE position = 13`
    database.prepare(sql).run(argument)
  }
  if (typeof value === 'bigint') {
    update('?', BigInt.asIntN(64, value ^ (1n << BigInt(bit))))
  } else {
    const bytes = Buffer.from(value)
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    update('CAST(? AS TEXT)', bytes)
  }
  database.close()
}

/** What a crash leaves when nothing of the index was written yet. */
const forgetIndex = "DELETE FROM stream_events; DELETE FROM meta WHERE key = 'indexed'"

/** Every read a user could make, each with its result or the code of its error. */
async function readEverything(store: EventStore): Promise<Map<string, string>> {
  const seen = new Map<string, string>()
  const look = async (name: string, read: () => Promise<unknown>): Promise<void> => {
    try {
      seen.set(name, JSON.stringify(await read()) ?? 'nothing')
    } catch (error) {
      if (!isReenactError(error)) throw error
      seen.set(name, error.code)
    }
  }
  for (const stream of streams) {
    await look(`read ${stream}`, () => store.readStream(stream))
    await look(`back ${stream}`, () => store.readStream(stream, { direction: 'backwards' }))
    await look(`metadata ${stream}`, () => store.streamMetadata(stream))
  }
  await look('log', () => store.readAll())
  await look('log back', () => store.readAll({ direction: 'backwards' }))
  await look('accounts', () => store.listStreams({ category: 'account' }))
  await look('state', () => store.state.get('snapshot:account-1'))
  await look('keys', () => store.state.keys(''))
  return seen
}

const typed = ['CorruptEvent', 'RevisionGap', 'StoreUnreadable']

describe('sqlite: corruption', function () {
  this.timeout(120_000)
  const directory = temporaryFolder()

  const bits = [6, 20, 61, 63]
  const flips = [
    ...['stream', 'position'].flatMap((column) =>
      bits.map((bit) => ({ table: 'events', column, bit })),
    ),
    // Not onto another event's place, which a database does not allow.
    { table: 'events', column: 'stream', bit: 1 },
    ...['stream', 'revision', 'position'].flatMap((column) =>
      bits.map((bit) => ({ table: 'stream_events', column, bit })),
    ),
    // Another character, and no UTF-8 any more, of checksum, places, id, type, data and metadata.
    ...[0, 9, 12, 14, 30, 70, 85, 100, 120].flatMap((byte) =>
      [8 * byte + 1, 8 * byte + 7].map((bit) => ({ table: 'events', column: 'frame', bit })),
    ),
  ]

  for (const { table, column, bit } of flips) {
    for (const indexed of table === 'events' ? [true, false] : [true]) {
      const where = `${table}.${column}${indexed ? '' : ', not indexed,'}`
      it(`bit ${bit} of ${where} stops only what reads it`, async () => {
        const file = freshFile(directory)
        await writeStore(file)
        const pristine = await openSqliteStore(file, { mode: 'ro' })
        const expected = await readEverything(pristine)
        await pristine.close()
        if (!indexed) tamper(file, forgetIndex)
        flip(file, table, column, bit)
        let store: EventStore
        try {
          store = await openSqliteStore(file)
        } catch (error) {
          // The index contradicts the events, or the end of the log is beyond what numbers hold.
          if (table === 'events') expect(column).to.equal('position')
          expect(isReenactError(error, 'StoreUnreadable')).to.equal(true)
          return
        }
        const seen = await readEverything(store)
        for (const [name, result] of seen) {
          if (result !== expected.get(name)) expect(result, name).to.be.oneOf(typed)
          if (/order|account-2/.test(name)) expect(result, name).to.equal(expected.get(name))
        }
        if (column === 'frame') {
          for (const name of ['read account-1', 'back account-1', 'log', 'log back']) {
            expect(seen.get(name), name).to.be.oneOf(typed)
          }
          expect((await store.readStream('account-1', { limit: 4 })).events).to.have.length(4)
          expect((await store.readStream('account-1', { from: 5 })).events).to.have.length(3)
          expect(await appendOne(store, 'account-1')).to.include({ revision: 8 })
        }
        expect(await appendOne(store, 'order-1')).to.include({ outcome: 'committed', revision: 8 })
        await store.close()
      })
    }
  }

  it('an index mark that was changed is refused', async () => {
    const file = freshFile(directory)
    await writeStore(file)
    tamper(file, "UPDATE meta SET value = replace(value, '24', '34') WHERE key = 'indexed'")
    await failure(openSqliteStore(file), 'StoreUnreadable')
  })

  it('names the event', async () => {
    const file = freshFile(directory)
    await writeStore(file)
    tamper(file, "UPDATE events SET frame = replace(frame, 'Gr', 'Gv') WHERE position = 13")
    const store = await openSqliteStore(file)
    const error = await failure(store.readStream('account-1'), 'CorruptEvent')
    expect(error.details).to.deep.equal({ stream: 'account-1', revision: 4, check: 'crc32' })
    const subscription = store.subscribe({ stream: 'account-1' })[Symbol.asyncIterator]()
    await failure(subscription.next(), 'CorruptEvent')
    expect((await subscription.next()).done).to.equal(true)
    await store.close()
  })

  it('a missing event in the middle is a gap', async () => {
    const file = freshFile(directory)
    await writeStore(file)
    tamper(file, 'DELETE FROM events WHERE position = 13')
    const store = await openSqliteStore(file)
    const gap = await failure(store.readStream('account-1'), 'RevisionGap')
    expect(gap.details).to.deep.equal({ stream: 'account-1', expected: 4, found: 5 })
    const backwards = store.readStream('account-1', { direction: 'backwards' })
    expect((await failure(backwards, 'RevisionGap')).details.expected).to.equal(4)
    expect((await failure(store.readAll(), 'StoreUnreadable')).message).to.include('position 13')
    expect((await store.readAll({ after: 13 })).events).to.have.length(11)
    await store.close()
  })

  it('a damaged entry of a stream stops that stream only', async () => {
    const file = freshFile(directory)
    await writeStore(file)
    tamper(file, "UPDATE streams SET rules = replace(rules, '3', '4') WHERE name = 'account-2'")
    const store = await openSqliteStore(file)
    await failure(store.readStream('account-2'), 'StoreUnreadable')
    const [other, damaged] = await Promise.all([
      appendOne(store, 'account-1'),
      appendOne(store, 'account-2'),
    ])
    expect(other.outcome).to.equal('committed')
    expect(damaged).to.have.nested.property('error.code', 'StoreUnreadable')
    await store.close()
  })

  it('a damaged state entry is reported and can be removed', async () => {
    const file = freshFile(directory)
    await writeStore(file)
    tamper(file, 'UPDATE state SET value = \'{"balance":8}\'')
    const store = await openSqliteStore(file)
    await failure(store.state.get('snapshot:account-1'), 'StoreUnreadable')
    await failure(store.state.put('snapshot:account-1', '{}', 0), 'StoreUnreadable')
    await store.state.delete('snapshot:account-1')
    expect(await store.state.put('snapshot:account-1', '{}', -1)).to.equal(0)
    await store.close()
  })

  const stateDamages: readonly (readonly [sql: string, next: number])[] = [
    [`value = '{"balance":8}'`, 3],
    ['crc = crc + 1', 3],
    ['revision = 40', 41],
    ['revision = -5', 0],
    ['revision = 9007199254740991', 0],
    ['revision = 9223372036854775807', 0],
  ]
  for (const [sql, next] of stateDamages) {
    it(`a state entry damaged by ${sql} is overwritten where nothing is expected`, async () => {
      const file = freshFile(directory)
      await writeStore(file)
      const key = 'snapshot:account-1'
      const before = await openSqliteStore(file)
      for (const value of ['{"n":1}', '{"n":2}']) await before.state.put(key, value)
      await before.close()
      tamper(file, `UPDATE state SET ${sql}`)
      const store = await openSqliteStore(file)
      await failure(store.state.put(key, '{}', 2), 'StoreUnreadable')
      await failure(store.state.get(key), 'StoreUnreadable')
      expect(await store.state.put(key, '{"n":3}')).to.equal(next)
      expect(await store.state.get(key)).to.deep.equal({ value: '{"n":3}', revision: next })
      expect(await store.state.put(key, '{"n":4}', next)).to.equal(next + 1)
      await store.close()
    })
  }

  it('a listing names damaged streams and goes on', async () => {
    const file = freshFile(directory)
    await writeStore(file)
    const before = await openSqliteStore(file)
    await appendOne(before, 'account-3')
    await before.setStreamMetadata('account-1', { maxAgeSeconds: 3600 })
    await before.close()
    // The entry of one stream, and all events of another whose ages must be looked at.
    tamper(
      file,
      `UPDATE streams SET crc = crc + 1 WHERE name = 'account-2';
       UPDATE events SET frame = '1' || frame
       WHERE stream = (SELECT id FROM streams WHERE name = 'account-1')`,
    )
    for (const mode of ['rw', 'ro'] as const) {
      const store = await openSqliteStore(file, { mode })
      const names = ['account-1', 'account-2', 'account-3']
      expect(await store.listStreams({ category: 'account' })).to.deep.equal(names)
      const rest = await store.listStreams({ category: 'account', after: 'account-1', limit: 1 })
      expect(rest).to.deep.equal(['account-2'])
      await failure(store.readStream('account-1'), 'CorruptEvent')
      await failure(store.readStream('account-2'), 'StoreUnreadable')
      await store.close()
    }
  })

  it(`${rounds} single bytes changed anywhere in the file never show wrong data`, async () => {
    const pristine = freshFile(directory)
    await writeStore(pristine)
    const store = await openSqliteStore(pristine)
    const expected = await readEverything(store)
    await store.close()
    const bytes = readFileSync(pristine)
    const file = freshFile(directory)
    let seed = 20_240_229
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((seed / 2 ** 32) * below)
    }
    const counts = { refused: 0, detected: 0, harmless: 0 }
    // Empty pages tell nothing: mostly bytes that are in use.
    const used = [...bytes.keys()].filter((index) => bytes[index] !== 0)
    for (let round = 0; round < rounds; round += 1) {
      const place = round % 8 === 0 ? random(bytes.length) : (used[random(used.length)] ?? 0)
      copyFileSync(pristine, file)
      const changed = Buffer.from(bytes)
      changed[place] = (changed[place] ?? 0) ^ (1 << random(8))
      writeFileSync(file, changed)
      const outcome = await lookAt(file, expected, place)
      counts[outcome] += 1
      if (round % 20 === 0) collectGarbage()
    }
    expect(counts.detected).to.be.above(rounds / 8)
  })

  async function lookAt(
    file: string,
    expected: ReadonlyMap<string, string>,
    place: number,
  ): Promise<'refused' | 'detected' | 'harmless'> {
    let store: EventStore
    try {
      store = await openSqliteStore(file)
    } catch (error) {
      expect(isReenactError(error), `byte ${place}: ${String(error)}`).to.equal(true)
      return 'refused'
    }
    const seen = await readEverything(store)
    await store.close()
    let outcome: 'detected' | 'harmless' = 'harmless'
    for (const [name, result] of seen) {
      if (result === expected.get(name)) continue
      expect(result, `byte ${place}, ${name}`).to.be.oneOf(typed)
      outcome = 'detected'
    }
    return outcome
  }
})

// What limits projections: the same upserts in the same batches, without a log and without a projection.

import { DatabaseSync } from '@photostructure/sqlite'
import { Kysely, SqliteDialect } from 'kysely'
import pg from 'pg'

/** Events a commit. */
export const batch = 1_000
export const accounts = 1_000

export interface Balance {
  balance: number
  events: number
}

export interface Tables {
  accounts: Balance & { id: string }
}

/** The account of the nth event: any of them, the same ones in every run. */
export const accountOf = (number: number): string => {
  const mixed = Math.imul(number ^ (number >>> 15), 0x2c1b3c6d)
  const more = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39)
  return `a${((more ^ (more >>> 15)) >>> 0) % accounts}`
}

/** One upsert, put together by Kysely's query builder. */
export const upsertOf = (db: Kysely<Tables>, id: string, balance: number) =>
  db
    .insertInto('accounts')
    .values({ id, balance, events: 1 })
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet((row) => ({
        balance: row('accounts.balance', '+', row.ref('excluded.balance')),
        events: row('accounts.events', '+', row.lit(1)),
      })),
    )

export interface Raw {
  readonly create: string
  readonly upsert: string
  readonly row: (number: number) => readonly (string | number)[]
}

/** Ready documents: nothing is read, parsed or added up. */
export const rawDocuments: Raw = {
  create: 'CREATE TABLE documents (key TEXT PRIMARY KEY, doc TEXT NOT NULL)',
  upsert: 'INSERT INTO documents VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET doc = excluded.doc',
  row: (number) => [accountOf(number), `{"balance":${number},"events":${number}}`],
}

/** The documents a projection would make, one statement an event: the database reads, adds up and writes. */
export const addingDocuments: Raw = {
  create: rawDocuments.create,
  upsert: `INSERT INTO documents VALUES (?, json_object('balance', ?, 'events', 1)) ON CONFLICT (key) DO UPDATE
     SET doc = json_object('balance', json_extract(doc, '$.balance') + json_extract(excluded.doc, '$.balance'),
       'events', json_extract(doc, '$.events') + 1)`,
  row: (number) => [accountOf(number), 1],
}

export const rawTables: Raw = {
  create:
    'CREATE TABLE accounts (id TEXT PRIMARY KEY, balance INTEGER NOT NULL, events INTEGER NOT NULL)',
  upsert: `INSERT INTO accounts VALUES (?, ?, 1) ON CONFLICT (id) DO UPDATE
     SET balance = accounts.balance + excluded.balance, events = accounts.events + 1`,
  row: (number) => [accountOf(number), 1],
}

/** A file set as those of read models are. */
function open(file: string): InstanceType<typeof DatabaseSync> {
  const database = new DatabaseSync(file)
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4096; PRAGMA cache_size = -16384',
  )
  return database
}

export function rawSqlite(file: string, count: number, { create, upsert, row }: Raw): void {
  const database = open(file)
  database.exec(create)
  const statement = database.prepare(upsert)
  for (let number = 0; number < count; ) {
    database.exec('BEGIN IMMEDIATE')
    for (let inBatch = 0; inBatch < batch && number < count; inBatch += 1, number += 1) {
      statement.run(...row(number))
    }
    database.exec('COMMIT')
  }
  database.close()
}

const rowsPerStatement = 100

/** As Reenact writes them: a document once a commit however many events change it, many to a statement. */
export function rawOnceACommit(file: string, count: number): void {
  const database = open(file)
  database.exec(rawDocuments.create)
  const prepare = (rows: number) =>
    database.prepare(
      rawDocuments.upsert.replace(
        '(?, ?)',
        Array.from({ length: rows }, () => '(?, ?)').join(', '),
      ),
    )
  const full = prepare(rowsPerStatement)
  for (let number = 0; number < count; ) {
    const changed = new Map<string, string>()
    for (let inBatch = 0; inBatch < batch && number < count; inBatch += 1, number += 1) {
      const [key, document] = rawDocuments.row(number) as [string, string]
      changed.set(key, document)
    }
    const rows = [...changed].sort(([a], [b]) => (a < b ? -1 : 1))
    database.exec('BEGIN IMMEDIATE')
    for (let from = 0; from < rows.length; from += rowsPerStatement) {
      const some = rows.slice(from, from + rowsPerStatement)
      const statement = some.length === rowsPerStatement ? full : prepare(some.length)
      statement.run(...some.flat())
    }
    database.exec('COMMIT')
  }
  database.close()
}

export async function rawPostgres(address: string, count: number, raw: Raw): Promise<void> {
  const client = new pg.Client(address)
  await client.connect()
  await client.query(raw.create)
  let parameter = 0
  const text = raw.upsert.replace(/\?/g, () => {
    parameter += 1
    return `$${parameter}`
  })
  for (let number = 0; number < count; ) {
    await client.query('BEGIN')
    for (let inBatch = 0; inBatch < batch && number < count; inBatch += 1, number += 1) {
      await client.query({ name: 'upsert', text, values: [...raw.row(number)] })
    }
    await client.query('COMMIT')
  }
  await client.end()
}

/** The same upserts by Kysely itself, as fast as it goes with this driver: nothing is read, nothing awaited twice. */
export async function kyselyAlone(file: string, count: number): Promise<void> {
  const database = open(file)
  database.exec(rawTables.create)
  const prepared = new Map<string, ReturnType<typeof prepare>>()
  const prepare = (statement: string) => {
    const made = database.prepare(statement)
    return {
      reader: false,
      all: () => [],
      run: (values: readonly unknown[]) => made.run(...(values as string[])),
      iterate: () => [][Symbol.iterator](),
    }
  }
  const known = (statement: string) => {
    const found = prepared.get(statement) ?? prepare(statement)
    prepared.set(statement, found)
    return found
  }
  const dialect = new SqliteDialect({ database: { prepare: known, close: () => {} } })
  const db = new Kysely<Tables>({ dialect })
  for (let number = 0; number < count; ) {
    await db.transaction().execute(async (transaction) => {
      for (let inBatch = 0; inBatch < batch && number < count; inBatch += 1, number += 1) {
        await upsertOf(transaction, accountOf(number), 1).execute()
      }
    })
  }
  database.close()
}

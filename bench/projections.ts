// Events a second into read models, beside bare upserts of the same rows in batches of the same size.

import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import pg from 'pg'
import { documents, type Projection, projection } from '../projections/index.ts'
import { sql } from '../projections/sql/index.ts'
import { createRuntime } from '../runtime/index.ts'
import { Account } from './account.ts'
import { type Comparison, type Figure, rate } from './measure.ts'

const batch = 1_000
const accounts = 1_000

interface Balance {
  balance: number
  events: number
}

const Documents = projection('documents', {
  from: Account,
  view: documents<Balance>(),
  on: {
    Deposited: (event, view, { actorId }) =>
      view.patch(actorId, (row) => ({
        balance: (row?.balance ?? 0) + event.amount,
        events: (row?.events ?? 0) + 1,
      })),
  },
})

const Tables = projection('tables', {
  from: Account,
  view: sql<{ accounts: Balance & { id: string } }>({
    create: async (db) => {
      await db.schema
        .createTable('accounts')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('balance', 'integer', (column) => column.notNull())
        .addColumn('events', 'integer', (column) => column.notNull())
        .execute()
    },
  }),
  on: {
    Deposited: async (event, db, { actorId }) => {
      await db
        .insertInto('accounts')
        .values({ id: actorId, balance: event.amount, events: 1 })
        .onConflict((conflict) =>
          conflict.column('id').doUpdateSet((row) => ({
            balance: row('accounts.balance', '+', row.ref('excluded.balance')),
            events: row('accounts.events', '+', row.lit(1)),
          })),
        )
        .execute()
    },
  },
})

let files = 0

/** A log of so many deposits, written once and read in every round. */
async function writeLog(file: string, count: number): Promise<void> {
  const runtime = await createRuntime({ store: `file:${file}`, actors: [Account] })
  const actors = Array.from({ length: accounts }, (_, id) => runtime.actor(Account, `a${id}`))
  await Promise.all(actors.map((actor) => actor.send({ type: 'open', owner: 'Ann' })))
  for (let sent = 0; sent < count; sent += accounts) {
    await Promise.all(actors.map((actor) => actor.send({ type: 'deposit', amount: 1 })))
  }
  await runtime.close()
}

async function catchUp(
  log: string,
  views: string,
  count: number,
  projected: Projection<unknown, object>,
): Promise<Figure> {
  const runtime = await createRuntime({ store: `file:${log}?mode=ro`, actors: [Account], views })
  const { events } = await runtime.store.readAll({ direction: 'backwards', limit: 1 })
  const figure = await rate('Reenact', 'events/s', count, async () => {
    await runtime.project([projected], { batchMax: batch })
    await runtime.view(projected).waitFor(events[0]?.position ?? 0, { timeoutMs: 600_000 })
  })
  await runtime.close()
  return figure
}

interface Raw {
  readonly create: string
  readonly upsert: string
  readonly row: (number: number) => readonly (string | number)[]
}

const rawDocuments: Raw = {
  create: 'CREATE TABLE documents (key TEXT PRIMARY KEY, doc TEXT NOT NULL)',
  upsert: 'INSERT INTO documents VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET doc = excluded.doc',
  row: (number) => [`a${number % accounts}`, `{"balance":${number},"events":${number}}`],
}

const rawTables: Raw = {
  create:
    'CREATE TABLE accounts (id TEXT PRIMARY KEY, balance INTEGER NOT NULL, events INTEGER NOT NULL)',
  upsert: `INSERT INTO accounts VALUES (?, ?, 1) ON CONFLICT (id) DO UPDATE
     SET balance = accounts.balance + excluded.balance, events = accounts.events + 1`,
  row: (number) => [`a${number % accounts}`, 1],
}

function rawSqlite(file: string, count: number, { create, upsert, row }: Raw): void {
  const database = new DatabaseSync(file)
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4096',
  )
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

async function rawPostgres(address: string, count: number, raw: Raw): Promise<void> {
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

/** Catch-up into documents and tables; PostgreSQL where `database` gives an empty one. */
export function projectionBenchmarks(
  folder: string,
  scale: number,
  database: (() => Promise<string>) | undefined,
): readonly Comparison[] {
  const count = Math.max(accounts, Math.round(50_000 * scale))
  const log = join(folder, 'projected.db')
  let written: Promise<void> | undefined
  const compare = (
    title: string,
    projected: Projection<unknown, object>,
    raw: Raw,
    postgres?: () => Promise<string>,
  ): Comparison => ({
    title,
    goal: '≥ 0.5',
    round: async () => {
      written ??= writeLog(log, count)
      await written
      files += 1
      const views = (await postgres?.()) ?? `file:${join(folder, `views-${files}`)}`
      const ours = await catchUp(log, views, count, projected)
      const limit = await rate(`bare upserts, ${batch} a commit`, 'rows/s', count, async () => {
        if (postgres) await rawPostgres(await postgres(), count, raw)
        else rawSqlite(join(folder, `raw-views-${files}.db`), count, raw)
      })
      return [ours, limit]
    },
  })
  return [
    compare('catch-up into documents, SQLite', Documents, rawDocuments),
    compare('catch-up into tables, SQLite', Tables, rawTables),
    ...(database
      ? [
          compare('catch-up into documents, PostgreSQL', Documents, rawDocuments, database),
          compare('catch-up into tables, PostgreSQL', Tables, rawTables, database),
        ]
      : []),
  ]
}

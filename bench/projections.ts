// Events a second into read models, beside bare upserts of the same rows in batches of the same size.

import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import pg from 'pg'
import { documents, type Projection, projection } from '../projections/index.ts'
import { sql } from '../projections/sql/index.ts'
import { createRuntime } from '../runtime/index.ts'
import { postgresPrograms, startPostgres } from '../test/projections/postgres-server.ts'
import { Account } from './account.ts'
import { type BenchContext, type Figure, type Row, rate, type Side, scaled } from './measure.ts'

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

const events = (context: BenchContext): number =>
  Math.max(accounts, Math.floor(scaled(50_000, context) / accounts) * accounts)

const logOf = ({ folder }: BenchContext): string => join(folder, 'projected.db')

/** A log of deposits, written once and read in every round. */
async function writeLog(context: BenchContext): Promise<void> {
  const runtime = await createRuntime({ store: `file:${logOf(context)}`, actors: [Account] })
  const actors = Array.from({ length: accounts }, (_, id) => runtime.actor(Account, `a${id}`))
  await Promise.all(actors.map((actor) => actor.send({ type: 'open', owner: 'Ann' })))
  for (let sent = 0; sent < events(context); sent += accounts) {
    await Promise.all(actors.map((actor) => actor.send({ type: 'deposit', amount: 1 })))
  }
  await runtime.close()
}

async function catchUp(
  context: BenchContext,
  views: string,
  projected: Projection<unknown, object>,
): Promise<Figure> {
  const store = `file:${logOf(context)}?mode=ro`
  const runtime = await createRuntime({ store, actors: [Account], views })
  const page = await runtime.store.readAll({ direction: 'backwards', limit: 1 })
  const figure = await rate(events(context), async () => {
    await runtime.project([projected], { batchMax: batch })
    const position = page.events[0]?.position ?? 0
    await runtime.view(projected).waitFor(position, { timeoutMs: 600_000 })
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

const sides = (
  ours: (context: BenchContext) => Promise<Figure>,
  bare: (context: BenchContext) => Promise<Figure>,
): readonly Side[] => [
  { name: 'Reenact', role: 'reenact', run: ours },
  { name: `bare upserts, ${batch} a commit`, role: 'limit', reach: { atLeast: 0.5 }, run: bare },
]

function sqliteRow(title: string, projected: Projection<unknown, object>, raw: Raw): Row {
  return {
    title,
    unit: 'events/s',
    prepare: writeLog,
    sides: sides(
      (context) => catchUp(context, `file:${context.file}-views`, projected),
      (context) => {
        const count = events(context)
        return rate(count, () => rawSqlite(context.file, count, raw))
      },
    ),
  }
}

/** A server for one side. */
async function onPostgres(
  programs: string,
  run: (address: string) => Promise<Figure>,
): Promise<Figure> {
  const server = await startPostgres(programs)
  try {
    return await run(await server.database())
  } finally {
    await server.stop()
  }
}

function postgresRow(
  title: string,
  programs: string,
  projected: Projection<unknown, object>,
  raw: Raw,
): Row {
  return {
    title,
    unit: 'events/s',
    prepare: writeLog,
    sides: sides(
      (context) => onPostgres(programs, (address) => catchUp(context, address, projected)),
      (context) =>
        onPostgres(programs, (address) => {
          const count = events(context)
          return rate(count, () => rawPostgres(address, count, raw))
        }),
    ),
  }
}

const programs = postgresPrograms()

/** Catching up, into PostgreSQL only where it is installed. */
export const projectionRows: readonly Row[] = [
  sqliteRow('catch-up into documents, SQLite', Documents, rawDocuments),
  sqliteRow('catch-up into tables, SQLite', Tables, rawTables),
  ...(programs === undefined
    ? []
    : [
        postgresRow('catch-up into documents, PostgreSQL', programs, Documents, rawDocuments),
        postgresRow('catch-up into tables, PostgreSQL', programs, Tables, rawTables),
      ]),
]

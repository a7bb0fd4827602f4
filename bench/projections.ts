// Events a second into read models, beside bare upserts of the same rows in batches of the same size.

import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { Kysely, SqliteDialect, sql as text } from 'kysely'
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

interface Tables {
  accounts: Balance & { id: string }
}

const tables = sql<Tables>({
  create: async (db) => {
    await db.schema
      .createTable('accounts')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('balance', 'integer', (column) => column.notNull())
      .addColumn('events', 'integer', (column) => column.notNull())
      .execute()
  },
})

/** One upsert, put together by Kysely's query builder. */
const built = (db: Kysely<Tables>, id: string, balance: number) =>
  db
    .insertInto('accounts')
    .values({ id, balance, events: 1 })
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet((row) => ({
        balance: row('accounts.balance', '+', row.ref('excluded.balance')),
        events: row('accounts.events', '+', row.lit(1)),
      })),
    )
    .execute()

/** The same as a text. */
const written = (db: Kysely<Tables>, id: string, balance: number) =>
  text`INSERT INTO accounts VALUES (${id}, ${balance}, 1) ON CONFLICT (id) DO UPDATE
    SET balance = accounts.balance + excluded.balance, events = accounts.events + 1`.execute(db)

const Built = projection('built', {
  from: Account,
  view: tables,
  on: {
    Deposited: async (event, db, { actorId }) => {
      await built(db, actorId, event.amount)
    },
  },
})

const Written = projection('written', {
  from: Account,
  view: tables,
  on: {
    Deposited: async (event, db, { actorId }) => {
      await written(db, actorId, event.amount)
    },
  },
})

/** The account of the nth event: any of them, the same ones in every run. */
const accountOf = (number: number): string => {
  const mixed = Math.imul(number ^ (number >>> 15), 0x2c1b3c6d)
  const more = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39)
  return `a${((more ^ (more >>> 15)) >>> 0) % accounts}`
}

/** How much is projected: into a file it is over too soon otherwise, into a server too late. */
type Size = 'file' | 'server'
const sizes = { file: 200_000, server: 30_000 }

const events = (context: BenchContext, size: Size): number =>
  Math.max(accounts, Math.floor(scaled(sizes[size], context) / accounts) * accounts)

const logOf = ({ folder }: BenchContext, size: Size): string => join(folder, `projected-${size}.db`)

/** A log of deposits, written once and read in every round. */
async function writeLog(context: BenchContext, size: Size): Promise<void> {
  const runtime = await createRuntime({ store: `file:${logOf(context, size)}`, actors: [Account] })
  const account = (id: string) => runtime.actor(Account, id)
  const all = Array.from({ length: accounts }, (_, number) => number)
  await Promise.all(all.map((id) => account(`a${id}`).send({ type: 'open', owner: 'Ann' })))
  for (let sent = 0; sent < events(context, size); sent += accounts) {
    const deposit = { type: 'deposit', amount: 1 } as const
    await Promise.all(all.map((number) => account(accountOf(sent + number)).send(deposit)))
  }
  await runtime.close()
}

const writeLogs = {
  file: (context: BenchContext) => writeLog(context, 'file'),
  server: (context: BenchContext) => writeLog(context, 'server'),
}

async function catchUp(
  context: BenchContext,
  size: Size,
  views: string,
  projected: Projection<unknown, object>,
): Promise<Figure> {
  const store = `file:${logOf(context, size)}?mode=ro`
  const runtime = await createRuntime({ store, actors: [Account], views })
  const page = await runtime.store.readAll({ direction: 'backwards', limit: 1 })
  const figure = await rate(events(context, size), async () => {
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
  row: (number) => [accountOf(number), `{"balance":${number},"events":${number}}`],
}

const rawTables: Raw = {
  create:
    'CREATE TABLE accounts (id TEXT PRIMARY KEY, balance INTEGER NOT NULL, events INTEGER NOT NULL)',
  upsert: `INSERT INTO accounts VALUES (?, ?, 1) ON CONFLICT (id) DO UPDATE
     SET balance = accounts.balance + excluded.balance, events = accounts.events + 1`,
  row: (number) => [accountOf(number), 1],
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

/** The same upserts by Kysely itself, as fast as it goes with this driver: nothing is read, nothing awaited twice. */
async function kyselyAlone(file: string, count: number): Promise<void> {
  const database = new DatabaseSync(file)
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4096',
  )
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
        await built(transaction, accountOf(number), 1)
      }
    })
  }
  database.close()
}

const bare = (run: Side['run']): Side => ({
  name: `bare upserts, ${batch} a commit`,
  role: 'limit',
  reach: { atLeast: 0.5 },
  run,
})

const ours = (name: string, run: Side['run']): Side => ({ name, role: 'reenact', run })

const intoFile =
  (projected: Projection<unknown, object>): Side['run'] =>
  (context) =>
    catchUp(context, 'file', `file:${context.file}-views`, projected)

const bareInFile = (raw: Raw): Side =>
  bare((context) => {
    const count = events(context, 'file')
    return rate(count, () => rawSqlite(context.file, count, raw))
  })

/** Runs one side on a server of its own. */
const onServer =
  (
    programs: string,
    run: (context: BenchContext, address: string) => Promise<Figure>,
  ): Side['run'] =>
  async (context) => {
    const server = await startPostgres(programs)
    try {
      return await run(context, await server.database())
    } finally {
      await server.stop()
    }
  }

const intoServer = (programs: string, projected: Projection<unknown, object>): Side['run'] =>
  onServer(programs, (context, address) => catchUp(context, 'server', address, projected))

const bareOnServer = (programs: string, raw: Raw): Side =>
  bare(
    onServer(programs, (context, address) => {
      const count = events(context, 'server')
      return rate(count, () => rawPostgres(address, count, raw))
    }),
  )

const row = (title: string, size: Size, sides: readonly Side[]): Row => ({
  title: `catch-up into ${title}`,
  unit: 'events/s',
  prepare: writeLogs[size],
  sides,
})

const serverRows = (programs: string): readonly Row[] => [
  row('documents, PostgreSQL', 'server', [
    ours('Reenact', intoServer(programs, Documents)),
    bareOnServer(programs, rawDocuments),
  ]),
  row('tables, PostgreSQL', 'server', [
    ours('Reenact: SQL as text', intoServer(programs, Written)),
    ours('Reenact: query builder', intoServer(programs, Built)),
    bareOnServer(programs, rawTables),
  ]),
]

const programs = postgresPrograms()

/** Catching up, into PostgreSQL only where it is installed. */
export const projectionRows: readonly Row[] = [
  row('documents, SQLite', 'file', [
    ours('Reenact', intoFile(Documents)),
    bareInFile(rawDocuments),
  ]),
  row('tables, SQLite', 'file', [
    ours('Reenact: SQL as text', intoFile(Written)),
    ours('Reenact: query builder', intoFile(Built)),
    {
      name: "Kysely's query builder alone",
      role: 'limit',
      run: (context) => {
        const count = events(context, 'file')
        return rate(count, () => kyselyAlone(context.file, count))
      },
    },
    bareInFile(rawTables),
  ]),
  ...(programs === undefined ? [] : serverRows(programs)),
]

// Events a second into read models, beside bare upserts of the same rows in batches of the same size.

import { join } from 'node:path'
import { type CompiledQuery, type Kysely, sql as text } from 'kysely'
import { documents, type Projection, projection } from '../projections/index.ts'
import { sql } from '../projections/sql/index.ts'
import { createRuntime } from '../runtime/index.ts'
import { postgresPrograms, startPostgres } from '../test/projections/postgres-server.ts'
import { Account } from './account.ts'
import { type BenchContext, type Figure, type Row, rate, type Side, scaled } from './measure.ts'
import {
  accountOf,
  accounts,
  addingDocuments,
  type Balance,
  batch,
  kyselyAlone,
  type Raw,
  rawDocuments,
  rawOnceACommit,
  rawPostgres,
  rawSqlite,
  rawTables,
  type Tables,
  upsertOf,
} from './upserts.ts'

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

/** The same upsert as a text. */
const written = (db: Kysely<Tables>, id: string, balance: number) =>
  text`INSERT INTO accounts VALUES (${id}, ${balance}, 1) ON CONFLICT (id) DO UPDATE
    SET balance = accounts.balance + excluded.balance, events = accounts.events + 1`.execute(db)

const Built = projection('built', {
  from: Account,
  view: tables,
  on: {
    Deposited: async (event, db, { actorId }) => {
      await upsertOf(db, actorId, event.amount).execute()
    },
  },
})

let compiled: CompiledQuery | undefined

const Compiled = projection('compiled', {
  from: Account,
  view: tables,
  on: {
    Deposited: async (event, db, { actorId }) => {
      compiled ??= upsertOf(db, actorId, event.amount).compile()
      await db.executeQuery({ ...compiled, parameters: [actorId, event.amount, 1] })
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

const bare = (run: Side['run']): Side => ({
  name: `bare upserts, ${batch} a commit`,
  role: 'limit',
  reach: { atLeast: 0.5 },
  run,
})

const ours = (name: string, run: Side['run']): Side => ({ name, role: 'reenact', run })

/** The second of two runs: in the first the compiler does its work. */
const second = async (run: (file: string) => Promise<Figure>, file: string): Promise<Figure> => {
  await run(`${file}-first`)
  return run(file)
}

const intoFile =
  (projected: Projection<unknown, object>): Side['run'] =>
  (context) =>
    second((file) => catchUp(context, 'file', `file:${file}-views`, projected), context.file)

const upsertsInFile =
  (upsert: (file: string, count: number) => Promise<void> | void): Side['run'] =>
  (context) => {
    const count = events(context, 'file')
    return second((file) => rate(count, () => upsert(file, count)), context.file)
  }

const rawInFile = (raw: Raw): Side['run'] =>
  upsertsInFile((file, count) => rawSqlite(file, count, raw))

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
    bare(rawInFile(rawDocuments)),
    {
      name: 'upserts that add up in SQL',
      role: 'limit',
      run: rawInFile(addingDocuments),
    },
    {
      name: 'a document once a commit, many to a statement',
      role: 'limit',
      run: upsertsInFile(rawOnceACommit),
    },
  ]),
  row('tables, SQLite', 'file', [
    ours('Reenact: SQL as text', intoFile(Written)),
    ours('Reenact: query compiled once', intoFile(Compiled)),
    ours('Reenact: query builder', intoFile(Built)),
    {
      name: "Kysely's query builder alone",
      role: 'limit',
      run: upsertsInFile(kyselyAlone),
    },
    bare(rawInFile(rawTables)),
  ]),
  ...(programs === undefined ? [] : serverRows(programs)),
]

// `sql<Database>({ create })`: a view of the user's own tables, written and read with Kysely.

import { type Kysely, sql as raw } from 'kysely'
import { canonical, type Json } from '../../runtime/codec/codec.ts'
import type { Session } from '../engine.ts'
import type { View, ViewWriter } from '../view.ts'
import { kyselyOver, type Tracked } from './session-dialect.ts'

/** Options of {@link sql}. */
export interface SqlOptions<Database> {
  /** Makes the tables, in an empty database. A change of its text asks for a rebuild. */
  readonly create: (db: Kysely<Database>) => Promise<void>
}

/** How a view of tables is read. */
export interface SqlReader<Database> {
  /**
   * Runs queries on the live read model; they cannot write.
   *
   * @example
   * ```ts
   * await view.query((db) => db.selectFrom('sales').selectAll().execute())
   * ```
   */
  query<Result>(body: (db: Kysely<Database>) => Promise<Result>): Promise<Result>
}

/**
 * A view of your own tables, in SQLite or PostgreSQL. Handlers get a `Kysely` whose statements are part of the
 * projection's transaction; execute and await each.
 *
 * @example
 * ```ts
 * view: sql<{ sales: { day: string; amount: number } }>({
 *   create: async (db) => {
 *     await db.schema.createTable('sales').addColumn('day', 'text', (c) => c.primaryKey())
 *       .addColumn('amount', 'integer', (c) => c.notNull()).execute()
 *   },
 * })
 * ```
 */
export function sql<Database>(
  options: SqlOptions<Database>,
): View<Kysely<Database>, SqlReader<Database>> {
  return {
    shape: `sql ${String(options.create).replace(/\s+/g, ' ')}`,
    create: async (session) => {
      const tracked = kyselyOver<Database>(session)
      await options.create(tracked.db)
      await tracked.settle()
    },
    write: (session) => new SqlWriter<Database>(session),
    read: (session) => ({
      query: async (body) => body(kyselyOver<Database>(await session()).db),
    }),
    rows,
  }
}

class SqlWriter<Database> implements ViewWriter<Kysely<Database>> {
  readonly #session: Session
  #tracked: Tracked<Database>

  constructor(session: Session) {
    this.#session = session
    this.#tracked = kyselyOver<Database>(session)
  }

  get view(): Kysely<Database> {
    return this.#tracked.db
  }

  settle(): void | Promise<void> {
    return this.#tracked.settle()
  }

  async flush(): Promise<undefined> {
    return undefined
  }

  // Nothing is kept here: the database holds it all.
  committed(): void {}

  discard(): void {
    // What a failed handler left running must not write into the next transaction.
    this.#tracked.end()
    this.#tracked = kyselyOver<Database>(this.#session)
  }
}

/** A table at a time, each row under its own text. */
async function* rows(session: Session): AsyncGenerator<readonly [string, string]> {
  const { db } = kyselyOver<Record<string, Record<string, unknown>>>(session)
  for (const table of await tableNames(session)) {
    const found = await db.selectFrom(table).selectAll().execute()
    const texts = found.map((row) => Buffer.from(`${table} ${canonical(plain(row))}`))
    for (const text of texts.sort(Buffer.compare)) yield [text.toString(), '']
  }
}

// Dates, big numbers and bytes as texts.
const plain = (row: Record<string, unknown>): Json =>
  JSON.parse(
    JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value)),
  ) as Json

async function tableNames(session: Session): Promise<readonly string[]> {
  const { db } = kyselyOver<never>(session)
  const query =
    session.dialect === 'sqlite'
      ? raw<{ name: string }>`SELECT name FROM sqlite_schema WHERE type = 'table'`
      : raw<{ name: string }>`SELECT table_name AS name FROM information_schema.tables
          WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'`
  const { rows: found } = await query.execute(db)
  return found
    .map(({ name }) => name)
    .filter((name) => !/^(reenact_|sqlite_)/.test(name))
    .sort()
}

// Kysely over a session of ours: its own compiler for each database, our connection and transaction.

import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { ReenactError } from '../../runtime/core/errors.ts'
import type { Session, SqlResult } from '../engine.ts'

/** Kysely, and what it has not finished. */
export interface Tracked<Database> {
  readonly db: Kysely<Database>
  /** Resolves when all statements begun are done; fails with the first failure since the last time. */
  settle(): void | Promise<void>
  /** Refuses all further statements. */
  end(): void
}

/** Makes Kysely run on a session. */
export function kyselyOver<Database>(session: Session): Tracked<Database> {
  const driver = new SessionDriver(session)
  const db = new Kysely<Database>({
    dialect: {
      createDriver: () => driver,
      ...(session.dialect === 'sqlite'
        ? {
            createAdapter: () => new SqliteAdapter(),
            createIntrospector: (other) => new SqliteIntrospector(other),
            createQueryCompiler: () => new SqliteQueryCompiler(),
          }
        : {
            createAdapter: () => new PostgresAdapter(),
            createIntrospector: (other) => new PostgresIntrospector(other),
            createQueryCompiler: () => new PostgresQueryCompiler(),
          }),
    },
  })
  return { db, settle: () => driver.settle(), end: () => driver.end() }
}

class SessionDriver implements Driver, DatabaseConnection {
  readonly #session: Session
  readonly #running = new Set<Promise<unknown>>()
  #ended = false
  #failure: { readonly error: unknown } | undefined

  constructor(session: Session) {
    this.#session = session
  }

  async init(): Promise<void> {}
  async destroy(): Promise<void> {}
  async releaseConnection(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this
  }

  executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    try {
      if (this.#ended) throw tooLate()
      const result = this.#session.execute(sql, parameters)
      return result instanceof Promise ? this.#later(result) : Promise.resolve(answer<Row>(result))
    } catch (error) {
      return this.#failed(error)
    }
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    yield await this.executeQuery<Row>(query)
  }

  end(): void {
    this.#ended = true
  }

  settle(): void | Promise<void> {
    if (this.#running.size > 0) return this.#settleLater()
    this.#throwFailure()
  }

  beginTransaction(): Promise<never> {
    return Promise.reject(noTransaction())
  }
  commitTransaction(): Promise<never> {
    return Promise.reject(noTransaction())
  }
  rollbackTransaction(): Promise<never> {
    return Promise.reject(noTransaction())
  }

  #later<Row>(result: Promise<SqlResult>): Promise<QueryResult<Row>> {
    const running = result.then(answer<Row>, (error: unknown) => this.#failed(error))
    this.#running.add(running)
    const forget = () => this.#running.delete(running)
    running.then(forget, forget)
    return running
  }

  // Also a failure nobody awaits: the transaction must not commit, and the process must not end.
  #failed(error: unknown): Promise<never> {
    this.#failure ??= { error }
    const rejected = Promise.reject(error)
    rejected.catch(() => {})
    return rejected
  }

  async #settleLater(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
    this.#throwFailure()
  }

  #throwFailure(): void {
    if (!this.#failure) return
    const { error } = this.#failure
    this.#failure = undefined
    throw error
  }
}

const answer = <Row>({ rows, changes }: SqlResult): QueryResult<Row> => ({
  rows: rows as Row[],
  numAffectedRows: BigInt(changes),
})

const noTransaction = (): ReenactError => {
  const fix = 'use the view as it is'
  return new ReenactError(
    'InvalidOption',
    `A projection's statements are one transaction already, with the checkpoint: ${fix}, without transaction().`,
    { option: 'transaction', fix },
  )
}

const tooLate = (): ReenactError =>
  new ReenactError(
    'Closed',
    'A statement came after its handler had failed, so its transaction is undone. Await everything a handler begins.',
    { what: 'view' },
  )

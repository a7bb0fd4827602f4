// Kysely over a session of ours: its own compiler for each database, our connection and transaction.

import {
  type CompiledQuery,
  type DatabaseConnection,
  DefaultQueryExecutor,
  type Dialect,
  type DialectAdapter,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryCompiler,
  type QueryId,
  type QueryResult,
  RawNode,
  type RootOperationNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  ValueNode,
} from 'kysely'
import { ReenactError } from '../../runtime/core/errors.ts'
import { BegunWork, cameTooLate } from '../begun-work.ts'
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
  const dialect: Dialect =
    session.dialect === 'sqlite'
      ? {
          createDriver: () => driver,
          createAdapter: () => new SqliteAdapter(),
          createIntrospector: (db) => new SqliteIntrospector(db),
          createQueryCompiler: () => new SqliteQueryCompiler(),
        }
      : {
          createDriver: () => driver,
          createAdapter: () => new PostgresAdapter(),
          createIntrospector: (db) => new PostgresIntrospector(db),
          createQueryCompiler: () => new PostgresQueryCompiler(),
        }
  const executor = new SessionExecutor(
    driver,
    dialect.createQueryCompiler(),
    dialect.createAdapter(),
  )
  const db = new Kysely<Database>({ config: { dialect }, driver, dialect, executor })
  return { db, settle: () => driver.settle(), end: () => driver.end() }
}

/** Runs queries on the session at once: Kysely would first ask for a connection, several promises a query. */
class SessionExecutor extends DefaultQueryExecutor {
  readonly #driver: SessionDriver
  /** SQL of templates, by their texts: the same array at each call. */
  readonly #texts = new WeakMap<readonly string[], string>()

  constructor(driver: SessionDriver, compiler: QueryCompiler, adapter: DialectAdapter) {
    super(compiler, adapter, { provideConnection: (consumer) => consumer(driver) })
    this.#driver = driver
  }

  override executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    return this.#driver.executeQuery<Row>(query)
  }

  override compileQuery(node: RootOperationNode, queryId: QueryId): CompiledQuery {
    if (!RawNode.is(node)) return super.compileQuery(node, queryId)
    const parameters: unknown[] = []
    for (const parameter of node.parameters) {
      if (!ValueNode.is(parameter) || parameter.immediate) return super.compileQuery(node, queryId)
      parameters.push(parameter.value)
    }
    const sql = this.#texts.get(node.sqlFragments)
    if (sql !== undefined) return { query: node, queryId, sql, parameters }
    const compiled = super.compileQuery(node, queryId)
    this.#texts.set(node.sqlFragments, compiled.sql)
    return compiled
  }
}

class SessionDriver implements Driver, DatabaseConnection {
  readonly #session: Session
  readonly #begun = new BegunWork()
  #ended = false

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
      if (this.#ended) throw cameTooLate('statement')
      const result = this.#session.execute(sql, parameters)
      return result instanceof Promise
        ? this.#begun.add(result.then(answer<Row>))
        : Promise.resolve(answer<Row>(result))
    } catch (error) {
      return this.#begun.failed(error)
    }
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    yield await this.executeQuery<Row>(query)
  }

  end(): void {
    this.#ended = true
  }

  settle(): void | Promise<void> {
    return this.#begun.settle()
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

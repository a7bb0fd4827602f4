// Connections to PostgreSQL: the writer's own, and pools for everything else.

import type { Client, ClientBase, Pool, PoolClient } from 'pg'
import type { Connection, SqlResult } from '../engine.ts'

/** Statements a writer prepares; a user's SQL may come in any number of texts. */
const preparedMax = 256

async function run(
  client: Pick<ClientBase, 'query'>,
  text: string,
  parameters: readonly unknown[],
  name?: string,
): Promise<SqlResult> {
  const values = [...parameters]
  const query = name === undefined ? { text, values } : { name, text, values }
  const { rows, rowCount } = await client.query<Record<string, unknown>>(query)
  return { rows, changes: rowCount ?? 0 }
}

async function inTransaction<Result>(
  client: Pick<ClientBase, 'query'>,
  body: () => Promise<Result>,
): Promise<Result> {
  await client.query('BEGIN')
  try {
    const result = await body()
    await client.query('COMMIT')
    return result
  } catch (error) {
    // Where the connection is gone the server has rolled back by itself.
    await client.query('ROLLBACK').catch(() => {})
    throw error
  }
}

/** One connection for as long as the writer has its turn. It never connects again by itself. */
export class WriterConnection implements Connection {
  readonly dialect = 'postgres'
  readonly #client: Client
  readonly #seen = new Map<string, string>()

  constructor(client: Client) {
    this.#client = client
    // The next statement tells; without a listener the process would end.
    client.on('error', () => {})
  }

  execute(sql: string, parameters: readonly unknown[] = []): Promise<SqlResult> {
    return run(this.#client, sql, parameters, this.#nameOf(sql))
  }

  transaction<Result>(body: () => Promise<Result>): Promise<Result> {
    return inTransaction(this.#client, body)
  }

  /** What comes again is prepared: the server then parses and plans it once. */
  #nameOf(sql: string): string | undefined {
    const known = this.#seen.get(sql)
    if (known !== undefined) return known
    if (this.#seen.size < preparedMax) this.#seen.set(sql, `reenact_${this.#seen.size}`)
    return undefined
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => {})
  }
}

/** Connections that come and go. Inside a transaction everything runs on its one. */
export class PooledConnection implements Connection {
  readonly dialect = 'postgres'
  readonly #pool: Pool
  readonly #first: string | undefined
  #inside: PoolClient | undefined

  /** `first` is run at the beginning of each transaction. */
  constructor(pool: Pool, first?: string) {
    this.#pool = pool
    this.#first = first
    // As above: the pool listens only while a connection is not in use.
    pool.on('connect', (client) => client.on('error', () => {}))
    pool.on('error', () => {})
  }

  execute(sql: string, parameters: readonly unknown[] = []): Promise<SqlResult> {
    return run(this.#inside ?? this.#pool, sql, parameters)
  }

  async transaction<Result>(body: () => Promise<Result>): Promise<Result> {
    const client = await this.#pool.connect()
    let failure: Error | undefined
    try {
      return await inTransaction(client, async () => {
        if (this.#first !== undefined) await client.query(this.#first)
        this.#inside = client
        return body()
      })
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error))
      throw error
    } finally {
      this.#inside = undefined
      // One that failed may be broken: it is not used again.
      client.release(failure)
    }
  }

  async close(): Promise<void> {
    await this.#pool.end().catch(() => {})
  }
}

// One SQLite connection: prepared statements, and transactions that never make the event loop wait.

import { DatabaseSync } from '@photostructure/sqlite'
import { sleep, type Timers } from '../../runtime/core/clock.ts'
import { sqliteCodeOf, sqliteCodes } from '../../runtime/stores/sqlite/sqlite-errors.ts'
import type { Connection, SqlResult } from '../engine.ts'

interface Statement {
  readonly prepared: ReturnType<InstanceType<typeof DatabaseSync>['prepare']>
  readonly reads: boolean
}

export interface SqliteConnectionOptions {
  readonly readOnly: boolean
  /** Nobody needs it after a loss of power. */
  readonly temporary: boolean
  readonly timers: Timers
}

/** Statements kept; a user's SQL may come in any number of texts. */
const statementsMax = 256
const busyAttemptsMax = 2_000
const busyDelayMs = 5

export class SqliteConnection implements Connection {
  readonly dialect = 'sqlite'
  readonly #database: InstanceType<typeof DatabaseSync>
  readonly #timers: Timers
  readonly #statements = new Map<string, Statement>()

  constructor(file: string, { readOnly, temporary, timers }: SqliteConnectionOptions) {
    this.#timers = timers
    this.#database = new DatabaseSync(file, { readOnly, timeout: readOnly ? 5_000 : 0 })
    try {
      // NORMAL may lose the last commits with the power, effect and checkpoint together: the worker then reads
      // on from an earlier place of the log.
      if (!readOnly) {
        this.#database.exec(`PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL;
          PRAGMA synchronous = ${temporary ? 'OFF' : 'NORMAL'}; PRAGMA cache_size = -16384;
          PRAGMA wal_autocheckpoint = 4096; PRAGMA busy_timeout = 0`)
      }
    } catch (error) {
      this.#database.close()
      throw error
    }
  }

  execute(sql: string, parameters: readonly unknown[] = []): SqlResult {
    const { prepared, reads } = this.#statement(sql)
    const values = parameters.map(sqlValue)
    if (reads) return { rows: prepared.all(...values) as Record<string, unknown>[], changes: 0 }
    return { rows: noRows, changes: Number(prepared.run(...values).changes) }
  }

  async transaction<Result>(body: () => Promise<Result>): Promise<Result> {
    await this.#begin()
    try {
      const result = await body()
      this.#database.exec('COMMIT')
      return result
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  async close(): Promise<void> {
    if (this.#database.isOpen) this.#database.close()
  }

  // Waiting inside SQLite would stop the event loop, and with it whoever holds the lock in this process.
  async #begin(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        this.#database.exec('BEGIN IMMEDIATE')
        return
      } catch (error) {
        if (sqliteCodeOf(error) !== sqliteCodes.busy || attempt === busyAttemptsMax) throw error
      }
      await sleep(this.#timers, busyDelayMs)
    }
  }

  #statement(sql: string): Statement {
    const known = this.#statements.get(sql)
    if (known) return known
    const prepared = this.#database.prepare(sql)
    const statement = { prepared, reads: prepared.columns().length > 0 }
    if (this.#statements.size === statementsMax) this.#statements.clear()
    this.#statements.set(sql, statement)
    return statement
  }
}

const noRows: SqlResult['rows'] = []

type SqlValue = null | number | bigint | string | Uint8Array

// SQLite has neither booleans nor dates.
const sqlValue = (value: unknown): SqlValue => {
  if (value === undefined) return null
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value instanceof Date) return value.toISOString()
  return value as SqlValue
}

// What a database owes to read models: SQL in sessions, transactions, and one writer for each place.

/** The SQL a database speaks. */
export type DialectName = 'sqlite' | 'postgres'

/** What a statement answered. */
export interface SqlResult {
  readonly rows: readonly Record<string, unknown>[]
  /** Rows written. */
  readonly changes: number
}

/** Runs SQL in one place. */
export interface Session {
  readonly dialect: DialectName
  /** Parameters are `?` in SQLite and `$1`, `$2`, … in PostgreSQL. */
  execute(sql: string, parameters?: readonly unknown[]): SqlResult | Promise<SqlResult>
}

/** A session with transactions. */
export interface Connection extends Session {
  /** All that `body` writes, or nothing. One at a time. */
  transaction<Result>(body: () => Promise<Result>): Promise<Result>
  close(): Promise<void>
}

/** A database that holds read models, each in a place of its own: a file, or a schema. */
export interface Engine {
  /** For messages, without secrets. */
  readonly name: string
  readonly dialect: DialectName
  /** The list of all read models. Its transactions exclude each other across processes. */
  catalog(): Promise<Connection>
  /** Makes an empty place, or empties it. */
  create(place: string): Promise<void>
  /**
   * The connection of the one writer, or `undefined` while another process or worker is the writer. It stops
   * being the writer when it closes it or dies, never before.
   */
  openWriter(place: string, partition: number): Promise<Connection | undefined>
  /** Any number read beside the writer. */
  openReader(place: string): Promise<Connection>
  drop(place: string): Promise<void>
  /** Whether the same may succeed later without anybody's help. */
  isTransient(error: unknown): boolean
  close(): Promise<void>
}

/** Our own statements are written with `?`, as SQLite takes them. */
export function statement(dialect: DialectName, sql: string): string {
  if (dialect === 'sqlite') return sql
  let number = 0
  return sql.replace(/\?/g, () => {
    number += 1
    return `$${number}`
  })
}

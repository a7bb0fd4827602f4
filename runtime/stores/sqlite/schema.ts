// The tables of a store file, as an ordered list of steps that never change once released.

import { DatabaseSync } from '@photostructure/sqlite'
import { ReenactError } from '../../core/errors.ts'
import { damaged } from './sqlite-errors.ts'

/** An open SQLite database. */
export type Database = InstanceType<typeof DatabaseSync>

/** Marks a file as ours: `RNCT` in ASCII. */
export const applicationId = 0x524e4354

/** Step n leads from version n to n + 1. A step is never edited, only followed by another. */
export const migrations: readonly string[] = [
  `CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
   CREATE TABLE streams (
     id INTEGER PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL, rules TEXT NOT NULL, crc INTEGER NOT NULL
   ) STRICT;
   CREATE UNIQUE INDEX streams_by_name ON streams (name);
   CREATE INDEX streams_by_category ON streams (category, name);
   CREATE TABLE events (
     position INTEGER PRIMARY KEY, stream INTEGER NOT NULL, frame TEXT NOT NULL
   ) STRICT;
   CREATE TABLE stream_events (
     stream INTEGER NOT NULL, revision INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (stream, revision)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE state (
     key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL, crc INTEGER NOT NULL
   ) STRICT;`,
]

/** What the header of a file says. */
export type FileState = 'new' | 'ours'

/** Tells a new file from one of ours and refuses any other. */
export function inspect(database: Database, file: string, steps = migrations): FileState {
  const id = pragma(database, 'application_id')
  const version = pragma(database, 'user_version')
  if (id === 0 && version === 0 && pragma(database, 'schema_version') === 0) return 'new'
  if (id !== applicationId) {
    throw new ReenactError(
      'StoreUnreadable',
      `'${file}' is an SQLite database of another program. Give the path of a Reenact store or of a new file.`,
      { file, reason: 'foreign' },
    )
  }
  if (version > steps.length) {
    throw new ReenactError(
      'StoreUnreadable',
      `'${file}' has format ${version}, this version of Reenact knows up to ${steps.length}. Upgrade the reenact package.`,
      { file, reason: 'newer' },
    )
  }
  if (version < 1) throw damaged(file, `its format number is ${version}`)
  return 'ours'
}

/** Brings a new or older file to the present version. All steps and the new number are one transaction. */
export function migrate(database: Database, steps = migrations): void {
  const version = pragma(database, 'user_version')
  if (version === steps.length) return
  database.exec('BEGIN IMMEDIATE')
  try {
    for (const step of steps.slice(version)) database.exec(step)
    database.exec(`PRAGMA application_id = ${applicationId}`)
    database.exec(`PRAGMA user_version = ${steps.length}`)
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

/** Refuses a file whose table definitions are not those the steps make. */
export function checkSchema(database: Database, file: string, steps = migrations): void {
  const version = pragma(database, 'user_version')
  const reference = new DatabaseSync(':memory:')
  try {
    for (const step of steps.slice(0, version)) reference.exec(step)
    if (describe(database) !== describe(reference)) {
      throw damaged(file, 'its table definitions are not those of a Reenact store')
    }
  } finally {
    reference.close()
  }
}

/**
 * The rows of a query without a prepared statement. The driver finalizes statements only when they are garbage
 * collected, and a connection with statements keeps its file open after `close`.
 */
export function query(database: Database, columns: string, from: string): unknown[][] {
  const rows: unknown[][] = []
  database.function('reenact_row', { varargs: true }, (...row: unknown[]) => {
    rows.push(row)
    return null
  })
  database.exec(`SELECT reenact_row(${columns}) FROM ${from}`)
  return rows
}

/** The number a pragma without side effects answers. */
export const pragma = (database: Database, name: string): number =>
  Number(query(database, name, `pragma_${name}`)[0]?.[0])

// Statistics that a tool's ANALYZE may have left do no harm.
const describe = (database: Database): string =>
  JSON.stringify(
    query(
      database,
      'type, name, tbl_name, sql',
      "(SELECT * FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY name)",
    ),
  )

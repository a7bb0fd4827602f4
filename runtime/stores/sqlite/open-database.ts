// How a store file is opened, every time: looked at, refused or prepared, and checked.

import { existsSync, statSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { DatabaseSync } from '@photostructure/sqlite'
import { ReenactError } from '../../core/errors.ts'
import type { ReadAheadOptions } from './read-ahead.ts'
import type { Database } from './schema.ts'
import { checkSchema, inspect, migrate, pragma, query } from './schema.ts'
import { damaged, sqliteCodeOf, sqliteCodes, storeError } from './sqlite-errors.ts'
import type { ThreadOptions } from './storage-thread.ts'

/** Pages in the WAL before a commit copies them into the file. More is faster, less keeps the WAL small. */
const walPagesMax = 16_384
const busyTimeoutMs = 5000
const cacheKib = 16 * 1024

/** Seams for tests. */
export interface SqliteInternals {
  /** Stands between the store and COMMIT. */
  readonly commit?: (real: () => void) => void
  /** Sees each database right after it was opened, but for that of the storage thread. */
  readonly opened?: (database: Database) => void
  /** When there is a storage thread, and what runs in it. */
  readonly thread?: ThreadOptions
  /** The same of the read-ahead thread. */
  readonly readAhead?: ReadAheadOptions
}

export interface OpenOptions {
  readonly file: string
  readonly readOnly: boolean
  /** Files up to this size are checked as a whole when opened. */
  readonly checkBytesMax: number
  readonly internals: SqliteInternals
}

/** Looks at a file without changing it and refuses what is not ours. */
export function inspectFile(file: string): 'new' | 'ours' {
  if (!existsSync(file) || statSync(file).size === 0) {
    // SQLite would throw away a WAL that lies beside an empty file, with all that is in it.
    if (existsSync(`${file}-wal`) && statSync(`${file}-wal`).size > 0) {
      throw damaged(file, 'it is empty or gone but its -wal file is not')
    }
    return 'new'
  }
  if (!statSync(file).isFile()) throw foreign(file)
  const database = openReadOnly(file)
  try {
    return inspect(database, file)
  } catch (error) {
    throw storeError(file, error)
  } finally {
    database.close()
  }
}

/** Opens with everything that has to be said at each open. Throws typed errors only. */
export function openDatabase(options: OpenOptions): Database {
  const { file, readOnly, internals } = options
  const database = readOnly ? openReadOnly(file) : openWritable(file)
  try {
    internals.opened?.(database)
    if (readOnly) {
      inspect(database, file)
    } else {
      prepareForWriting(database, file)
    }
    checkSchema(database, file)
    checkStructure(database, options)
    return database
  } catch (error) {
    ignoreErrors(() => database.close())
    throw storeError(file, error)
  }
}

function prepareForWriting(database: Database, file: string): void {
  inspect(database, file)
  // An empty WAL database would forget FULL: it is set and read back at every open.
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = ${walPagesMax}; PRAGMA cache_size = -${cacheKib};
    PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF`)
  const [[journal] = []] = query(database, 'journal_mode', 'pragma_journal_mode')
  if (journal !== 'wal' || pragma(database, 'synchronous') !== 2) {
    throw new ReenactError(
      'UnsupportedFileSystem',
      `'${file}' does not take write-ahead logging (${journal}). Put the store on a local disk.`,
      { file, kind: `journal mode ${journal}` },
    )
  }
  migrate(database)
}

/** Finds damage outside the events, which checksums do not cover, as long as that takes no noticeable time. */
function checkStructure(database: Database, { file, checkBytesMax }: OpenOptions): void {
  if (!isSmall(database, checkBytesMax)) return
  const problem = structuralProblem(database)
  if (problem !== undefined) throw damaged(file, problem)
}

/** Whether a file is so small that checking all of it takes no noticeable time. */
export const isSmall = (database: Database, checkBytesMax: number): boolean =>
  pragma(database, 'page_count') * pragma(database, 'page_size') <= checkBytesMax

/** The first thing SQLite's own check finds wrong. */
function structuralProblem(database: Database): string | undefined {
  const [[verdict] = []] = query(database, 'integrity_check', 'pragma_integrity_check')
  return verdict === 'ok' ? undefined : String(verdict)
}

function openWritable(file: string): Database {
  try {
    return new DatabaseSync(file, { timeout: busyTimeoutMs })
  } catch (error) {
    throw storeError(file, error)
  }
}

function openReadOnly(file: string): Database {
  let database: Database | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: busyTimeoutMs })
    database.exec('SELECT count(*) FROM sqlite_schema')
    return database
  } catch (error) {
    ignoreErrors(() => database?.close())
    const hasNoWal = !existsSync(`${file}-wal`) || statSync(`${file}-wal`).size === 0
    if (sqliteCodeOf(error) === sqliteCodes.cannotOpen && hasNoWal) return openImmutable(file)
    if (sqliteCodeOf(error) !== sqliteCodes.notADatabase) throw storeError(file, error)
    throw foreign(file, error)
  }
}

// In a directory that cannot be written SQLite has no place for its shared memory. Without a WAL nobody writes
// the file, so it may be read as it stands.
function openImmutable(file: string): Database {
  try {
    return new DatabaseSync(`${pathToFileURL(file).href}?immutable=1`, { readOnly: true })
  } catch (error) {
    throw storeError(file, error)
  }
}

const foreign = (file: string, cause?: unknown): ReenactError =>
  new ReenactError(
    'StoreUnreadable',
    `'${file}' is no Reenact store, or its beginning is destroyed. Give the path of a store, or restore a backup.`,
    { file, reason: 'foreign' },
    cause,
  )

/** The process that last opened the file for writing, as far as it can be told. */
export function ownerOf(file: string): number | undefined {
  try {
    const database = openReadOnly(file)
    try {
      const [[pid] = []] = query(database, 'value', "meta WHERE key = 'owner'")
      return Number(pid) || undefined
    } finally {
      database.close()
    }
  } catch {
    return undefined
  }
}

/** For tidying up after an error that is the one to be reported. */
export function ignoreErrors(action: () => void): void {
  try {
    action()
  } catch {
    // The first error says more.
  }
}

// One process writes a file. The lock is held by the operating system, which frees it at death.

import { DatabaseSync } from '@photostructure/sqlite'
import { ReenactError } from '../../core/errors.ts'
import { ignoreErrors } from './open-database.ts'
import { sqliteCodeOf, sqliteCodes, storeError } from './sqlite-errors.ts'

// A process has one set of POSIX locks a file, whatever opened it. SQLite keeps its own connections apart, but a
// second copy of the package would not know of them: this set does.
const held: Set<string> = ownedByProcess()

/** Ownership of a store file. */
export interface WriterLock {
  release(): void
}

/**
 * Takes the exclusive lock on the side file or throws `StoreLocked`. `file` must be the real path, so that every
 * spelling of it meets the same lock.
 *
 * The side file is an SQLite database into which nothing is ever written; an open exclusive transaction on it is
 * the lock. It is never opened by other means: closing any other descriptor would drop the lock. It is never
 * removed either: between removing and locking, two writers could hold two files of the same name.
 */
export function lockForWriting(file: string, ownerPid: () => number | undefined): WriterLock {
  if (held.has(file)) throw storeLocked(file, process.pid)
  let database: InstanceType<typeof DatabaseSync> | undefined
  try {
    database = new DatabaseSync(`${file}-lock`, { timeout: 0 })
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    ignoreErrors(() => database?.close())
    if (sqliteCodeOf(error) === sqliteCodes.busy) throw storeLocked(file, ownerPid())
    throw storeError(`${file}-lock`, error)
  }
  held.add(file)
  return {
    release: () => {
      ignoreErrors(() => database.close())
      held.delete(file)
    },
  }
}

function storeLocked(file: string, pid: number | undefined): ReenactError {
  const who =
    pid === process.pid ? 'this process' : pid === undefined ? 'a process' : `process ${pid}`
  return new ReenactError(
    'StoreLocked',
    `'${file}' is already being written by ${who}. Stop that one, or open with ?mode=ro to read beside it.`,
    { file, ...(pid !== undefined && { pid }) },
  )
}

function ownedByProcess(): Set<string> {
  const key = Symbol.for('reenact.sqlite.held')
  const registry = globalThis as { [key]?: Set<string> }
  registry[key] ??= new Set()
  return registry[key]
}

// Read models in SQLite: a folder with a catalog and one file for each version of each read model.

import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Timers } from '../../runtime/core/clock.ts'
import { isReenactError, ReenactError } from '../../runtime/core/errors.ts'
import { checkFileSystem, realPathOf } from '../../runtime/stores/sqlite/file-system.ts'
import { sqliteCodeOf, sqliteCodes } from '../../runtime/stores/sqlite/sqlite-errors.ts'
import { lockForWriting, type WriterLock } from '../../runtime/stores/sqlite/writer-lock.ts'
import type { Connection, Engine } from '../engine.ts'
import { SqliteConnection } from './sqlite-connection.ts'

export interface SqliteEngineOptions {
  /** The folder, made if it is not there. Without one: a temporary folder, removed when closed. */
  readonly folder?: string | undefined
  readonly timers: Timers
}

/** Opens a folder of read models. */
export function openSqliteEngine({ folder, timers }: SqliteEngineOptions): Engine {
  const temporary = folder === undefined
  const root = folder ?? mkdtempSync(join(tmpdir(), 'reenact-views-'))
  mkdirSync(root, { recursive: true })
  checkFileSystem(join(root, 'catalog.db'))
  const fileOf = (place: string): string => realPathOf(join(root, `${place}.db`))
  const open = (place: string, readOnly = false): SqliteConnection => {
    try {
      return new SqliteConnection(fileOf(place), { readOnly, temporary, timers })
    } catch (error) {
      throw unreadable(fileOf(place), error)
    }
  }
  const connections = new Set<Connection>()
  const kept = <C extends Connection>(connection: C, onClose?: () => void): C => {
    const close = connection.close.bind(connection)
    connection.close = async () => {
      connections.delete(connection)
      await close()
      onClose?.()
    }
    connections.add(connection)
    return connection
  }
  return {
    name: temporary ? 'a temporary folder' : root,
    dialect: 'sqlite',
    catalog: async () => kept(open('catalog')),
    create: async (place) => {
      removeFile(fileOf(place))
      await open(place).close()
    },
    openWriter: async (place, partition) => {
      if (!existsSync(fileOf(place))) throw missing(fileOf(place))
      const lock = tryLock(`${fileOf(place)}${partition === 0 ? '' : `-${partition}`}`)
      if (!lock) return undefined
      try {
        return kept(open(place), () => lock.release())
      } catch (error) {
        lock.release()
        throw error
      }
    },
    openReader: async (place) => {
      if (!existsSync(fileOf(place))) throw missing(fileOf(place))
      return kept(open(place, true))
    },
    drop: async (place) => removeFile(fileOf(place)),
    isTransient: (error) => transientCodes.has(sqliteCodeOf(error) ?? -1),
    close: async () => {
      for (const connection of connections) await connection.close()
      if (temporary) rmSync(root, { recursive: true, force: true })
    },
  }
}

// A full disk too is over once somebody made room; the checkpoint did not move meanwhile.
const transientCodes: ReadonlySet<number> = new Set([
  sqliteCodes.busy,
  sqliteCodes.locked,
  sqliteCodes.full,
  sqliteCodes.ioError,
])

/** The lock lies with the operating system, which frees it when the process dies. */
function tryLock(file: string): WriterLock | undefined {
  try {
    return lockForWriting(file, () => undefined)
  } catch (error) {
    if (isReenactError(error, 'StoreLocked')) return undefined
    throw error
  }
}

function removeFile(file: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${file}${suffix}`, { force: true })
}

const missing = (file: string): ReenactError =>
  new ReenactError(
    'StoreUnreadable',
    `The read model '${file}' is gone. Rebuild it: runtime.projections.rebuild(name).`,
    { file, reason: 'missing' },
  )

function unreadable(file: string, error: unknown): unknown {
  const code = sqliteCodeOf(error)
  if (code !== sqliteCodes.notADatabase && code !== sqliteCodes.corrupt) return error
  return new ReenactError(
    'StoreUnreadable',
    `The read model '${file}' is damaged. Rebuild it from the log: runtime.projections.rebuild(name).`,
    { file, reason: 'damaged' },
    error,
  )
}

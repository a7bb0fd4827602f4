// Opening a store file: look, lock, prepare.

import { existsSync } from 'node:fs'
import type { Clock, Timers } from '../../core/clock.ts'
import { systemPorts } from '../../core/clock.ts'
import { ReenactError } from '../../core/errors.ts'
import { Connection } from './connection.ts'
import type { SqliteStore } from './file-store.ts'
import { FileStore } from './file-store.ts'
import { checkFileSystem, realPathOf } from './file-system.ts'
import { inspectFile, ownerOf, type SqliteInternals } from './open-database.ts'
import { ReadAhead, readAheadDefaults } from './read-ahead.ts'
import { storeError } from './sqlite-errors.ts'
import { StorageThread, type ThreadOptions, threadDefaults } from './storage-thread.ts'
import { lockForWriting } from './writer-lock.ts'

export interface SqliteStoreOptions {
  /** `ro` reads beside the writing process. Default `rw`. */
  readonly mode?: 'rw' | 'ro'
  /** Whether a busy store writes, and reads long ranges ahead, in threads of their own. Default `true`. */
  readonly thread?: boolean
  /** Where recording times and ages come from. Default: the system's. */
  readonly clock?: Clock
  readonly timers?: Timers
  /** How often a reader looks for new events, ms. Default 50. */
  readonly pollMs?: number
  /**
   * Files up to this size are checked as a whole when opened, which also finds damage outside the events.
   * `Infinity` always checks, 0 never. Default 4 MiB.
   */
  readonly checkBytesMax?: number
  /** Operations that may wait for a commit. Default 16,384. */
  readonly queueMax?: number
  /** Bytes that may wait for a commit. Default 64 MiB. */
  readonly queueBytesMax?: number
}

const never: ThreadOptions = { ...threadDefaults, groupsBefore: Number.POSITIVE_INFINITY }

/** Small enough to be checked in a few milliseconds. */
const checkBytesDefault = 4 * 1024 * 1024

/** Opens a store file, or begins a new one. One process writes; any number read beside it. */
export async function openSqliteStore(
  file: string,
  options: SqliteStoreOptions = {},
  /** @internal */ internals: SqliteInternals = {},
): Promise<SqliteStore> {
  const readOnly = options.mode === 'ro'
  // 1. One path for every spelling, on a file system that keeps its promises.
  const path = realPathOf(file)
  checkFileSystem(path)
  // 2. Look before anything is changed.
  if (readOnly && !existsSync(path)) throw missing(file)
  const found = inspectFile(path)
  if (readOnly && found === 'new') throw missing(file)
  // 3. Become the only writer, then open.
  const lock = readOnly ? undefined : lockForWriting(path, () => ownerOf(path))
  let connection: Connection | undefined
  try {
    connection = new Connection({
      file: path,
      readOnly,
      checkBytesMax: options.checkBytesMax ?? checkBytesDefault,
      internals,
    })
    // For the message of whoever comes second; the lock itself lies with the operating system.
    if (!readOnly) connection.sql.putMeta.run('owner', String(process.pid))
    const when = options.thread === false ? never : threadDefaults
    const thread = new StorageThread(path, internals.thread ?? when)
    if (!readOnly) await thread.started()
    const timers = options.timers ?? systemPorts.timers
    const aheadWhen = options.thread === false ? undefined : readAheadDefaults
    const ahead = new ReadAhead(path, timers, internals.readAhead ?? aheadWhen)
    await ahead.started()
    return new FileStore({
      connection,
      clock: options.clock ?? systemPorts.clock,
      timers,
      pollMs: options.pollMs ?? 50,
      thread,
      ahead,
      limits: {
        operationsMax: options.queueMax ?? 16_384,
        bytesMax: options.queueBytesMax ?? 64 * 1024 * 1024,
      },
      release: () => lock?.release(),
    })
  } catch (error) {
    connection?.close()
    lock?.release()
    throw storeError(path, error)
  }
}

const missing = (file: string): ReenactError =>
  new ReenactError(
    'StoreUnreadable',
    `There is no store '${file}'. Check the path: opening it for reading makes none.`,
    { file, reason: 'missing' },
  )

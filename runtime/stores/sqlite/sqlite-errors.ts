// What SQLite's errors mean to a caller: never a raw one leaves the store.

import { isReenactError, messageOf, ReenactError } from '../../core/errors.ts'

/** SQLite's primary result codes that are told apart. */
export const sqliteCodes = {
  error: 1,
  busy: 5,
  locked: 6,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const

/** The primary result code of an error of the driver; `undefined` for any other error. */
export function sqliteCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined
}

/** The typed error for whatever went wrong with this file. */
export function storeError(file: string, error: unknown): ReenactError {
  if (isReenactError(error)) return error
  const why = messageOf(error)
  switch (sqliteCodeOf(error)) {
    case sqliteCodes.full:
      return new ReenactError(
        'DiskFull',
        `No room left to write '${file}'. Nothing of this was written: free space, then send it again.`,
        { file },
        error,
      )
    case sqliteCodes.busy:
    case sqliteCodes.locked:
      return new ReenactError(
        'StoreLocked',
        `Another program holds a lock on '${file}' (${why}). Close it, then try again.`,
        { file },
        error,
      )
    case sqliteCodes.readOnly:
      return new ReenactError(
        'ReadOnly',
        `'${file}' cannot be written (${why}). Give this user the right to write it, or open with ?mode=ro.`,
        { store: file },
        error,
      )
    case sqliteCodes.cannotOpen:
      return new ReenactError(
        'StoreUnreadable',
        `'${file}' cannot be opened (${why}). Check that its directory exists and may be used.`,
        { file, reason: 'missing' },
        error,
      )
    case sqliteCodes.ioError:
      return storeFailed(file, error)
    default:
      // Also statements that no longer fit the schema, and numbers no writer of ours would have stored.
      return damaged(file, why, error)
  }
}

/** The file is not what was written. */
export const damaged = (file: string, why: string, cause?: unknown): ReenactError =>
  new ReenactError(
    'StoreUnreadable',
    `'${file}' is damaged: ${why}. Restore the last backup, or save what is left with sqlite3's .recover.`,
    { file, reason: 'damaged' },
    cause,
  )

/** The disk failed: what it says from now on cannot be trusted by this process. */
export const storeFailed = (file: string, cause: unknown): ReenactError =>
  new ReenactError(
    'StoreFailed',
    `The disk under '${file}' failed (${messageOf(cause)}). Restart the process: it finds out what was written.`,
    { store: file },
    cause,
  )

// What runs in the storage thread: one connection that writes what it is sent, and says what became of it.

import { Connection } from './connection.ts'
import { ignoreErrors } from './open-database.ts'
import { sqliteCodeOf } from './sqlite-errors.ts'
import type { ThreadAnswer } from './storage-thread.ts'
import { serve } from './thread-requests.ts'
import { type Transaction, type Written, writeTransaction } from './transaction.ts'

// What cannot be opened ends the thread: the store then looks for itself.
serve<Transaction, ThreadAnswer>((file) => {
  const open = (): Connection =>
    new Connection({ file, readOnly: false, checkBytesMax: 0, internals: {} })
  let connection: Connection | undefined = open()

  function write(transaction: Transaction): Written {
    const current = connection ?? open()
    const written = writeTransaction(current, transaction)
    // Whatever it believes about the file is not to be trusted, and no transaction may stay open.
    const isSound = written.done || written.undone
    if (!isSound) ignoreErrors(() => current.close(false))
    connection = isSound ? current : undefined
    return written
  }

  return {
    answer: (transaction) => {
      const written = write(transaction)
      return {
        answer: written.done ? { written } : { written, errcode: sqliteCodeOf(written.error) },
      }
    },
    close: () => connection?.close(false),
  }
})

// What runs in the storage thread: one connection that writes what it is sent, and says what became of it.

import { parentPort, workerData } from 'node:worker_threads'
import { Connection } from './connection.ts'
import { ignoreErrors } from './open-database.ts'
import { sqliteCodeOf } from './sqlite-errors.ts'
import type { ThreadAnswer } from './storage-thread.ts'
import { type Transaction, type Written, writeTransaction } from './transaction.ts'

const open = (): Connection =>
  new Connection({ file: workerData, readOnly: false, checkBytesMax: 0, internals: {} })

// What cannot be opened ends the thread: the store then looks for itself.
let connection: Connection | undefined = open()

const answerOf = (written: Written): ThreadAnswer =>
  written.done ? { written } : { written, errcode: sqliteCodeOf(written.error) }

function write(transaction: Transaction): Written {
  const current = connection ?? open()
  const written = writeTransaction(current, transaction)
  // Whatever it believes about the file is not to be trusted, and no transaction may stay open.
  const isSound = written.done || written.undone
  if (!isSound) ignoreErrors(() => current.close(false))
  connection = isSound ? current : undefined
  return written
}

parentPort?.on('message', (transaction: Transaction) => {
  parentPort?.postMessage(answerOf(write(transaction)))
})
parentPort?.postMessage('ready')

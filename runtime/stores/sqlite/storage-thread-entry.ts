// What runs in the storage thread: one connection that writes what it is sent, and says what became of it.

import { parentPort, workerData } from 'node:worker_threads'
import { Connection } from './connection.ts'
import { sqliteCodeOf } from './sqlite-errors.ts'
import type { ThreadAnswer } from './storage-thread.ts'
import { type Transaction, type Written, writeTransaction } from './transaction.ts'

const open = (): Connection =>
  new Connection({ file: workerData, readOnly: false, checkBytesMax: 0, internals: {} })

// Opened at once: what cannot be opened ends the thread before anything was given to it.
let connection: Connection | undefined = open()

const answerOf = (written: Written): ThreadAnswer =>
  written.done ? { written } : { written, errcode: sqliteCodeOf(written.error) }

function write(transaction: Transaction): Written {
  try {
    connection ??= open()
  } catch (error) {
    return { done: false, at: 'statement', undone: true, error }
  }
  const written = writeTransaction(connection, transaction)
  if (!written.done && !written.undone) {
    // Whatever it believes about the file is not to be trusted, and no transaction may stay open.
    connection.close(false)
    connection = undefined
  }
  return written
}

parentPort?.on('message', (transaction: Transaction) => {
  parentPort?.postMessage(answerOf(write(transaction)))
})
parentPort?.postMessage('ready')

// What runs in the storage thread: one connection that writes what it is sent, and says what became of it.

import { parentPort, workerData } from 'node:worker_threads'
import { Connection } from './connection.ts'
import { ignoreErrors } from './open-database.ts'
import { sqliteCodeOf } from './sqlite-errors.ts'
import type { ThreadAnswer, ThreadData } from './storage-thread.ts'
import { type Transaction, type Written, writeTransaction } from './transaction.ts'

const { file, busy }: ThreadData = workerData

function nothingInHand(): void {
  Atomics.store(busy, 0, 0)
  Atomics.notify(busy, 0)
}

// Also where an error ends it.
process.on('exit', nothingInHand)

const open = (): Connection =>
  new Connection({ file, readOnly: false, checkBytesMax: 0, internals: {} })

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

parentPort?.on('message', (message: Transaction | 'close') => {
  if (message === 'close') {
    connection?.close(false)
    parentPort?.close()
    return
  }
  const answer = answerOf(write(message))
  nothingInHand()
  parentPort?.postMessage(answer)
})
nothingInHand()
parentPort?.postMessage('ready')

// A storage thread that dies with the second transaction in hand: before it is written, or after.

import { parentPort, workerData } from 'node:worker_threads'
import { Connection } from '../../../../runtime/stores/sqlite/connection.ts'
import {
  type Transaction,
  writeTransaction,
} from '../../../../runtime/stores/sqlite/transaction.ts'

export function dieWith(when: 'before' | 'after'): void {
  const connection = new Connection({
    file: workerData.file,
    readOnly: false,
    checkBytesMax: 0,
    internals: {},
  })
  let transactions = 0

  parentPort?.on('message', (transaction: Transaction) => {
    transactions += 1
    const isLast = transactions === 2
    if (isLast && when === 'before') process.exit()
    const written = writeTransaction(connection, transaction)
    if (isLast) process.exit()
    parentPort?.postMessage({ written })
  })
  parentPort?.postMessage('ready')
}

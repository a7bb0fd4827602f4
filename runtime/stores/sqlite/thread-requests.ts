// Inside a thread of a store: requests come in, answers go out, and it is always known what is in hand.

import { parentPort, type TransferListItem, workerData } from 'node:worker_threads'
import type { ThreadData } from './store-thread.ts'

const { file, inHand }: ThreadData = workerData

function done(): void {
  Atomics.sub(inHand, 0, 1)
  Atomics.notify(inHand, 0)
}

// Also where an error ends it.
process.on('exit', () => {
  Atomics.store(inHand, 0, 0)
  Atomics.notify(inHand, 0)
})

/** Opens the file, then answers each request in turn until it is closed. */
export function serve<Request, Answer>(
  open: (file: string) => {
    answer(request: Request): { readonly answer: Answer; readonly transfer?: TransferListItem[] }
    close(): void
  },
): void {
  const server = open(file)
  parentPort?.on('message', (message: Request | 'close') => {
    if (message === 'close') {
      server.close()
      parentPort?.close()
      return
    }
    const { answer, transfer } = server.answer(message)
    done()
    parentPort?.postMessage(answer, transfer)
  })
  done()
  parentPort?.postMessage('ready')
}

// A storage thread that takes its time to close, and leaves a sign when it is through.

import { writeFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'

const { file, busy }: { file: string; busy: Int32Array } = workerData

process.on('exit', () => {
  Atomics.store(busy, 0, 0)
  Atomics.notify(busy, 0)
})

parentPort?.on('message', () => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
  writeFileSync(`${file}-closed`, '')
  parentPort?.close()
})
Atomics.store(busy, 0, 0)
parentPort?.postMessage('ready')

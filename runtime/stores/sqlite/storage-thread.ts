// The storage thread of one store: it writes while this thread decides what comes next.

import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { messageOf } from '../../core/errors.ts'
import type { Transaction, Written } from './transaction.ts'

/** What the thread says of a transaction. Errors lose what the driver added on their way, so that goes beside. */
export interface ThreadAnswer {
  readonly written: Written
  readonly errcode?: number | undefined
}

/** What the thread is given. */
export interface ThreadData {
  readonly file: string
  /** One number, shared: 1 while the thread has something in hand, 0 when it waits. */
  readonly busy: Int32Array
}

/** When a store gets a thread. */
export interface ThreadOptions {
  /** The module that runs in it. Default: the one beside this. */
  readonly entry?: URL
  /** Only groups of so many operations are worth the way there and back. */
  readonly operationsMin: number
  /** So many such groups come before the thread is started, which takes as long as some of them. 0: at once. */
  readonly groupsBefore: number
}

export const threadDefaults: ThreadOptions = {
  operationsMin: 16,
  groupsBefore: 64,
}

/** How long the end of the process waits for a thread, at most. */
const exitWaitMs = 2_000

// What each running thread has in hand. One listener for all of them: Node warns of more than ten.
const running = new Set<Int32Array>()

function waitForThreads(): void {
  for (const busy of running) Atomics.wait(busy, 0, 1, exitWaitMs)
}

/**
 * One transaction at a time. It never keeps the process alive but while it writes. Node ends threads with the process
 * wherever they are, and inside the driver that would abort the process: so its end waits until the thread does.
 */
export class StorageThread {
  readonly #file: string
  readonly #options: ThreadOptions
  #groups = 0
  #worker: Worker | undefined
  #ready = false
  #closed = false
  #tell: ((written: Written) => void) | undefined
  readonly #busy = new Int32Array(new SharedArrayBuffer(4))

  constructor(file: string, options: ThreadOptions) {
    this.#file = file
    this.#options = options
  }

  /** For a store that is known to be busy: resolves when it runs. */
  async started(): Promise<void> {
    if (this.#options.groupsBefore > 0) return
    this.#start()
    if (this.#worker) await once(this.#worker, 'message')
  }

  /** Whether it runs, and so many operations are worth the way. */
  isFor(operations: number): boolean {
    return this.#ready && operations >= this.#options.operationsMin
  }

  /** The same for a group about to be written. Starts the thread when there were enough of that size. */
  takes(operations: number): boolean {
    if (this.isFor(operations)) return true
    if (this.#closed || operations < this.#options.operationsMin) return false
    this.#groups += 1
    if (this.#groups === this.#options.groupsBefore) this.#start()
    return false
  }

  /** Has it written. `tell` is called later, and whatever happens. */
  write(transaction: Transaction, tell: (written: Written) => void): void {
    this.#tell = tell
    Atomics.store(this.#busy, 0, 1)
    this.#worker?.ref()
    this.#worker?.postMessage(transaction)
  }

  /** Ends it. Nothing may be under way. */
  async close(): Promise<void> {
    this.#closed = true
    this.#ready = false
    const worker = this.#worker
    if (!worker) return
    worker.ref()
    Atomics.store(this.#busy, 0, 1)
    worker.postMessage('close')
    // Also after an error: all that was to be written is answered.
    await new Promise((resolve) => worker.once('exit', resolve))
  }

  #start(): void {
    const entry = this.#options.entry ?? entryBeside()
    if (!entry) return
    let worker: Worker
    try {
      Atomics.store(this.#busy, 0, 1)
      const workerData: ThreadData = { file: this.#file, busy: this.#busy }
      worker = new Worker(entry, { workerData, execArgv: [] })
    } catch (error) {
      this.#warn(`did not start: ${messageOf(error)}`)
      return
    }
    worker.unref()
    if (running.size === 0) process.on('exit', waitForThreads)
    running.add(this.#busy)
    let cause: unknown
    worker.on('error', (error) => {
      cause = error
    })
    worker.on('exit', () => this.#ended(cause))
    worker.on('message', (answer: ThreadAnswer | 'ready') => {
      if (answer === 'ready') this.#ready = !this.#closed
      else this.#answered(answer)
    })
    this.#worker = worker
  }

  #answered({ written, errcode }: ThreadAnswer): void {
    this.#worker?.unref()
    const tell = this.#tell
    this.#tell = undefined
    if (!written.done && written.error instanceof Error) Object.assign(written.error, { errcode })
    tell?.(written)
  }

  /** What it had in hand may be written or not. */
  #ended(cause: unknown): void {
    running.delete(this.#busy)
    if (running.size === 0) process.off('exit', waitForThreads)
    this.#ready = false
    this.#worker = undefined
    if (this.#closed) return
    const why = cause === undefined ? 'it ended' : messageOf(cause)
    this.#warn(`is gone: ${why}`)
    const tell = this.#tell
    this.#tell = undefined
    tell?.({ done: false, at: 'commit', undone: false, error: new Error(why) })
  }

  #warn(what: string): void {
    process.emitWarning(
      `The storage thread of '${this.#file}' ${what}. The store goes on without it, somewhat slower.`,
      { type: 'ReenactWarning', code: 'REENACT_STORAGE_THREAD' },
    )
  }
}

/** `undefined` in a bundle that left it out: its stores go on without a thread. */
function entryBeside(): URL | undefined {
  try {
    const entry = new URL('./storage-thread-entry.js', import.meta.url)
    return existsSync(fileURLToPath(entry)) ? entry : undefined
  } catch {
    return undefined
  }
}

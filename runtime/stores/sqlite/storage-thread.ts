// The storage thread of one store: it writes while this thread decides what comes next.

import { entryBeside, StoreThread } from './store-thread.ts'
import type { Transaction, Written } from './transaction.ts'

/** What the thread says of a transaction. Errors lose what the driver added on their way, so that goes beside. */
export interface ThreadAnswer {
  readonly written: Written
  readonly errcode?: number | undefined
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

/** One transaction at a time. */
export class StorageThread {
  readonly #file: string
  readonly #options: ThreadOptions
  #groups = 0
  #thread: StoreThread<Transaction, ThreadAnswer> | undefined
  #ready = false
  #closed = false
  #tell: ((written: Written) => void) | undefined

  constructor(file: string, options: ThreadOptions) {
    this.#file = file
    this.#options = options
  }

  /** For a store that is known to be busy: resolves when it runs. */
  async started(): Promise<void> {
    if (this.#options.groupsBefore > 0) return
    this.#start()
    await this.#thread?.started
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
    this.#thread?.send(transaction)
  }

  /** Ends it. Nothing may be under way. */
  async close(): Promise<void> {
    this.#closed = true
    this.#ready = false
    await this.#thread?.close()
  }

  #start(): void {
    this.#thread = new StoreThread(
      this.#file,
      this.#options.entry ?? entryBeside('storage-thread-entry'),
      {
        role: 'storage thread',
        code: 'REENACT_STORAGE_THREAD',
        ready: () => {
          this.#ready = true
        },
        answered: ({ written, errcode }) => {
          if (!written.done && written.error instanceof Error)
            Object.assign(written.error, { errcode })
          this.#answer(written)
        },
        died: (why) => {
          this.#ready = false
          // What it had in hand may be written or not.
          this.#answer({ done: false, at: 'commit', undone: false, error: new Error(why) })
        },
      },
    )
  }

  #answer(written: Written): void {
    const tell = this.#tell
    this.#tell = undefined
    tell?.(written)
  }
}

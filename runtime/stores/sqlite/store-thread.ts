// A thread that serves one store: how it starts, is asked, and ends without taking the process with it.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { messageOf } from '../../core/errors.ts'

/** What a thread is given. */
export interface ThreadData {
  readonly file: string
  /** One number, shared: how many requests it has in hand. */
  readonly inHand: Int32Array
}

/** Whose thread it is. */
export interface ThreadUser<Answer> {
  /** For warnings: `storage thread`. */
  readonly role: string
  readonly code: string
  ready(): void
  answered(answer: Answer): void
  /** It is gone, or did not come, though nobody closed it; whatever it had in hand. */
  died(why: string): void
}

/** How long the end of the process waits for a request, at most. */
const exitWaitMs = 2_000

// What each running thread has in hand. One listener for all of them: Node warns of more than ten.
const running = new Set<Int32Array>()

function waitForThreads(): void {
  for (const inHand of running) {
    for (let left = Atomics.load(inHand, 0); left > 0; left = Atomics.load(inHand, 0)) {
      if (Atomics.wait(inHand, 0, left, exitWaitMs) === 'timed-out') break
    }
  }
}

/**
 * It never keeps the process alive but while it has something in hand. Node ends threads with the process wherever they
 * are, and inside the driver that would abort the process: so its end waits until the thread does.
 */
export class StoreThread<Request, Answer> {
  readonly #file: string
  readonly #user: ThreadUser<Answer>
  #worker: Worker | undefined
  #started: Promise<void> = Promise.resolve()
  #ended: Promise<void> = Promise.resolve()
  #unanswered = 0
  #closed = false
  readonly #inHand = new Int32Array(new SharedArrayBuffer(4))

  /** `entry` is the module that runs in it; without one there is no thread. */
  constructor(file: string, entry: URL | undefined, user: ThreadUser<Answer>) {
    this.#file = file
    this.#user = user
    if (entry) this.#start(entry)
  }

  /** Resolves when it is ready, or is not going to be. */
  get started(): Promise<void> {
    return this.#started
  }

  /** Hands it a request. It is answered later, or the thread dies. */
  send(request: Request): void {
    this.#unanswered += 1
    Atomics.add(this.#inHand, 0, 1)
    this.#worker?.ref()
    this.#worker?.postMessage(request)
  }

  /** Ends it when it has answered all it was sent. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      this.#worker?.ref()
      // Closing is in hand until the thread has ended.
      Atomics.add(this.#inHand, 0, 1)
      this.#worker?.postMessage('close')
    }
    await this.#ended
  }

  #start(entry: URL): void {
    let worker: Worker
    try {
      // Starting is in hand too: it opens the file.
      Atomics.store(this.#inHand, 0, 1)
      const workerData: ThreadData = { file: this.#file, inHand: this.#inHand }
      worker = new Worker(entry, { workerData, execArgv: [] })
    } catch (error) {
      this.#warn(`did not start: ${messageOf(error)}`)
      this.#user.died(messageOf(error))
      return
    }
    worker.unref()
    if (running.size === 0) process.on('exit', waitForThreads)
    running.add(this.#inHand)
    let cause: unknown
    worker.on('error', (error) => {
      cause = error
    })
    this.#ended = new Promise((resolve) => {
      worker.on('exit', () => {
        this.#died(cause)
        resolve()
      })
    })
    this.#started = new Promise((resolve) => {
      void this.#ended.then(resolve)
      worker.on('message', (answer: Answer | 'ready') => {
        if (answer !== 'ready') return this.#answered(answer)
        if (!this.#closed) this.#user.ready()
        resolve()
      })
    })
    this.#worker = worker
  }

  #answered(answer: Answer): void {
    this.#unanswered -= 1
    if (this.#unanswered === 0 && !this.#closed) this.#worker?.unref()
    this.#user.answered(answer)
  }

  #died(cause: unknown): void {
    running.delete(this.#inHand)
    if (running.size === 0) process.off('exit', waitForThreads)
    this.#worker = undefined
    // An error that ends it while it is closed is none of the store's any more.
    if (this.#closed) return
    const why = cause === undefined ? 'it ended' : messageOf(cause)
    this.#warn(`is gone: ${why}`)
    this.#user.died(why)
  }

  #warn(what: string): void {
    process.emitWarning(
      `The ${this.#user.role} of '${this.#file}' ${what}. The store goes on without it, somewhat slower.`,
      { type: 'ReenactWarning', code: this.#user.code },
    )
  }
}

/** The module of this name beside this one. `undefined` in a bundle that left it out: its stores go on without a thread. */
export function entryBeside(name: string): URL | undefined {
  try {
    const entry = new URL(`./${name}.js`, import.meta.url)
    return existsSync(fileURLToPath(entry)) ? entry : undefined
  } catch {
    return undefined
  }
}

// What handlers began: nothing commits before it is done, and a failure of it that nobody awaits is not lost.

import { ReenactError } from '../runtime/core/errors.ts'

export class BegunWork {
  readonly #running = new Set<Promise<unknown>>()
  #failure: { readonly error: unknown } | undefined

  /** Answers the same work, whose failure need not be handled. */
  add<Result>(work: Promise<Result>): Promise<Result> {
    const guarded = work.catch((error: unknown) => this.failed(error))
    this.#running.add(guarded)
    const forget = () => this.#running.delete(guarded)
    guarded.then(forget, forget)
    return guarded
  }

  /** The transaction must not commit, and the process must not end. */
  failed(error: unknown): Promise<never> {
    this.#failure ??= { error }
    const rejected = Promise.reject(error)
    rejected.catch(() => {})
    return rejected
  }

  /** Resolves when all is done; fails with the first failure since the last time. */
  settle(): void | Promise<void> {
    if (this.#running.size > 0) return this.#settleLater()
    this.#throwFailure()
  }

  async #settleLater(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
    this.#throwFailure()
  }

  #throwFailure(): void {
    if (!this.#failure) return
    const { error } = this.#failure
    this.#failure = undefined
    throw error
  }
}

/** What a failed handler left running must not write into the next transaction. */
export const cameTooLate = (what: 'document' | 'statement'): ReenactError =>
  new ReenactError(
    'Closed',
    `A ${what} came after its handler had failed, so its transaction is undone. Await everything a handler begins.`,
    { what: 'view' },
  )

// Many at once, or one alone.

/** Work of a worker: what is suspected of killing the process runs while nothing else does. */
export class Isolation {
  #running = 0
  #alone = false
  readonly #waiting: (() => boolean)[] = []

  /** Runs beside others. */
  beside<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#run(work, false)
  }

  /** Runs while nothing else does. */
  alone<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#run(work, true)
  }

  async #run<Result>(work: () => Promise<Result>, alone: boolean): Promise<Result> {
    const waiting = this.enter(alone)
    if (waiting !== undefined) await waiting
    try {
      return await work()
    } finally {
      this.leave()
    }
  }

  /** Waits for a turn, `alone` or beside others; `undefined`: it has come. Whoever entered has to leave. */
  enter(alone: boolean): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#enters(alone)) return undefined
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        if (!this.#enters(alone)) return false
        resolve()
        return true
      })
    })
  }

  leave(): void {
    this.#running -= 1
    this.#alone = false
    // In order of coming, so that neither kind starves.
    while (this.#waiting[0]?.()) this.#waiting.shift()
  }

  #enters(alone: boolean): boolean {
    if (this.#alone || (alone && this.#running > 0)) return false
    this.#running += 1
    this.#alone = alone
    return true
  }
}

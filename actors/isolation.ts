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
    await this.#enter(alone)
    try {
      return await work()
    } finally {
      this.#running -= 1
      this.#alone = false
      // In order of coming, so that neither kind starves.
      while (this.#waiting[0]?.()) this.#waiting.shift()
    }
  }

  #enter(alone: boolean): Promise<void> | undefined {
    const tryEnter = (): boolean => {
      if (this.#alone || (alone && this.#running > 0)) return false
      this.#running += 1
      this.#alone = alone
      return true
    }
    if (this.#waiting.length === 0 && tryEnter()) return undefined
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        if (!tryEnter()) return false
        resolve()
        return true
      })
    })
  }
}

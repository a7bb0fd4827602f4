// Many appends at once, or one change of a stream's rules alone.

/** `shared` work runs side by side, `exclusive` work waits for it and then runs alone. */
export class Gate {
  #running = 0
  #waiting: (() => void)[] = []
  #exclusive: Promise<unknown> | undefined

  /** Runs at once unless something exclusive is waiting or running. */
  shared<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#exclusive === undefined) return this.#run(work)
    return this.#exclusive.then(() => this.shared(work))
  }

  /** Runs after everything that began before, while nothing else runs. */
  exclusive<Result>(work: () => Promise<Result>): Promise<Result> {
    const before = this.#exclusive ?? Promise.resolve()
    const done = before.then(() => this.#idle()).then(work)
    const settled = done.then(nothing, nothing)
    this.#exclusive = settled
    void settled.then(() => {
      if (this.#exclusive === settled) this.#exclusive = undefined
    })
    return done
  }

  async #run<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#running += 1
    try {
      return await work()
    } finally {
      this.#running -= 1
      if (this.#running === 0) for (const wake of this.#waiting.splice(0)) wake()
    }
  }

  #idle(): Promise<void> {
    if (this.#running === 0) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}

const nothing = (): void => {}

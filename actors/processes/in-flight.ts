// An attempt under way.

/** Whether it is still wanted, and when it is over. */
export class InFlight {
  #aborted = false
  /** Made when somebody wants to hear of it: a command never does. */
  #controller: AbortController | undefined
  #over: (() => void)[] | undefined = []

  get aborted(): boolean {
    return this.#aborted
  }

  /** Aborts with the attempt. */
  signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#aborted) this.#controller.abort()
    return this.#controller.signal
  }

  /** Nobody waits for it any more. */
  abort(): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#controller?.abort()
  }

  /** What came of it is known: there is nothing to abort. */
  answered(): void {
    this.#controller = undefined
  }

  /** It is over, and what came of it was told. */
  end(): void {
    const waiting = this.#over ?? []
    this.#over = undefined
    for (const resolve of waiting) resolve()
  }

  /** Resolves when it is over. */
  whenOver(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#over) this.#over.push(resolve)
      else resolve()
    })
  }
}

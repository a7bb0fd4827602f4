// A gate: closed while paused.

export class Pause {
  #open: (() => void) | undefined
  #whenOpen: Promise<void> | undefined

  begin(): void {
    this.#whenOpen ??= new Promise((resolve) => {
      this.#open = resolve
    })
  }

  end(): void {
    this.#open?.()
    this.#open = undefined
    this.#whenOpen = undefined
  }

  get isClosed(): boolean {
    return this.#whenOpen !== undefined
  }

  /** Resolves when it opens, or when `over`. Ask again afterwards, and go on without waiting for anything else. */
  async wait(over: AbortSignal): Promise<void> {
    if (over.aborted) return
    let giveUp = () => {}
    const given = new Promise<void>((resolve) => {
      giveUp = resolve
    })
    over.addEventListener('abort', giveUp, { once: true })
    await Promise.race([this.#whenOpen, given])
    over.removeEventListener('abort', giveUp)
  }
}

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

  /** Resolves when it is open; calls `onWait` first if it is not. */
  async over(onWait: () => void): Promise<void> {
    if (this.#whenOpen === undefined) return
    onWait()
    while (this.#whenOpen !== undefined) await this.#whenOpen
  }
}

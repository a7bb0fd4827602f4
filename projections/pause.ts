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

  /** What to wait for while it is closed. Ask again afterwards, and go on without waiting for anything else. */
  get closed(): Promise<void> | undefined {
    return this.#whenOpen
  }
}

// Wakes whoever waits for something new, without a gap between looking and waiting.

/**
 * A counter of changes. Remember `version`, look, and if nothing was found wait for a version other than the
 * remembered one: what happened in between is then never missed.
 */
export class ChangeSignal {
  #version = 0
  readonly #waiting = new Set<() => void>()
  readonly #onWaiting: ((waiting: boolean) => void) | undefined

  /** `onWaiting` hears when the first begins and the last ends to wait: a reader polls only then. */
  constructor(onWaiting?: (waiting: boolean) => void) {
    this.#onWaiting = onWaiting
  }

  get version(): number {
    return this.#version
  }

  /** Something changed. */
  notify(): void {
    this.#version += 1
    if (this.#waiting.size === 0) return
    const woken = [...this.#waiting]
    this.#waiting.clear()
    this.#onWaiting?.(false)
    for (const wake of woken) wake()
  }

  /** Calls back once when `version` is another than `seen`. The returned function gives up. */
  whenChanged(seen: number, wake: () => void): () => void {
    if (seen !== this.#version) {
      wake()
      return () => {}
    }
    this.#waiting.add(wake)
    if (this.#waiting.size === 1) this.#onWaiting?.(true)
    return () => {
      if (this.#waiting.delete(wake) && this.#waiting.size === 0) this.#onWaiting?.(false)
    }
  }
}

// The candidates this process works on: one at most for each projection.

import { twice } from './refusals.ts'
import type { Shadow } from './shadow.ts'

export class Shadows {
  readonly #shadows = new Map<string, Shadow>()
  /** Those that are being made. */
  readonly #beginning = new Set<string>()

  get(projection: string): Shadow | undefined {
    const shadow = this.#shadows.get(projection)
    return shadow?.isOver ? undefined : shadow
  }

  /** Throws `InvalidOption` while there is one. */
  async begin(projection: string, start: () => Promise<Shadow>): Promise<Shadow> {
    if (this.#beginning.has(projection) || this.get(projection)) {
      throw twice(`${projection} (a candidate of it)`)
    }
    this.#beginning.add(projection)
    try {
      const shadow = await start()
      this.#shadows.set(projection, shadow)
      return shadow
    } finally {
      this.#beginning.delete(projection)
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#shadows.values()].map((shadow) => shadow.stop()))
  }
}

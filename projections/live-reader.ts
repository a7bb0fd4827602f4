// Readers follow the live build: after a swap the next question goes to the new one.

import type { Clock } from '../runtime/core/clock.ts'
import { isReenactError, ReenactError } from '../runtime/core/errors.ts'
import { type Build, type Catalog, placeOf } from './catalog.ts'
import type { Connection, Engine, Session } from './engine.ts'
import { readPositions } from './ledger.ts'

/** How long a reader may not notice that another process swapped builds, ms. The old one is still there then. */
const lookMs = 250

interface Open {
  readonly build: Build
  readonly connection: Connection
}

export class LiveReader {
  readonly #projection: string
  readonly #engine: Engine
  readonly #catalog: Catalog
  readonly #clock: Clock
  #open: Open | undefined
  // Questions that began before the swap end on it.
  #previous: Connection | undefined
  #lookedAtMs = Number.NEGATIVE_INFINITY
  /** Swaps known of. A look that began before the last one may have seen the old build. */
  #swaps = 0
  #looking: Promise<Open> | undefined

  constructor(projection: string, engine: Engine, catalog: Catalog, clock: Clock) {
    this.#projection = projection
    this.#engine = engine
    this.#catalog = catalog
    this.#clock = clock
  }

  /** The live build's session. Throws `UnknownProjection` while there is none. */
  async session(): Promise<Session> {
    return (await this.#current()).connection
  }

  /** How far each partition of the live build is; `undefined` where nothing is left of it. */
  async positions(): Promise<readonly number[] | undefined> {
    try {
      return await readPositions(await this.session())
    } catch (error) {
      if (isReenactError(error, 'StoreUnreadable')) return undefined
      throw error
    }
  }

  /** A swap is known to have happened. */
  refresh(): void {
    this.#swaps += 1
    this.#lookedAtMs = Number.NEGATIVE_INFINITY
  }

  async close(): Promise<void> {
    await this.#previous?.close()
    await this.#open?.connection.close()
    this.#open = undefined
    this.#previous = undefined
    this.refresh()
  }

  async #current(): Promise<Open> {
    if (this.#open && this.#clock.monotonic() - this.#lookedAtMs < lookMs) return this.#open
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #look(): Promise<Open> {
    for (;;) {
      const swaps = this.#swaps
      const nowMs = this.#clock.monotonic()
      const build = await this.#catalog.live(this.#projection)
      if (!build) throw unknownProjection(this.#projection)
      if (build.id !== this.#open?.build.id) {
        const connection = await this.#engine.openReader(placeOf(build))
        await this.#previous?.close()
        this.#previous = this.#open?.connection
        this.#open = { build, connection }
      }
      this.#lookedAtMs = nowMs
      if (swaps === this.#swaps) return this.#open as Open
    }
  }
}

/** The error for a name nothing is known of. */
export const unknownProjection = (projection: string): ReenactError =>
  new ReenactError(
    'UnknownProjection',
    `There is no read model '${projection}' yet. Run it: await runtime.project([…]).`,
    { projection },
  )

// A candidate: another build beside the live one, made live when it has proved itself.

import { sleep } from '../runtime/core/clock.ts'
import { type Build, placeOf } from './catalog.ts'
import { logEnd } from './check-log.ts'
import { areAlike, compareAtLive } from './compare-at-live.ts'
import type { RowDifference } from './compare-builds.ts'
import type { Engine } from './engine.ts'
import { readPositions } from './ledger.ts'
import type { LiveReader } from './live-reader.ts'
import { filterOf } from './projected-event.ts'
import { hasReached } from './reached.ts'
import { type StandingStill, standStill } from './standing-still.ts'
import type { WorkerDeps } from './worker-deps.ts'
import { WorkerGroup } from './worker-group.ts'

/** How far a build is. */
export interface BuildProgress {
  /** Name of the projection. */
  readonly projection: string
  /** Every event up to here is in it. */
  readonly position: number
  /** Where it is to arrive: the live build's position when it began. */
  readonly end: number
  /** Positions passed a second, on average since the wait began. */
  readonly eventsPerSecond: number
  /** Time left at this rate, ms; `undefined` as long as that cannot be said. */
  readonly leftMs: number | undefined
}

/** Options of waiting for a candidate. */
export interface CatchUpOptions {
  /** Called a few times a second. */
  readonly onProgress?: (progress: BuildProgress) => void
  /** Aborting leaves the live read model as it is; a later rebuild goes on from there. */
  readonly signal?: AbortSignal
}

/** What a candidate needs. */
export interface ShadowDeps extends Omit<WorkerDeps, 'part' | 'target' | 'bound' | 'isHeld'> {
  /** The live build's workers in this process. */
  readonly live: () => WorkerGroup | undefined
  /** Reads the live build, whichever process writes it. */
  readonly liveReader: LiveReader
  /** The candidate is live now. Resolves when whoever worked on the former one works on it. */
  readonly onSwap: () => Promise<void>
}

const lookMs = 20

/** A candidate that follows the log beside the live build, and never overtakes it. Make it with `runtime.projections.shadow`. */
export class Shadow {
  /** Where it lies. */
  readonly build: Build
  readonly #deps: ShadowDeps
  #workers: WorkerGroup
  /** While the live build stands still for this candidate. */
  #still: Promise<StandingStill> | undefined
  #stopped = false

  /** @internal */
  constructor(deps: ShadowDeps, build: Build) {
    this.#deps = deps
    this.build = build
    this.#workers = this.#run()
  }

  /** It is live, dropped or let go of. */
  get isOver(): boolean {
    return this.#stopped
  }

  /**
   * Resolves when it is as far as the live build; throws what stopped it.
   *
   * @example
   * ```ts
   * await shadow.caughtUp({
   *   onProgress: ({ position, end }) => console.log(`${position} of ${end}`),
   * })
   * ```
   */
  async caughtUp({ onProgress, signal }: CatchUpOptions = {}): Promise<void> {
    const { ports, projection, store } = this.#deps
    const end = Math.min(...((await this.#deps.liveReader.positions()) ?? []), await logEnd(store))
    const startedMs = ports.clock.monotonic()
    const first = await this.position()
    for (;;) {
      const isLive = this.#isLive()
      const position = await this.position()
      const ms = ports.clock.monotonic() - startedMs
      const perMs = ms > 0 ? (position - first) / ms : 0
      const leftMs = perMs > 0 ? Math.max(0, end - position) / perMs : undefined
      const eventsPerSecond = perMs * 1_000
      onProgress?.({
        projection: projection.name,
        position: Math.min(position, end),
        end,
        eventsPerSecond,
        leftMs,
      })
      if (isLive) return
      signal?.throwIfAborted()
      await sleep(ports.timers, lookMs)
    }
  }

  /**
   * Every event up to here is in it.
   *
   * @example
   * ```ts
   * console.log(`build ${shadow.build.id} is at ${await shadow.position()}`)
   * ```
   */
  async position(): Promise<number> {
    return Math.min(...(await positionsOf(this.#deps.engine, this.build)))
  }

  /**
   * The first rows that differ from the live build, both at the same position; the live one waits meanwhile, in whichever
   * process it is written.
   *
   * @param max - how many at most. Default 100
   * @throws `StoreLocked` when a worker in another process does not stand still within 30 s
   * @example
   * ```ts
   * for (const { key, live, candidate } of await shadow.diff(20)) console.log(key, live, candidate)
   * ```
   */
  async diff(max = 100): Promise<readonly RowDifference[]> {
    try {
      const live = await this.#level()
      return live ? await compareAtLive(this.#deps, live, this.build, max) : []
    } finally {
      await this.#goOn()
    }
  }

  /**
   * Makes it the live one at once. What acts on the world goes on behind the last event the former live build
   * handled. The former one is kept until `runtime.projections.drop`.
   *
   * @param verify - asked with the differences before the swap; false keeps the live one
   * @returns whether it is live now
   * @throws what stopped it, `StoreLocked` as `diff`; the live one is as before
   * @example
   * ```ts
   * const promoted = await shadow.promote((differences) => differences.length === 0)
   * if (!promoted) await shadow.drop()
   * ```
   */
  async promote(
    verify?: (differences: readonly RowDifference[]) => boolean | Promise<boolean>,
  ): Promise<boolean> {
    try {
      const live = await this.#level()
      const found = verify && live && (await compareAtLive(this.#deps, live, this.build, 100))
      if (verify && found && !(await verify(found))) {
        await this.#goOn()
        return false
      }
      await this.#deps.catalog.promote(this.build)
    } catch (error) {
      await this.#goOn()
      throw error
    }
    // The former live workers here stand still until they end, those elsewhere find another build live: nothing is
    // done twice.
    this.#stopped = true
    await (await this.#still)?.giveBack()
    await this.#deps.onSwap()
    return true
  }

  /**
   * Lets go of it. It goes on from where it is when it is asked for again.
   *
   * @example
   * ```ts
   * await shadow.stop() // and later: await runtime.projections.shadow(Balances)
   * ```
   */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#workers.stop()
  }

  /**
   * Lets go of it and removes what was built.
   *
   * @example
   * ```ts
   * if ((await shadow.diff()).length > 0) await shadow.drop()
   * ```
   */
  async drop(): Promise<void> {
    await this.stop()
    await this.#deps.catalog.drop(this.build)
  }

  /**
   * Brings the candidate to where the live build stands still, or to where the last of its partitions does if it has others.
   * It never was further: so what the live build did to the world ends there, and what the candidate does begins there.
   */
  async #level(): Promise<Build | undefined> {
    const { catalog, ports, projection } = this.#deps
    const live = await catalog.live(projection.name)
    const isOther = live !== undefined && live.id !== this.build.id
    if (isOther) this.#still ??= standStill({ ...this.#deps, workers: this.#deps.live() }, live)
    await this.#still
    while (!(await this.#isLevel())) {
      this.#isLive()
      await sleep(ports.timers, lookMs)
    }
    await this.#workers.stop()
    const ends = (await this.#deps.liveReader.positions()) ?? []
    const former = areAlike(ends, projection.partitions) ? (live?.former ?? []) : ends
    await catalog.setLiveFrom(this.build, await this.position(), former)
    return isOther ? live : undefined
  }

  /** Each partition is as far as it may go. */
  async #isLevel(): Promise<boolean> {
    const { engine, projection, store, upcasters } = this.#deps
    const filter = filterOf(projection, upcasters)
    const end = await logEnd(store)
    const positions = await positionsOf(engine, this.build)
    for (const [part, position] of positions.entries()) {
      const wanted = Math.min(await this.#bound(part), end)
      if (!(await hasReached(store, filter, position, wanted))) return false
    }
    return true
  }

  /** How far a partition may go: as far as the same one of the live build, or as all of that where they differ. */
  async #bound(part: number): Promise<number> {
    const live = await this.#deps.liveReader.positions()
    if (!live) return Number.POSITIVE_INFINITY
    const same = live.length === this.#deps.projection.partitions ? live[part] : undefined
    return same ?? Math.min(...live)
  }

  /** Both go on as they were. */
  async #goOn(): Promise<void> {
    await this.#workers.stop()
    if (!this.#stopped) this.#workers = this.#run()
    const still = this.#still
    this.#still = undefined
    await (await still)?.end()
  }

  #run(): WorkerGroup {
    const { catalog, projection } = this.#deps
    const workers = new WorkerGroup(
      {
        ...this.#deps,
        bound: (part) => this.#bound(part),
        target: async () => (await catalog.get(projection.name, this.build.id)) ?? this.build,
      },
      Array.from({ length: projection.partitions }, (_, part) => part),
    )
    workers.start()
    return workers
  }

  /** Throws what stopped it. */
  #isLive(): boolean {
    const { state, error } = this.#workers
    if (state === 'stopped' && error) throw error.error
    return state === 'live'
  }
}

/** Where a build stands, read beside its worker, whichever process that is in. */
async function positionsOf(engine: Engine, build: Build): Promise<readonly number[]> {
  const reader = await engine.openReader(placeOf(build))
  try {
    return await readPositions(reader)
  } finally {
    await reader.close()
  }
}

/** Begins a candidate, or goes on with one that was begun. */
export const startShadow = async (deps: ShadowDeps): Promise<Shadow> =>
  new Shadow(deps, await deps.catalog.candidate(deps.projection))

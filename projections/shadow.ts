// A candidate: another build beside the live one, made live when it has proved itself.

import { type Ports, sleep } from '../runtime/core/clock.ts'
import { type Build, placeOf } from './catalog.ts'
import { logEnd } from './check-log.ts'
import { compareBuilds, type RowDifference } from './compare-builds.ts'
import type { Engine } from './engine.ts'
import { readPosition } from './ledger.ts'
import type { WorkerDeps } from './worker.ts'
import { WorkerGroup } from './worker-group.ts'

/** How far a build is. */
export interface BuildProgress {
  readonly projection: string
  readonly position: number
  /** The log's end when it began. */
  readonly end: number
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
export interface ShadowDeps extends Omit<WorkerDeps, 'part' | 'target' | 'until'> {
  /** The live build's workers in this process. */
  readonly live: () => WorkerGroup | undefined
  /** The candidate is live now. */
  readonly onSwap: () => void
}

const lookMs = 20
/** A live worker that does not move is not waited for. */
const patienceMs = 5_000

/** A candidate that follows the log beside the live build. Make it with `runtime.projections.shadow`. */
export class Shadow {
  /** Where it lies. */
  readonly build: Build
  readonly #deps: ShadowDeps
  #workers: WorkerGroup

  /** @internal */
  constructor(deps: ShadowDeps, build: Build) {
    this.#deps = deps
    this.build = build
    this.#workers = this.#run()
  }

  /** Resolves when it has handled everything there is; throws what stopped it. */
  async caughtUp({ onProgress, signal }: CatchUpOptions = {}): Promise<void> {
    const { ports, projection, store } = this.#deps
    const end = await logEnd(store)
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

  /** Every event up to here is in it. */
  position(): Promise<number> {
    return positionOf(this.#deps.engine, this.build)
  }

  /**
   * The first rows that differ from the live build, both at the same position; the live one waits meanwhile.
   *
   * @param max - how many at most. Default 100
   */
  async diff(max = 100): Promise<readonly RowDifference[]> {
    const live = await this.#level()
    try {
      return live ? await this.#compare(live, max) : []
    } finally {
      await this.#restart()
      this.#deps.live()?.resume()
    }
  }

  /**
   * Makes it the live one at once. What acts on the world goes on behind the last event the former live build
   * handled. The former one is kept until `runtime.projections.drop`.
   *
   * @param verify - asked with the differences before the swap; false keeps the live one
   */
  async promote(
    verify?: (differences: readonly RowDifference[]) => boolean | Promise<boolean>,
  ): Promise<boolean> {
    const live = await this.#level()
    try {
      if (verify && live && !(await verify(await this.#compare(live, 100)))) {
        await this.#restart()
        return false
      }
    } catch (error) {
      await this.#restart()
      throw error
    } finally {
      // Beside a swapped build the former live workers end by themselves.
      this.#deps.live()?.resume()
    }
    await this.#workers.stop()
    await this.#deps.catalog.promote(this.build)
    this.#deps.onSwap()
    return true
  }

  /** Lets go of it. It goes on from where it is when it is asked for again. */
  async stop(): Promise<void> {
    await this.#workers.stop()
  }

  /** Removes it. */
  async drop(): Promise<void> {
    await this.#workers.stop()
    await this.#deps.catalog.drop(this.build)
  }

  /** Brings the candidate to exactly where the live build stands still. */
  async #level(): Promise<Build | undefined> {
    const { catalog, engine, ports, projection } = this.#deps
    await this.#workers.stop()
    const live = await catalog.live(projection.name)
    if (!live || live.id === this.build.id) return undefined
    const own = await this.position()
    await untilAtLeast(engine, live, own, ports)
    await this.#deps.live()?.pause()
    const position = await positionOf(engine, live)
    // The live build handled everything up to here, and what that did to the world was done then.
    await catalog.setLiveFrom(this.build, position)
    if (position <= own) return live
    this.#workers = this.#run(position)
    while ((await this.position()) < position) {
      this.#isLive()
      await sleep(ports.timers, lookMs)
    }
    await this.#workers.stop()
    return live
  }

  async #compare(live: Build, max: number): Promise<readonly RowDifference[]> {
    const { engine, projection } = this.#deps
    const readers = [
      await engine.openReader(placeOf(live)),
      await engine.openReader(placeOf(this.build)),
    ] as const
    try {
      return await compareBuilds(projection, readers[0], readers[1], max)
    } finally {
      for (const reader of readers) await reader.close()
    }
  }

  async #restart(): Promise<void> {
    await this.#workers.stop()
    this.#workers = this.#run()
  }

  #run(until?: number): WorkerGroup {
    const { catalog, projection } = this.#deps
    const workers = new WorkerGroup(
      {
        ...this.#deps,
        ...(until === undefined ? {} : { until }),
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

async function untilAtLeast(
  engine: Engine,
  build: Build,
  position: number,
  { clock, timers }: Ports,
): Promise<void> {
  const untilMs = clock.monotonic() + patienceMs
  while ((await positionOf(engine, build)) < position && clock.monotonic() < untilMs) {
    await sleep(timers, lookMs)
  }
}

/** Where a build stands, read beside its worker, whichever process that is in. */
async function positionOf(engine: Engine, build: Build): Promise<number> {
  const reader = await engine.openReader(placeOf(build))
  try {
    return await readPosition(reader)
  } finally {
    await reader.close()
  }
}

/** Begins a candidate, or goes on with one that was begun. */
export const startShadow = async (deps: ShadowDeps): Promise<Shadow> =>
  new Shadow(deps, await deps.catalog.candidate(deps.projection))

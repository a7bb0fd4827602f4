// All projections of a runtime: their workers, their views, and what an operator does with them.

import { Subject } from 'rxjs'
import { type Build, Catalog } from './catalog.ts'
import type { Engine } from './engine.ts'
import { deadLetters, type ParkedEvent } from './ledger.ts'
import { LiveReader, unknownProjection } from './live-reader.ts'
import type { ProjectOptions, RebuildOptions } from './project-options.ts'
import type { AnyProjection, Projection } from './projection.ts'
import { changed, checkProjection, closed, isMadeBy, isNewer, notHere, twice } from './refusals.ts'
import { type Shadow, startShadow } from './shadow.ts'
import { Shadows } from './shadows.ts'
import { standStill } from './standing-still.ts'
import { type ProjectionStatus, projectionStatus } from './status.ts'
import { type ViewChange, type ViewHandle, viewHandle } from './view-handle.ts'
import type { ProjectionsDeps, WorkerDeps } from './worker-deps.ts'
import { WorkerGroup } from './worker-group.ts'
import { readWorkerOptions } from './worker-options.ts'

type WriteToView = (change: (view: never) => void | Promise<void>) => Promise<void>
interface Running {
  readonly options: ProjectOptions
  readonly workers: WorkerGroup
}

/** Projections of a runtime: `runtime.projections`. */
export class Projections {
  readonly #deps: ProjectionsDeps
  readonly #running = new Map<string, Running>()
  readonly #commits = new Map<string, Subject<ViewChange>>()
  readonly #readers = new Map<string, LiveReader>()
  readonly #shadows = new Shadows()
  /** Rebuilds that nobody waits for. */
  readonly #background = new Set<Promise<unknown>>()
  readonly #closing = new AbortController()
  #opened: Promise<{ readonly engine: Engine; readonly catalog: Catalog }> | undefined

  /** @internal */
  constructor(deps: ProjectionsDeps) {
    this.#deps = deps
  }

  /** @internal Runs projections in this process. Resolves when their workers have begun. */
  async project(projections: readonly AnyProjection[], options: ProjectOptions): Promise<void> {
    readWorkerOptions(options)
    const { catalog } = await this.#open()
    for (const projection of projections) {
      checkProjection(projection, this.#deps.upcasters, options.partitions)
      if (this.#running.has(projection.name)) throw twice(projection.name)
      const build = await catalog.liveOrFirst(projection)
      const workers = await this.#newWorkers(projection, options)
      this.#running.set(projection.name, { options, workers })
      if (options.changed === 'rebuild' && isNewer(projection, build)) {
        // Its failure is told by the status; the live one goes on.
        const rebuilt = this.rebuild(projection, { signal: this.#closing.signal })
        this.#background.add(rebuilt.catch((error: unknown) => workers.failed(error)))
      }
      workers.start()
    }
  }

  /** @internal What users read a projection with. */
  view<Read extends object>(projection: Projection<unknown, Read>): Read & ViewHandle<Read> {
    return viewHandle(projection, {
      store: this.#deps.store,
      ports: this.#deps.ports,
      upcasters: this.#deps.upcasters,
      engine: async () => (await this.#open()).engine,
      reader: () => this.#reader(projection.name),
      commits: this.#commitsOf(projection.name),
    })
  }

  /** How each projection that runs here is doing. `Closed` after the runtime is. */
  async status(): Promise<readonly ProjectionStatus[]> {
    return Promise.all([...this.#running.values()].map((running) => this.#statusOf(running)))
  }

  /** Resolves when the batch in hand is committed; nothing more until `resume`. `UnknownProjection` where not run. */
  async pause(projection: AnyProjection): Promise<void> {
    await this.#runningOf(projection).workers.pause()
  }

  /** Goes on after a pause, or after an error stopped it. `UnknownProjection` where it does not run here. */
  resume(projection: AnyProjection): void {
    this.#runningOf(projection).workers.resume()
  }

  /**
   * Builds the read model anew beside the live one, and swaps when it has caught up. Readers notice nothing but
   * the swap. One that was cut off is gone on with.
   *
   * @returns whether the new one is live: false when `verify` kept the old one
   * @throws what stopped the build, or `StoreLocked` for a live worker elsewhere that does not answer; the live one is as before
   * @example await runtime.projections.rebuild(Balances, { verify: (differences) => differences.length === 0 })
   */
  async rebuild(projection: AnyProjection, options: RebuildOptions = {}): Promise<boolean> {
    const shadow = await this.shadow(projection)
    try {
      await shadow.caughtUp(options)
      const swapped = await shadow.promote(options.verify)
      if (!swapped) await shadow.drop()
      return swapped
    } finally {
      await shadow.stop()
    }
  }

  /**
   * Builds a candidate of the same name that follows the log beside the live one, to be compared and made live.
   *
   * @throws `UnknownActor` when it reads an aggregate that is not among `actors`
   * @example const shadow = await runtime.projections.shadow(Balances)
   */
  async shadow(projection: AnyProjection): Promise<Shadow> {
    checkProjection(projection, this.#deps.upcasters)
    const { name } = projection
    return this.#shadows.begin(name, async () => {
      const { options = {} } = this.#running.get(name) ?? {}
      return startShadow({
        ...(await this.#workerDeps(projection, options)),
        liveReader: await this.#reader(name),
        live: () => this.#running.get(name)?.workers,
        onSwap: () => this.#swapped(projection),
        onCommit: () => {},
      })
    })
  }

  /** Takes the live read model as made by these handlers: a change of text that changes no result, nor the partitions. */
  async adopt(projection: AnyProjection): Promise<void> {
    const { catalog } = await this.#open()
    await catalog.adopt(projection, await (await this.#reader(projection.name)).positions())
    this.#running.get(projection.name)?.workers.resume()
  }

  /** All builds of a read model, the oldest first: the live one, what is being made, what is kept. */
  async builds({ name }: AnyProjection): Promise<readonly Build[]> {
    return (await this.#open()).catalog.builds(name)
  }

  /** Removes builds that are not live, and candidates nobody works on here. Answers how many. */
  async drop(projection: AnyProjection): Promise<number> {
    const { catalog } = await this.#open()
    return catalog.dropDead(projection.name, this.#shadows.get(projection.name)?.build.id)
  }

  /** Events put aside because their handler failed, in log order. `UnknownProjection` while nothing was built. */
  async deadLetters(projection: AnyProjection): Promise<readonly ParkedEvent[]> {
    return deadLetters(await (await this.#reader(projection.name)).session())
  }

  /**
   * Handles events that were put aside: one, or all in their order. Later events were handled before them, so the
   * handlers must bear that.
   *
   * @returns how many were handled
   * @throws `ProjectionFailed` for the first that fails again; it stays aside
   * @example const handled = await runtime.projections.redrive(Balances)
   */
  async redrive(projection: AnyProjection, position?: number): Promise<number> {
    const { workers } = this.#runningOf(projection)
    const letters = await this.deadLetters(projection)
    const wanted = letters.filter((one) => position === undefined || one.position === position)
    for (const letter of wanted) {
      if (!(await workers.redrive(letter.position))) throw notHere(projection.name)
    }
    return wanted.length
  }

  /** @internal Runs `body` while the projection stands still. `write` writes to the view, past the log. */
  async standingStill<Result>(
    projection: AnyProjection,
    body: (write: WriteToView) => Promise<Result>,
  ): Promise<Result> {
    const { workers, options } = this.#runningOf(projection)
    const liveReader = await this.#reader(projection.name)
    const deps = { ...(await this.#workerDeps(projection, options)), liveReader, workers }
    const still = await standStill(deps, await deps.catalog.liveOrFirst(projection))
    try {
      return await body(async (change) => {
        if (!(await workers.write(change))) throw notHere(projection.name)
      })
    } finally {
      await still.end()
    }
  }

  /** @internal Finishes the batches in hand and lets go of everything. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#shadows.stop()
    await Promise.all(this.#background)
    await Promise.all([...this.#running.values()].map(({ workers }) => workers.stop()))
    for (const commits of this.#commits.values()) commits.complete()
    for (const reader of this.#readers.values()) await reader.close()
    const opened = await this.#opened?.catch(() => undefined)
    await opened?.engine.close()
  }

  async #statusOf({ workers }: Running): Promise<ProjectionStatus> {
    const { projection } = workers
    const { store, upcasters, ports } = this.#deps
    const { catalog } = await this.#open()
    return projectionStatus(projection, {
      store,
      upcasters,
      now: ports.clock.now(),
      workers,
      live: await catalog.live(projection.name),
      candidate: this.#shadows.get(projection.name),
      session: async () => (await this.#reader(projection.name)).session(),
    })
  }

  async #newWorkers(projection: AnyProjection, options: ProjectOptions): Promise<WorkerGroup> {
    const deps = await this.#workerDeps(projection, options)
    const { partitions = Array.from({ length: projection.partitions }, (_, part) => part) } =
      options
    const target = async (): Promise<Build> => {
      const build = await deps.catalog.liveOrFirst(projection)
      if (isMadeBy(build, projection)) return build
      throw changed(projection, build)
    }
    return new WorkerGroup({ ...deps, target }, partitions)
  }

  async #workerDeps(
    projection: AnyProjection,
    options: ProjectOptions,
  ): Promise<Omit<WorkerDeps, 'part' | 'target' | 'isHeld'>> {
    const { engine, catalog } = await this.#open()
    const { store, ports, upcasters } = this.#deps
    return {
      projection,
      store,
      ports,
      upcasters,
      engine,
      catalog,
      options: readWorkerOptions(options),
      onCommit: (_build, { checkpoint, keys }) => {
        this.#commitsOf(projection.name).next({ position: checkpoint.position, keys })
      },
    }
  }

  /** The new build is live: whoever worked on the old one here works on this one, or stands still as before. */
  async #swapped(projection: AnyProjection): Promise<void> {
    this.#readers.get(projection.name)?.refresh()
    const running = this.#running.get(projection.name)
    if (!running) return
    // A share of the former partitions says nothing about others.
    const isShared = running.workers.projection.partitions === projection.partitions
    const options = isShared ? running.options : { ...running.options, partitions: undefined }
    await running.workers.stop()
    if (this.#closing.signal.aborted) return
    const workers = await this.#newWorkers(projection, options)
    if (this.#closing.signal.aborted) return
    // Nothing is awaited from here on: a pause meets the old ones or the new ones.
    this.#running.set(projection.name, { options, workers })
    if (running.workers.isPaused) void workers.pause()
    workers.start()
  }

  async #reader(name: string): Promise<LiveReader> {
    const { engine, catalog } = await this.#open()
    const reader =
      this.#readers.get(name) ?? new LiveReader(name, engine, catalog, this.#deps.ports.clock)
    this.#readers.set(name, reader)
    return reader
  }

  #commitsOf(name: string): Subject<ViewChange> {
    const commits = this.#commits.get(name) ?? new Subject<ViewChange>()
    this.#commits.set(name, commits)
    return commits
  }

  #open(): Promise<{ readonly engine: Engine; readonly catalog: Catalog }> {
    if (this.#closing.signal.aborted) return Promise.reject(closed())
    this.#opened ??= this.#deps.openEngine().then(async (engine) => ({
      engine,
      catalog: await Catalog.open(engine, this.#deps.ports.clock),
    }))
    return this.#opened
  }

  #runningOf({ name }: AnyProjection): Running {
    const running = this.#running.get(name)
    if (!running) throw unknownProjection(name)
    return running
  }
}

// The workers of one projection in this process: one for each partition.

import type { Build } from './catalog.ts'
import type { AnyProjection } from './projection.ts'
import { Worker } from './worker.ts'
import type { WorkerDeps } from './worker-deps.ts'
import type { WorkerError, WorkerState } from './worker-options.ts'

/** The least advanced state speaks for all. */
const order: readonly WorkerState[] = [
  'stopped',
  'retrying',
  'paused',
  'waiting',
  'catching-up',
  'live',
]

export class WorkerGroup {
  readonly projection: AnyProjection
  readonly #workers: readonly Worker[]
  /** An operator wants them to stand still. */
  #paused = false
  /** Comparisons and repairs that want them to stand still. */
  #holds = 0

  constructor(deps: Omit<WorkerDeps, 'part' | 'isHeld'>, parts: readonly number[]) {
    this.projection = deps.projection
    const isHeld = () => this.#holds > 0
    this.#workers = parts.map((part) => new Worker({ ...deps, part, isHeld }))
  }

  get state(): WorkerState {
    const states = new Set(this.#workers.map(({ state }) => state))
    return order.find((state) => states.has(state)) ?? 'stopped'
  }

  /** The last thing that went wrong in any of them. */
  get error(): WorkerError | undefined {
    const errors = this.#workers.flatMap(({ error }) => (error ? [error] : []))
    return errors.sort((a, b) => b.at - a.at)[0]
  }

  get perSecond(): number {
    return this.#workers.reduce((sum, { rate }) => sum + rate.perSecond, 0)
  }

  /** The build they write, where any has its turn. */
  get build(): Build | undefined {
    return this.#workers.find(({ progress }) => progress)?.progress?.build
  }

  /** Something they wait for failed. */
  failed(error: unknown): void {
    this.#workers[0]?.failed(error)
  }

  start(): void {
    for (const worker of this.#workers) worker.start()
  }

  get isPaused(): boolean {
    return this.#paused
  }

  /** Resolves when the batches in hand are committed. */
  async pause(): Promise<void> {
    this.#paused = true
    await this.#standStill()
  }

  /** Goes on after a pause, and begins again what an error stopped. */
  resume(): void {
    this.#paused = false
    this.#goOn()
    this.start()
  }

  /** A worker here has this partition's turn; while held it keeps it. */
  keeps(build: Build, part: number): boolean {
    return this.#workers.some((worker) => worker.part === part && worker.keeps(build))
  }

  /** A worker here has begun, or waits for another one's end. */
  waits(part: number): boolean {
    return this.#workers.some((worker) => worker.part === part && worker.state === 'waiting')
  }

  /** They stand still until what it answers is called, whoever resumes meanwhile. */
  async hold(): Promise<() => void> {
    this.#holds += 1
    await this.#standStill()
    return () => {
      this.#holds -= 1
      this.#goOn()
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop()))
  }

  async #standStill(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.pause()))
  }

  #goOn(): void {
    if (this.#paused || this.#holds > 0) return
    for (const worker of this.#workers) worker.resume()
  }

  /** Writes to the view outside the log's course; answers false where no worker here has its turn. */
  async write(body: (view: never) => void | Promise<void>): Promise<boolean> {
    for (const worker of this.#workers) if (await worker.write(body)) return true
    return false
  }

  /** Answers false where no worker here has its turn. */
  async redrive(position: number): Promise<boolean> {
    for (const worker of this.#workers) if (await worker.redrive(position)) return true
    return false
  }
}

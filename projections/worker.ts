// One worker of one projection: waits for its turn, catches up, then follows the log.

import { isReenactError, messageOf } from '../runtime/core/errors.ts'
import { exponential, fullJitter, type RetryPolicy } from '../runtime/core/retry-policy.ts'
import type { LogFilter, RecordedEvent, Subscription } from '../runtime/ports/event-store.ts'
import { type Build, placeOf } from './catalog.ts'
import { checkAgainstLog } from './check-log.ts'
import type { Connection } from './engine.ts'
import { readCheckpoint } from './ledger.ts'
import { Pause } from './pause.ts'
import { filterOf } from './projected-event.ts'
import { Rate } from './rate.ts'
import { Turn } from './turn.ts'
import { Superseded, watchTurn, Yielded } from './turn-watch.ts'
import { Interrupted, uninterrupted } from './uninterrupted.ts'
import type { WorkerDeps } from './worker-deps.ts'
import type { WorkerError, WorkerState } from './worker-options.ts'

const retries: RetryPolicy = exponential({
  delayMsMin: 100,
  delayMsMax: 30_000,
  attemptsMax: Number.POSITIVE_INFINITY,
})
/** How long a worker leaves its turn to who asked for it, ms. Longer than it takes to find it free. */
const yieldMs = 2_000
/** How often a candidate looks whether the live build went on, ms. */
const boundMs = 20

export class Worker {
  readonly rate: Rate
  readonly part: number
  readonly #deps: WorkerDeps
  readonly #filter: LogFilter
  readonly #pause = new Pause()
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #state: WorkerState = 'stopped'
  /** Before it was paused. */
  #before: WorkerState = 'catching-up'
  #error: WorkerError | undefined
  #turn: Turn | undefined
  #subscription: Subscription | undefined
  /** Ends the turn; its reason says why. */
  #turnOver = new AbortController()

  constructor(deps: WorkerDeps) {
    this.#deps = deps
    this.part = deps.part
    this.#filter = filterOf(deps.projection, deps.upcasters)
    this.rate = new Rate(deps.ports.clock)
  }

  get state(): WorkerState {
    return this.#state
  }

  /** What went wrong last, also where it works again. */
  get error(): WorkerError | undefined {
    return this.#error
  }

  /** The build it writes and how far that is, while it has the turn. */
  get progress(): { readonly build: Build; readonly position: number } | undefined {
    return this.#turn && { build: this.#turn.build, position: this.#turn.position }
  }

  /** It has this build's turn, and does not give it up while it is held. */
  keeps({ id }: Build): boolean {
    return this.#turn?.build.id === id && !this.#turnOver.signal.aborted
  }

  /** Begins, or begins again after an error stopped it. */
  start(): void {
    if (this.#stopping.signal.aborted) return
    if (!this.#running) this.#become('waiting')
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** Resolves when the batch in hand is committed. */
  async pause(): Promise<void> {
    this.#pause.begin()
    await this.#turn?.idle()
    if (this.#turn && this.#pause.isClosed) this.#become('paused')
  }

  resume(): void {
    this.#pause.end()
    if (this.#state === 'paused') this.#become(this.#before)
  }

  /** Finishes the batch in hand and gives up the turn. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#turnOver.abort()
    this.#pause.end()
    await this.#running
    this.#become('stopped')
  }

  /** Handles an event that was put aside; answers false where it has not its turn. */
  async redrive(position: number): Promise<boolean> {
    await this.#turn?.redrive(this.#deps.store, position)
    return this.#turn !== undefined
  }

  /** Writes to the view outside the log's course; answers false where it has not its turn. */
  async write(body: (view: never) => void | Promise<void>): Promise<boolean> {
    await this.#turn?.write(body)
    return this.#turn !== undefined
  }

  async #run(): Promise<void> {
    let failures = 0
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#takeTurn(() => {
          failures = 0
        })
        return
      } catch (error) {
        if (this.#stopping.signal.aborted) break
        if (error instanceof Superseded) continue
        if (error instanceof Yielded) {
          this.#become('waiting')
          await this.#wait(yieldMs)
          continue
        }
        this.failed(error)
        if (!this.#mayPass(error)) {
          this.#become('stopped')
          return
        }
        failures += 1
        this.#become('retrying')
        await this.#wait(fullJitter(this.#deps.ports.random, retries.delayMs(failures) ?? 0) + 1)
      }
    }
  }

  async #takeTurn(works: () => void): Promise<void> {
    const deps = this.#deps
    const won = await this.#waitForTurn(await deps.target())
    if (!won) return
    const turnOver = new AbortController()
    turnOver.signal.addEventListener('abort', () => this.#subscription?.close())
    this.#turnOver = turnOver
    try {
      const turn = await this.#open(won.build, won.connection)
      this.#turn = turn
      void watchTurn(deps, turn.build, turnOver, (delayMs) => this.#wait(delayMs, turnOver.signal))
      await this.#follow(turn, works)
      turnOver.signal.throwIfAborted()
    } finally {
      turnOver.abort()
      await this.#turn?.idle()
      this.#turn = undefined
      await won.connection.close()
    }
  }

  async #open(build: Build, connection: Connection): Promise<Turn> {
    const { store, projection, part, upcasters, ports, options, onCommit } = this.#deps
    const checkpoint = await readCheckpoint(connection, part)
    await checkAgainstLog(store, projection.name, checkpoint)
    return new Turn(
      {
        build,
        connection,
        projection,
        upcasters,
        clock: ports.clock,
        part,
        ...options,
        writer: projection.view.write(connection, { exclusive: projection.partitions === 1 }),
        isTransient: (error) => this.#isTransient(error),
        backOff: (attempt) => this.#wait(retries.delayMs(attempt) ?? 0),
        isStopping: () => this.#isOver,
        onCommit: (committed) => {
          this.rate.add(committed.handled)
          onCommit(build, committed)
        },
        onFailure: (error) => this.failed(error),
      },
      checkpoint,
    )
  }

  async #waitForTurn(wanted: Build): Promise<Won | undefined> {
    const { engine, part, options, catalog } = this.#deps
    while (!this.#stopping.signal.aborted) {
      const connection = await engine.openWriter(placeOf(wanted), part)
      try {
        // Whoever made another build live had the turn of this one then.
        const build = await catalog.get(wanted.projection, wanted.id)
        if (build?.state !== wanted.state) throw new Superseded()
        if (connection) return { build, connection }
      } catch (error) {
        await connection?.close()
        throw error
      }
      this.#become('waiting')
      await this.#wait(options.turnMs)
    }
    return undefined
  }

  async #follow(turn: Turn, works: () => void): Promise<void> {
    const { store, options } = this.#deps
    const subscription = store.subscribe({
      after: turn.position,
      filter: this.#filter,
      batchMax: options.batchMax,
    })
    this.#subscription = subscription
    this.#become('catching-up')
    for await (const message of uninterrupted(subscription, this.#turnOver.signal)) {
      if (this.#isOver) return
      await this.#apply(turn, message.kind === 'events' ? message.events : [], message.checkpoint)
      works()
      if (message.kind === 'caught-up') await this.#caughtUp(turn)
      await this.#deps.ports.timers.turn()
    }
  }

  async #apply(turn: Turn, events: readonly RecordedEvent[], end: number): Promise<void> {
    let rest = events
    while (!this.#isOver) {
      const bound = Math.min(end, (await this.#deps.bound?.(this.#deps.part)) ?? end)
      // Nothing is awaited between the gate and the batch: who paused waits for the one in hand.
      while (this.#pause.isClosed && !this.#isOver) {
        this.#become('paused')
        await this.#pause.wait(this.#turnOver.signal)
      }
      if (this.#isOver) return
      const now = bound === end ? rest : rest.filter(({ position }) => position <= bound)
      if (now.length > 0) await turn.apply(now, bound)
      if (bound > turn.position && !this.#isOver) await turn.advance(bound)
      if (bound === end) return
      rest = rest.slice(now.length)
      this.#become('live')
      await this.#wait(boundMs)
    }
  }

  async #caughtUp(turn: Turn): Promise<void> {
    if (turn.build.state === 'live' && turn.isPast) {
      turn.liveFrom(await this.#deps.catalog.caughtUp(turn.build, turn.position))
    }
    this.#become('live')
  }

  get #isOver(): boolean {
    return this.#stopping.signal.aborted || this.#turnOver.signal.aborted
  }

  // What the log or the projection says stays so; a database or a network may come back.
  #mayPass(error: unknown): boolean {
    if (isReenactError(error)) return error.retryable
    return error instanceof Interrupted || this.#isTransient(error)
  }

  #isTransient(error: unknown): boolean {
    const { engine, projection } = this.#deps
    return engine.isTransient(error) || (projection.view.isTransient?.(error) ?? false)
  }

  #wait(delayMs: number, signal = this.#stopping.signal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const finish = () => {
        cancel()
        signal.removeEventListener('abort', finish)
        resolve()
      }
      const cancel = this.#deps.ports.timers.after(delayMs, finish)
      signal.addEventListener('abort', finish, { once: true })
    })
  }

  /** Something went wrong; the status shows it. */
  failed(error: unknown): void {
    const code = isReenactError(error) ? error.code : undefined
    this.#error = { code, message: messageOf(error), at: this.#deps.ports.clock.now(), error }
  }

  #become(state: WorkerState): void {
    if (this.#state === state) return
    if (state === 'paused') this.#before = this.#state
    this.#state = state
  }
}

interface Won {
  readonly build: Build
  readonly connection: Connection
}

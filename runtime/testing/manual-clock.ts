// Time that moves only when told: clock, timers and chance for tests and simulations.

import { setImmediate } from 'node:timers'
import type { Ports } from '../core/clock.ts'
import { createSeededRandom } from './seeded-random.ts'

/** Options of {@link createManualPorts}. */
export interface ManualPortsOptions {
  /** Seed of the random port. Default 1. */
  readonly seed?: number
  /** Wall clock at the beginning, ms since the epoch. Default 2026-01-01T00:00:00Z. */
  readonly startMs?: number
}

/** Ports that a test holds in its hand. Make them with {@link createManualPorts}. */
export interface ManualPorts extends Ports {
  /**
   * Moves time on, firing what falls due in order; after each timer promises go on as far as they can.
   *
   * @example
   * ```ts
   * await ports.advance(60_000) // idle actors leave memory
   * ```
   */
  advance(ms: number): Promise<void>
  /**
   * Lets promises go on as far as they can. Time stands still.
   *
   * @example
   * ```ts
   * const sending = ann.send({ type: 'deposit', amount: 5 })
   * await ports.settle() // it went as far as it can without time
   * ```
   */
  settle(): Promise<void>
  /**
   * Moves time on until no timer is left, background timers aside. Throws where that never ends.
   *
   * @example
   * ```ts
   * await ports.runAll()
   * assert.equal(store.outstanding, 0)
   * ```
   */
  runAll(): Promise<void>
  /**
   * Waits for a promise, moving time on only while it does not settle otherwise. Throws when nothing is left
   * that could settle it.
   *
   * @example
   * ```ts
   * const { state } = await ports.until(ann.send({ type: 'deposit', amount: 5 }))
   * assert.equal(state.context.balance, 5)
   * ```
   */
  until<T>(promise: Promise<T>): Promise<T>
  /**
   * Sets the wall clock forward or, with a negative number, back. Timers go by the other clock: none fires.
   *
   * @example
   * ```ts
   * ports.jump(-3_600_000) // the wall clock is set back an hour
   * ```
   */
  jump(ms: number): void
  /** Timers that have not fired, background timers included. */
  readonly pendingTimers: number
}

interface Timer {
  readonly dueMs: number
  readonly background: boolean
  readonly callback: () => void
}

/** More timers in one `runAll` mean that each one starts the next. */
const firedMax = 100_000

/**
 * Makes ports for tests: a clock that stands still, timers that fire when the test says so, and seeded chance.
 * With the same seed and the same steps a run repeats byte for byte.
 *
 * @example
 * ```ts
 * const ports = createManualPorts({ seed: 7 })
 * const runtime = await createRuntime({ store: createMemoryStore(ports), actors: [Account], ports })
 * await ports.until(runtime.actor(Account, 'ann').send({ type: 'open', owner: 'Ann' }))
 * await ports.advance(60_000) // idle actors leave memory
 * ```
 */
export const createManualPorts = (options: ManualPortsOptions = {}): ManualPorts =>
  new ManualTime(options)

class ManualTime implements ManualPorts {
  readonly random: Ports['random']
  readonly clock: Ports['clock']
  readonly timers: Ports['timers']
  #elapsedMs = 0
  #wallOffsetMs: number
  /** Turns asked for and not yet given. */
  #turns = 0
  // By order of creation: of two that are due together the older fires first.
  readonly #timers = new Set<Timer>()

  constructor({ seed = 1, startMs = Date.UTC(2026, 0, 1) }: ManualPortsOptions) {
    this.#wallOffsetMs = startMs
    this.random = createSeededRandom(seed)
    this.clock = {
      now: () => this.#wallOffsetMs + this.#elapsedMs,
      monotonic: () => this.#elapsedMs,
    }
    this.timers = {
      after: (delayMs, callback, after) => this.#after(delayMs, callback, after?.background),
      turn: () => this.#turn(),
    }
  }

  get pendingTimers(): number {
    return this.#timers.size
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms
    await this.settle()
    for (let timer = this.#next(); timer && timer.dueMs <= untilMs; timer = this.#next()) {
      await this.#fire(timer)
    }
    this.#elapsedMs = untilMs
  }

  // One turn of the real loop runs every promise that can go on, and every turn asked for before it.
  async settle(): Promise<void> {
    do await realTurn()
    while (this.#turns > 0)
  }

  async runAll(): Promise<void> {
    await this.settle()
    for (let fired = 0; ; fired += 1) {
      if (![...this.#timers].some(({ background }) => !background)) return
      if (fired === firedMax) {
        throw new Error(`runAll fired ${firedMax} timers and more are left. Use 'advance' instead.`)
      }
      await this.#fire(this.#next() as Timer)
    }
  }

  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const mark = () => {
      settled = true
    }
    promise.then(mark, mark)
    await this.settle()
    while (!settled) {
      const timer = this.#next()
      if (!timer) {
        throw new Error('The promise never settles: no timer is left and nothing goes on.')
      }
      await this.#fire(timer)
    }
    return promise
  }

  jump(ms: number): void {
    this.#wallOffsetMs += ms
  }

  #after(delayMs: number, callback: () => void, background = false): () => void {
    const dueMs = this.#elapsedMs + Math.max(0, delayMs)
    const timer: Timer = { dueMs, background, callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  async #turn(): Promise<void> {
    this.#turns += 1
    await realTurn()
    this.#turns -= 1
  }

  #next(): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) if (!next || timer.dueMs < next.dueMs) next = timer
    return next
  }

  async #fire(timer: Timer): Promise<void> {
    this.#timers.delete(timer)
    this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueMs)
    timer.callback()
    await this.settle()
  }
}

const realTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

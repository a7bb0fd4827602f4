// Which actors are in memory: activates on demand, puts out the least recently used, closes them all.

import { sleep } from '../runtime/core/clock.ts'
import { ReenactError } from '../runtime/core/errors.ts'
import { timerMsMax } from '../runtime/core/limits.ts'
import type { ActorDeps } from './actor-deps.ts'
import { AggregateActor } from './aggregate-actor.ts'
import type { CheckedCommand } from './command.ts'
import { Deadlines } from './deadlines.ts'
import { Envelope } from './envelope.ts'
import type { Model } from './model.ts'
import type { RawOutcome } from './outcome.ts'

/** What the directory finds out about closing. */
export interface DirectoryDeps extends Omit<ActorDeps, 'isHalted' | 'deadlines'> {}

/** All live actors of a runtime. */
export class Directory {
  readonly deps: ActorDeps
  // The least recently used first, once more than half of what has room is in memory.
  readonly #actors = new Map<string, AggregateActor>()
  #refusing = false
  #closed = false
  #halted = false
  /** Ends the wait for the next sweep. */
  #noSweep: (() => void) | undefined

  constructor(deps: DirectoryDeps) {
    const deadlines = new Deadlines(deps.ports.clock, deps.ports.timers)
    this.deps = { ...deps, deadlines, isHalted: () => this.#halted }
  }

  /** From now on commands of users are refused; workers and processes may still finish what they have in hand. */
  refuseNew(): void {
    this.#refusing = true
  }

  /** Throws `Closed` where commands of users are refused. */
  checkOpen(): void {
    if (this.#refusing) throw closed()
  }

  /** Hands a command to its actor. Throws what keeps the actor from taking it. */
  send(model: Model, stream: string, envelope: Envelope): void {
    const actor = this.actor(model, stream)
    actor.post(envelope)
    envelope.wait(actor, this.deps)
  }

  /** Has a command decided by its actor. */
  decide(model: Model, stream: string, checked: CheckedCommand): Promise<RawOutcome> {
    return new Promise((resolve, reject) => {
      this.send(model, stream, new Envelope(checked, resolve, reject))
    })
  }

  /** The live actor of a stream. Between this and using it nothing may be awaited. */
  actor(model: Model, stream: string): AggregateActor {
    if (this.#closed) throw closed()
    let actor = this.#actors.get(stream)
    if (!actor) {
      this.#makeRoom()
      actor = new AggregateActor(this.deps, model, stream)
      this.#actors.set(stream, actor)
    } else if (this.#actors.size > this.deps.limits.residentMax / 2) {
      // Where there is room for all it does not matter who was used last.
      this.#actors.delete(stream)
      this.#actors.set(stream, actor)
    }
    actor.usedAtMs = this.deps.ports.clock.monotonic()
    this.deps.metrics.resident = this.#actors.size
    this.#sweepLater()
    return actor
  }

  /** The actor if it is in memory. */
  resident(stream: string): AggregateActor | undefined {
    return this.#actors.get(stream)
  }

  /**
   * Takes nothing more, finishes what was taken, and after `graceMs` gives up on the rest: what was not begun
   * fails with `Closed`, what has no definite outcome with `UnknownOutcome`.
   */
  async close(graceMs: number): Promise<void> {
    this.#closed = true
    const busy = [...this.#actors.values()].filter((actor) => !actor.idle)
    const done = Promise.all(busy.map((actor) => actor.settled()))
    let graceOver = false
    const grace = async () => {
      await sleep(this.deps.ports.timers, Math.min(graceMs, timerMsMax), { background: true })
      graceOver = true
    }
    await Promise.race([done, grace()])
    if (graceOver) {
      this.#halted = true
      for (const actor of busy) actor.halt(closed())
    }
    this.#actors.clear()
    this.deps.metrics.resident = 0
    this.#noSweep?.()
  }

  #makeRoom(): void {
    const { residentMax } = this.deps.limits
    if (this.#actors.size < residentMax) return
    for (const [stream, actor] of this.#actors) {
      if (!actor.idle) continue
      this.#passivate(stream)
      return
    }
    this.deps.metrics.overloaded += 1
    throw new ReenactError(
      'Overloaded',
      `All ${residentMax} actors in memory are busy. Slow down and send again, or raise 'residentMax'.`,
      { queue: 'resident actors', limit: residentMax },
    )
  }

  #passivate(stream: string): void {
    this.#actors.delete(stream)
    this.deps.metrics.passivations += 1
    this.deps.metrics.resident = this.#actors.size
  }

  #sweepLater(): void {
    if (this.#noSweep) return
    const { limits, ports } = this.deps
    const sweep = () => this.#sweep()
    this.#noSweep = ports.timers.after(limits.passivateAfterMs, sweep, { background: true })
  }

  #sweep(): void {
    this.#noSweep = undefined
    const { limits, ports } = this.deps
    const before = ports.clock.monotonic() - limits.passivateAfterMs
    for (const [stream, actor] of this.#actors) {
      if (actor.idle && actor.usedAtMs <= before) this.#passivate(stream)
    }
    if (this.#actors.size > 0 && !this.#closed) this.#sweepLater()
  }
}

const closed = (): ReenactError =>
  new ReenactError('Closed', 'The runtime is closed and did not begin this. Ask an open one.', {
    what: 'runtime',
  })

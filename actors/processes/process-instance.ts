// One live process: tells its machine what happened, one append after the other.

import type { Ports } from '../../runtime/core/clock.ts'
import { messageOf, ReenactError } from '../../runtime/core/errors.ts'
import { streamName } from '../../runtime/core/stream-name.ts'
import type { EventToAppend } from '../../runtime/ports/event-store.ts'
import type { ActorDeps } from '../actor-deps.ts'
import { appendUntilDefinite } from '../append.ts'
import { hashOf } from '../recorded.ts'
import type { Plan } from './plan.ts'
import { planOrPark } from './plan-or-park.ts'
import type { Entry, TriggerEntry } from './process-entry.ts'
import type { ProcessModel } from './process-model.ts'
import type { ProcessState } from './process-state.ts'
import { nowhere, type ProcessAt, readProcess, recordsOf } from './process-stream.ts'

/** Makes an entry of the present state; `undefined` where there is nothing to tell. Asked again after a conflict. */
export type Tell = (state: ProcessState, revision: number) => Entry | undefined

interface Told {
  readonly tell: Tell
  readonly resolve: (state: ProcessState) => void
  readonly reject: (error: unknown) => void
}

const batchMax = 64
/** Shared by all that are told nothing; never changed. */
const none: Told[] = []

/** One process. What it is told is written in the order of telling. */
export class ProcessInstance {
  readonly id: string
  readonly stream: string
  readonly #deps: ActorDeps
  readonly #model: ProcessModel
  readonly #written: { readonly writer: string; readonly versions: ProcessModel['events'] }
  #at: ProcessAt | undefined
  #stale = false
  #queue: Told[] = none
  #draining = false

  constructor(deps: ActorDeps, model: ProcessModel, id: string) {
    this.#deps = deps
    this.#model = model
    this.#written = { writer: deps.writer, versions: model.events }
    this.id = id
    this.stream = streamName(model.name, id)
  }

  /** The state as far as it is known here; `undefined` before `load`. */
  get state(): ProcessState | undefined {
    return this.#at?.state
  }

  /** -1: it does not exist. */
  get revision(): number {
    return this.#at?.revision ?? -1
  }

  get ports(): Ports {
    return this.#deps.ports
  }

  /** Nothing is waiting to be written. */
  get idle(): boolean {
    return !this.#draining
  }

  /** Reads what it does not know yet. Throws `NonDeterministic`, `StreamDeleted`, and what the store throws. */
  async load(): Promise<ProcessState> {
    const { store } = this.#deps
    this.#at = await readProcess(store, this.#model, this.stream, this.#at ?? nowhere(this.id))
    return this.#at.state
  }

  /** Somebody else wrote to its stream: it is read before anything is told. */
  outdated(): void {
    this.#stale = true
  }

  /**
   * Writes a trigger that cannot be applied, because the process cannot be replayed: it is applied when that is mended.
   */
  async hold(entry: TriggerEntry): Promise<void> {
    const { store, ports } = this.#deps
    for (;;) {
      const options = { direction: 'backwards', limit: 1 } as const
      const { events: ends, head } = await store.readStream(this.stream, options)
      const [last] = ends
      const state = { ...nowhere(this.id).state, time: ports.clock.now() }
      const at = { state, revision: head, hash: last ? hashOf(last).hash : '' }
      const held: Plan = {
        state,
        entry: { ...entry, held: true },
        intentions: [],
        unhandled: false,
      }
      const { events } = recordsOf(this.stream, at, held, this.#written)
      const request = { stream: this.stream, events, expected: head }
      const outcome = await appendUntilDefinite(this.#deps, request)
      if (outcome.outcome === 'committed') return
      if (outcome.outcome !== 'conflict') throw outcome.error
    }
  }

  /**
   * Tells it something and resolves with the state after that is durable.
   *
   * Throws what loading throws, what the store refuses with, and what the machine throws on the act of a person.
   */
  tell(tell: Tell): Promise<ProcessState> {
    return new Promise((resolve, reject) => {
      const told = { tell, resolve, reject }
      // An array that begins with one element takes a tenth of one that is pushed to.
      if (this.#queue.length === 0) this.#queue = [told]
      else this.#queue.push(told)
      if (!this.#draining) void this.#drain()
    })
  }

  async #drain(): Promise<void> {
    this.#draining = true
    while (this.#queue.length > 0) {
      const waiting = this.#queue
      const batch = waiting.length <= batchMax ? waiting : waiting.slice(0, batchMax)
      this.#queue = waiting.length <= batchMax ? none : waiting.slice(batchMax)
      try {
        for (let attempt = 1; ; attempt += 1) {
          if (!this.#at || this.#stale || attempt > 1) {
            this.#stale = false
            await this.load()
          }
          const { events, told, at } = this.#plan(batch, this.#at as ProcessAt)
          if (events.length > 0) {
            const expected = this.#at?.revision ?? -1
            const request = { stream: this.stream, events, expected }
            const outcome = await appendUntilDefinite(this.#deps, request)
            if (outcome.outcome === 'conflict') continue
            if (outcome.outcome !== 'committed') throw outcome.error
            this.#at = at
          }
          for (const { resolve } of told) resolve(at.state)
          break
        }
      } catch (error) {
        // What is in memory may be wrong now: the log is asked the next time.
        this.#at = undefined
        for (const { reject } of batch) reject(error)
      }
    }
    this.#draining = false
  }

  /** Plans all of a batch, one on the other. */
  #plan(batch: readonly Told[], from: ProcessAt) {
    let events: readonly EventToAppend[] = []
    const told: Told[] = []
    let at = from
    for (const one of batch) {
      try {
        const entry = one.tell(at.state, at.revision)
        if (entry) {
          const records = recordsOf(this.stream, at, this.#entry(at, entry), this.#written)
          events = events.length === 0 ? records.events : [...events, ...records.events]
          at = records.at
        }
        told.push(one)
      } catch (error) {
        one.reject(error)
      }
    }
    return { events, told, at }
  }

  #entry({ state, revision }: ProcessAt, entry: Entry): Plan {
    const time = Math.max(state.time, this.#deps.ports.clock.now())
    const at = { revision: revision + 1, time }
    try {
      return planOrPark(this.#model, state, entry, at)
    } catch (error) {
      throw this.#faulted(entry, error)
    }
  }

  #faulted({ type }: Entry, error: unknown): ReenactError {
    return new ReenactError(
      'ActorFaulted',
      `The machine of ${this.stream} fails on '${type}': ${messageOf(error)}. Mend it, then try again.`,
      { actor: this.stream, type },
      error,
    )
  }
}

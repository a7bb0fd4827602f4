// What follows the log for processes and reactions: one owner at a time, from a durable checkpoint.

import { sleep } from '../../runtime/core/clock.ts'
import { isReenactError, messageOf } from '../../runtime/core/errors.ts'
import type { LogFilter, RecordedEvent, Subscription } from '../../runtime/ports/event-store.ts'
import type { ActorDeps } from '../actor-deps.ts'
import { Lease } from './lease.ts'

/** Who reads what. */
export interface FeedOptions {
  readonly deps: ActorDeps
  /** Names lease and checkpoint: `process:order_process`. */
  readonly name: string
  /** This owner. */
  readonly owner: string
  readonly filter: LogFilter
}

/** What is done with it. Whatever throws ends this ownership, and another one begins after a pause. */
export interface FeedHandler {
  /**
   * The lease was taken; `position` and `kept` are those of the last checkpoint; `first`: there was none. Answers where to
   * go on.
   */
  begin(from: {
    position: number
    kept: string
    first: boolean
    afterCrash: boolean
  }): Promise<number>
  /** Events in the order of the log. What they cause must be durable when this resolves. */
  handle(events: readonly RecordedEvent[]): Promise<void>
  /** What is kept with a checkpoint; `undefined`: no checkpoint now. */
  keep(): string | undefined
  /** The lease is lost: stop at once. */
  lost(): void
  /** Finishes what was begun; the lease is given back then. */
  end(): Promise<void>
}

interface Checkpoint {
  readonly position: number
  readonly kept: string
}

const checkpointAfterMs = 2_000
const checkpointEvery = 1_000
const againMs = 500

/** Follows the log until it is stopped. */
export class LogFeed {
  readonly #options: FeedOptions
  readonly #handler: () => FeedHandler
  #subscription: Subscription | undefined
  #stopping = false
  #lost = false
  #position = 0
  #revision = -1
  #events = 0
  #savedAtMs = 0
  /** Why it stands still. */
  #error: string | undefined
  #owns = false
  readonly #running: Promise<void>

  constructor(options: FeedOptions, handler: () => FeedHandler) {
    this.#options = options
    this.#handler = handler
    this.#running = this.#run()
  }

  /** `waiting`: another one has the lease. `failing`: it tries again and again, see `error`. */
  get status(): {
    readonly state: 'waiting' | 'working' | 'failing' | 'stopped'
    readonly error?: string
  } {
    if (this.#stopping) return { state: 'stopped' }
    if (this.#error !== undefined) return { state: 'failing', error: this.#error }
    return { state: this.#owns ? 'working' : 'waiting' }
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#subscription?.close()
    await this.#running
  }

  async #run(): Promise<void> {
    const { name, deps } = this.#options
    const { timers } = deps.ports
    while (!this.#stopping) {
      try {
        await this.#own()
        this.#error = undefined
      } catch (error) {
        if (isReenactError(error, 'Closed')) return
        const text = messageOf(error)
        const warning = `The worker of ${name} stopped: ${text} It tries again.`
        if (this.#error !== text) process.emitWarning(warning, { code: 'REENACT_PROCESS' })
        this.#error = text
      }
      if (!this.#stopping) await sleep(timers, againMs, { background: true })
    }
  }

  /** One ownership: 1 take the lease, 2 recover, 3 follow the log, 4 finish, 5 give it back. */
  async #own(): Promise<void> {
    const { deps, name, owner } = this.#options
    const { state } = deps.store
    const handler = this.#handler()
    this.#lost = false
    const lost = (): void => {
      this.#lost = true
      handler.lost()
      this.#subscription?.close()
    }
    const taking = {
      state,
      ports: deps.ports,
      key: `lease:${name}`,
      owner,
      exclusive: deps.exclusive,
    }
    const lease = await Lease.take(taking, () => this.#stopping, lost)
    if (!lease) return
    this.#owns = true
    try {
      const entry = await state.get(`checkpoint:${name}`)
      this.#revision = entry?.revision ?? -1
      const saved: Checkpoint = entry ? JSON.parse(entry.value) : { position: 0, kept: '' }
      this.#position = saved.position
      const { afterCrash } = lease
      this.#position = await handler.begin({ ...saved, first: !entry, afterCrash })
      this.#savedAtMs = deps.ports.clock.monotonic()
      // Where it begins is settled once, whatever comes before the next checkpoint.
      if (!entry) await this.#save(handler)
      if (!this.#stopping) await this.#follow(handler)
      await handler.end()
      if (!this.#lost) await this.#save(handler)
      await lease.release()
    } catch (error) {
      handler.lost()
      await lease.release().catch(() => {})
      throw error
    } finally {
      this.#owns = false
    }
  }

  async #follow(handler: FeedHandler): Promise<void> {
    const { deps, filter } = this.#options
    this.#subscription = deps.store.subscribe({ after: this.#position, filter })
    for await (const message of this.#subscription) {
      if (message.kind === 'events') {
        await handler.handle(message.events)
        this.#events += message.events.length
      }
      if (this.#stopping || this.#lost) {
        if (!this.#lost) this.#position = message.checkpoint
        break
      }
      this.#error = undefined
      this.#position = message.checkpoint
      const waited = deps.ports.clock.monotonic() - this.#savedAtMs
      if (this.#events >= checkpointEvery || (this.#events > 0 && waited >= checkpointAfterMs)) {
        await this.#save(handler)
      }
    }
  }

  async #save(handler: FeedHandler): Promise<void> {
    const { deps, name } = this.#options
    const kept = handler.keep()
    this.#savedAtMs = deps.ports.clock.monotonic()
    this.#events = 0
    if (kept === undefined) return
    const text = JSON.stringify({ position: this.#position, kept } satisfies Checkpoint)
    const revision = await deps.store.state.put(`checkpoint:${name}`, text, this.#revision)
    // Another owner wrote it: this one is the owner no more.
    if (revision === undefined) this.#subscription?.close()
    else this.#revision = revision
  }
}

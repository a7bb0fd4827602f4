// The way of one actor's commands through a worker: in order, a page at a time, until nothing more is signalled.

import { readMetadata } from '../runtime/codec/metadata.ts'
import { isReenactError, ReenactError } from '../runtime/core/errors.ts'
import type { RecordedEvent } from '../runtime/ports/event-store.ts'
import type { Claims } from './claims.ts'
import type { Turn } from './command.ts'
import { type ActorStreams, payloadOf, readCommandEvent } from './command-stream.ts'
import type { Directory } from './directory.ts'
import { Envelope } from './envelope.ts'
import { classOf, type FailureClass, failureRecord, type RetryPolicies } from './failure.ts'
import type { Isolation } from './isolation.ts'
import type { Model } from './model.ts'
import { appendParked, parkedThrough } from './parked-commands.ts'
import type { WorkerMetrics } from './worker-metrics.ts'

/** What all lanes of a worker share. */
export interface LaneDeps {
  readonly directory: Directory
  readonly claims: Claims
  readonly isolation: Isolation
  readonly retry: RetryPolicies
  readonly metrics: WorkerMetrics
  /** Commands of one actor that are decided together. */
  readonly pageMax: number
}

/** What a step of a lane came to. */
export type LaneStep =
  /** Everything up to here is handled. */
  | { readonly next: 'idle'; readonly handled: number }
  /** There is more. */
  | { readonly next: 'more' }
  /** The stream goes further than what was signalled here: claim that first. */
  | { readonly next: 'claim'; readonly target: number }
  /** Try again after so long. */
  | { readonly next: 'wait'; readonly delayMs: number }

interface Failed {
  readonly recorded: RecordedEvent
  readonly error: unknown
}

/** Commands of one actor. One step at a time. */
export class Lane {
  readonly streams: ActorStreams
  readonly model: Model
  /** The last revision that was signalled. */
  signalled = -1
  /** The last one that was signalled and claimed: so far it may go. */
  target = -1
  /** A worker before this one had it, and the later signals with it: look at the stream's end. */
  takenOver = false
  /** The delivery that is answered when everything is handled. */
  anchor: string | undefined
  /** It has its turn, waits for it, or waits for a time. */
  scheduled = false
  readonly #deps: LaneDeps
  /** Attempts of the command at `#attempted`. */
  #attempts = 0
  #attempted = -1
  #unmoved = 0

  constructor(deps: LaneDeps, model: Model, streams: ActorStreams) {
    this.#deps = deps
    this.model = model
    this.streams = streams
  }

  /** 1 find out what is handled, 2 read what follows, 3 have it decided, 4 retry or park what failed. */
  async step(): Promise<LaneStep> {
    const { commands, parked } = this.streams
    const { store } = this.#deps.directory.deps
    try {
      const recorded = await this.#recordedThrough()
      const handled = Math.max(recorded, await parkedThrough(store, parked))
      await this.#deps.claims.handled(commands, handled)
      if (this.takenOver) {
        this.takenOver = false
        const { head } = await store.readStream(commands, { from: handled + 1, limit: 1 })
        if (head > this.target) return { next: 'claim', target: head }
      }
      if (handled >= this.target) return { next: 'idle', handled }
      const suspect = this.#deps.claims.isSuspect(commands, handled + 1)
      const limit = suspect ? 1 : Math.min(this.#deps.pageMax, this.target - handled)
      const { events } = await store.readStream(commands, { from: handled + 1, limit })
      // Commands that are gone leave nothing to do.
      if (events.length === 0) return { next: 'idle', handled: this.target }
      if (suspect) return await this.#deps.isolation.alone(() => this.#alone(events, recorded))
      return await this.#deps.isolation.beside(() => this.#decide(events, recorded))
    } catch (error) {
      return this.#storeFailed(error)
    }
  }

  /** Up to where the actor's own events say that commands are handled. */
  async #recordedThrough(): Promise<number> {
    const { directory } = this.#deps
    const { stream } = this.streams
    try {
      return (await directory.actor(this.model, stream).current()).commandRevision
    } catch (error) {
      if (isFinal(error) || classOf(error) === 'busy') throw error
      // An actor that cannot be replayed: the next command meets the same error and is parked with it.
      const options = { direction: 'backwards', limit: 1 } as const
      const [last] = (await directory.deps.store.readStream(stream, options)).events
      return (last && readMetadata(last).commandRevision) ?? -1
    }
  }

  /** Suspected of killing the process: counted first, one by one. */
  async #alone(events: readonly RecordedEvent[], recorded: number): Promise<LaneStep> {
    const { claims, retry } = this.#deps
    const [event] = events as [RecordedEvent]
    const { commands } = this.streams
    // The crash that made it suspect was the first attempt.
    const attempts = Math.max(1, await claims.attempts(commands, event.revision))
    if (retry.poison.delayMs(attempts) === null) {
      await this.#park({ recorded: event, error: killed(commands, attempts) }, 'poison', attempts)
      return { next: 'more' }
    }
    await claims.count(commands, event.revision, attempts + 1)
    return this.#decide(events, recorded, attempts + 1)
  }

  async #decide(
    events: readonly RecordedEvent[],
    recorded: number,
    counted = 0,
  ): Promise<LaneStep> {
    const { metrics, claims } = this.#deps
    const failed = await this.#sendAll(events, recorded)
    const handled = failed ? events.indexOf(failed.recorded) : events.length
    metrics.handled += handled
    if (handled > 0) this.#unmoved = 0
    if (counted > 0 && !failed) await claims.forget(this.streams.commands)
    if (!failed) return { next: 'more' }
    // Another worker was faster: what it handled is found by looking again.
    if (isReenactError(failed.error, 'WrongExpectedRevision')) return this.#lookAgain()
    return this.#failed(failed, counted)
  }

  /** Hands commands to their actor. Answers the first that failed; none after it was decided. */
  async #sendAll(events: readonly RecordedEvent[], recorded: number): Promise<Failed | undefined> {
    const outcomes: { recorded: RecordedEvent; outcome: Promise<unknown> }[] = []
    let after = recorded
    for (const event of events) {
      const outcome = this.#send(event, { revision: event.revision, after })
      outcome.catch(() => {}) // Looked at below, in order.
      outcomes.push({ recorded: event, outcome })
      after = event.revision
    }
    let failed: Failed | undefined
    for (const { recorded: event, outcome } of outcomes) {
      try {
        await outcome
      } catch (error) {
        failed ??= { recorded: event, error }
      }
    }
    return failed
  }

  async #send(event: RecordedEvent, turn: Turn): Promise<void> {
    const { directory } = this.#deps
    const { stream } = this.streams
    const checked = readCommandEvent(this.model, stream, event, turn)
    await new Promise((resolve, reject) => {
      directory.send(this.model, stream, new Envelope(checked, resolve, reject))
    })
  }

  async #failed(failed: Failed, counted: number): Promise<LaneStep> {
    const { claims, retry, metrics } = this.#deps
    const { recorded, error } = failed
    if (isFinal(error)) throw error
    const { commands } = this.streams
    const { revision } = recorded
    if (this.#attempted !== revision) {
      this.#attempted = revision
      this.#attempts = counted > 0 ? counted - 1 : await claims.attempts(commands, revision)
    }
    const failure = classOf(error)
    // Waiting for room is no attempt.
    if (failure !== 'busy') this.#attempts += 1
    const delayMs = retry[failure].delayMs(Math.max(1, this.#attempts))
    if (delayMs === null) {
      await this.#park(failed, failure, this.#attempts)
      return { next: 'more' }
    }
    metrics.retried += 1
    if (failure !== 'busy' && counted === 0) await claims.count(commands, revision, this.#attempts)
    return this.#wait(delayMs)
  }

  async #park({ recorded, error }: Failed, failure: FailureClass, attempts: number): Promise<void> {
    const { claims, directory, metrics } = this.#deps
    const { commands, parked, stream } = this.streams
    const { revision: commandRevision, id, metadata } = recorded
    await appendParked(directory.deps, parked, {
      type: 'reenact.CommandParked',
      command: commandOf(recorded),
      commandId: commandIdOf(metadata) ?? id,
      commandRevision,
      metadata: objectOf(metadata),
      failure,
      error: failureRecord(error),
      attempts,
      actorRevision: await this.#actorRevision(stream),
    })
    metrics.parked += 1
    this.#unmoved = 0
    await claims.forget(commands)
  }

  async #actorRevision(stream: string): Promise<number | null> {
    try {
      const { head } = await this.#deps.directory.deps.store.readStream(stream, { limit: 1 })
      return head
    } catch {
      return null
    }
  }

  #lookAgain(): LaneStep {
    this.#unmoved += 1
    return this.#unmoved === 1 ? { next: 'more' } : this.#wait(Math.min(2 ** this.#unmoved, 1_000))
  }

  /** The store does not do what it should: the lane waits, nothing is given up. */
  #storeFailed(error: unknown): LaneStep {
    if (isFinal(error)) throw error
    this.#unmoved += 1
    this.#deps.metrics.retried += 1
    return this.#wait(Math.min(100 * 2 ** this.#unmoved, 10_000))
  }

  #wait(delayMs: number): LaneStep {
    const { random } = this.#deps.directory.deps.ports
    // Half of it by chance, so that rivals do not meet again.
    return { next: 'wait', delayMs: delayMs / 2 + random.next() * (delayMs / 2) }
  }
}

/** The runtime or its store ends: whoever comes next takes over. */
const isFinal = (error: unknown): boolean => isReenactError(error, 'Closed')

const killed = (commands: string, attempts: number): ReenactError =>
  new ReenactError(
    'ActorFaulted',
    `The process ended ${attempts} times while it handled this command of ${commands}. Mend what kills it, then retry.`,
    { actor: commands },
  )

function objectOf(text: string): Readonly<Record<string, never>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
  } catch {
    return {}
  }
}

const commandIdOf = (metadata: string): string | undefined => {
  const { commandId } = objectOf(metadata) as { commandId?: unknown }
  return typeof commandId === 'string' ? commandId : undefined
}

/** The payload as far as it can be read. */
function commandOf(recorded: RecordedEvent) {
  try {
    return payloadOf(recorded)
  } catch {
    return { type: recorded.type }
  }
}

// The way of one actor's commands through a worker: in order, a page at a time, until nothing more is signalled.

import { isReenactError } from '../runtime/core/errors.ts'
import type { RecordedEvent } from '../runtime/ports/event-store.ts'
import { type AttemptDeps, Attempts, type Failed } from './attempts.ts'
import type { CheckedCommand } from './command.ts'
import { type ActorStreams, commandIdOf, readCommandEvent } from './command-stream.ts'
import { CommandsAhead } from './commands-ahead.ts'
import type { Directory } from './directory.ts'
import { Envelope } from './envelope.ts'
import type { Isolation } from './isolation.ts'
import type { Model } from './model.ts'
import type { RawOutcome } from './outcome.ts'
import type { Place, Places } from './place.ts'

/** What all lanes of a worker share. */
export interface LaneDeps extends AttemptDeps {
  readonly directory: Directory
  readonly places: Places
  readonly isolation: Isolation
  /** Hears of every outcome. */
  readonly decided: Decided
  /** Commands of one actor that are decided together. */
  readonly pageMax: number
}

/** Told what became of a command. */
export type Decided = (
  model: Model,
  stream: string,
  checked: CheckedCommand,
  outcome: RawOutcome,
) => void

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

/** Commands of one actor. One step at a time. */
export class Lane {
  readonly streams: ActorStreams
  readonly model: Model
  /** The last revision that was signalled. */
  signalled = -1
  /** The last one that was signalled and claimed: so far it may go. */
  target = -1
  /** Other workers may have had signals of it, and all that waits is best handled together: look at the stream's end. */
  cold = true
  /**
   * The delivery of the last command that came, answered when everything is handled. Never an earlier one: a worker that
   * stood still may have lost that without knowing, and what came later would lead nobody back here.
   */
  anchor: { readonly id: string; readonly revision: number } | undefined
  /** It has its turn, waits for it, or waits for a time. */
  scheduled = false
  readonly #deps: LaneDeps
  readonly #attempts: Attempts
  #unmoved = 0
  readonly #ahead: CommandsAhead
  /** What was handled when it last looked ahead. */
  #lookedFrom = -2
  /** Where it is, while that is known. */
  #place: Place | undefined
  /** Ids of commands that were parked and not retried. */
  #givenUp: ReadonlySet<string> = new Set()

  constructor(deps: LaneDeps, model: Model, streams: ActorStreams) {
    this.#deps = deps
    this.model = model
    this.streams = streams
    this.#ahead = new CommandsAhead(deps.pageMax)
    this.#attempts = new Attempts(deps, streams)
  }

  /** Everything up to here is handled, while that is known. */
  get handled(): number | undefined {
    return this.#place?.handled
  }

  /** A command was signalled. What follows on need not be read again. */
  signal(event: RecordedEvent): void {
    this.signalled = Math.max(this.signalled, event.revision)
    this.#ahead.add(event)
  }

  /** 1 find out what is handled, 2 take what follows, 3 have it decided, 4 retry or park what failed. */
  async step(): Promise<LaneStep> {
    const { isolation, claims } = this.#deps
    const { commands } = this.streams
    try {
      const place = this.#place ?? (await this.#locate())
      const { handled, recorded } = place
      if (this.cold && this.#lookedFrom !== handled) {
        const target = await this.#lookAhead(handled)
        if (target > this.target) return { next: 'claim', target }
      }
      if (handled >= this.target) {
        await claims.handled(commands, handled)
        return { next: 'idle', handled }
      }
      const suspect = claims.isSuspect(commands, handled + 1)
      const limit = Math.min(this.#deps.pageMax, this.target - handled)
      const events = await this.#next(handled, limit)
      // Commands that are gone leave nothing to do.
      if (events.length === 0) return { next: 'idle', handled: this.target }
      const fresh = this.#untilGivenUp(events, place)
      if (fresh.length === 0) return { next: 'more' }
      this.#place = undefined
      if (suspect) return await isolation.alone(() => this.#alone(fresh, recorded))
      return await isolation.beside(() => this.#decide(fresh, recorded))
    } catch (error) {
      return this.#storeFailed(error)
    }
  }

  async #locate(): Promise<Place> {
    const { places, claims } = this.#deps
    const { givenUp, ...place } = await places.locate(this.model, this.streams)
    await claims.handled(this.streams.commands, place.handled)
    this.#givenUp = givenUp
    this.#place = place
    return place
  }

  /** Reads a page of what waits, and answers its last revision. It stays cold until it has seen the stream's end. */
  async #lookAhead(handled: number): Promise<number> {
    const { directory, pageMax } = this.#deps
    const { store } = directory.deps
    const from = handled + 1
    this.#lookedFrom = handled
    const { events, head } = await store.readStream(this.streams.commands, { from, limit: pageMax })
    this.#ahead.replace(events)
    const last = events.at(-1)?.revision ?? head
    this.cold = last < head
    return last
  }

  /** What follows on the command stream: what the signals brought, or what the log holds. */
  async #next(handled: number, limit: number): Promise<readonly RecordedEvent[]> {
    const ahead = this.#ahead.takeFrom(handled + 1, limit)
    if (ahead.length > 0) return ahead
    const { store } = this.#deps.directory.deps
    return (await store.readStream(this.streams.commands, { from: handled + 1, limit })).events
  }

  /** Suspected of killing the process: counted first. */
  async #alone(suspects: readonly RecordedEvent[], recorded: number): Promise<LaneStep> {
    const [first] = suspects as [RecordedEvent]
    // A repetition leaves no trace in the log: counted, it would be counted anew by every worker that comes.
    if (await this.#deps.places.isDecided(this.model, this.streams, first)) {
      return this.#decide([first], recorded)
    }
    const begun = await this.#attempts.begin(suspects)
    return begun ? this.#decide(begun.events, recorded, begun.attempt) : { next: 'more' }
  }

  async #decide(
    events: readonly RecordedEvent[],
    recorded: number,
    counted = 0,
  ): Promise<LaneStep> {
    const { metrics } = this.#deps
    const failed = await this.#sendAll(events, recorded)
    const handled = failed ? events.indexOf(failed.recorded) : events.length
    metrics.handled += handled
    if (handled > 0) this.#unmoved = 0
    if (!failed) {
      await this.#attempts.over()
      return this.#movedTo(events)
    }
    // Another worker was faster: what it handled is found by looking again.
    if (isReenactError(failed.error, 'WrongExpectedRevision')) return this.#lookAgain()
    if (isFinal(failed.error)) throw failed.error
    if (isReenactError(failed.error, 'StoreUnavailable')) {
      // It says nothing about the command: the attempt did not take place.
      await this.#attempts.over()
      return this.#storeFailed(failed.error)
    }
    const delayMs = await this.#attempts.failed(failed, counted)
    if (delayMs !== null) return this.#wait(delayMs)
    this.#unmoved = 0
    return { next: 'more' }
  }

  /** What was given up and comes once more is passed over, unless somebody retries it. */
  #untilGivenUp(events: readonly RecordedEvent[], place: Place): readonly RecordedEvent[] {
    if (this.#givenUp.size === 0) return events
    const at = events.findIndex((event) => {
      const { commandId, retried } = commandIdOf(event)
      return !retried && this.#givenUp.has(commandId)
    })
    if (at === 0) this.#place = { ...place, handled: events[0]?.revision ?? place.handled }
    return at < 0 ? events : events.slice(0, at)
  }

  async #movedTo(events: readonly RecordedEvent[]): Promise<LaneStep> {
    const handled = events.at(-1)?.revision ?? -1
    await this.#deps.claims.handled(this.streams.commands, handled)
    this.#place = { recorded: handled, handled }
    return handled >= this.target && !this.cold ? { next: 'idle', handled } : { next: 'more' }
  }

  /** Hands commands to their actor. Answers the first that failed; none after it was decided. */
  #sendAll(events: readonly RecordedEvent[], recorded: number): Promise<Failed | undefined> {
    const { stream } = this.streams
    const { directory } = this.#deps
    return new Promise((resolve) => {
      let left = events.length
      let firstAt = left
      let first: Failed | undefined
      const over = (): void => {
        left -= 1
        if (left === 0) resolve(first)
      }
      const page = { missed: false }
      let after = recorded
      for (const [at, event] of events.entries()) {
        const failed = (error: unknown): void => {
          if (at < firstAt) {
            firstAt = at
            first = { recorded: event, error }
          }
          over()
        }
        try {
          const turn = { revision: event.revision, after, page }
          const checked = readCommandEvent(this.model, stream, event, turn)
          const answered = (outcome: RawOutcome): void => {
            this.#deps.decided(this.model, stream, checked, outcome)
            over()
          }
          directory.send(this.model, stream, new Envelope(checked, answered, failed))
        } catch (error) {
          failed(error)
        }
        after = event.revision
      }
    })
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

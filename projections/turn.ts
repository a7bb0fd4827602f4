// A worker's turn: an open build, and pages of the log applied to it.

import { isReenactError, ReenactError } from '../runtime/core/errors.ts'
import type { EventStore, RecordedEvent } from '../runtime/ports/event-store.ts'
import {
  applySlice,
  type BatchDeps,
  type Committed,
  EventFailed,
  parkEvent,
  projectionFailed,
  redriveEvent,
  type Slice,
  writeToView,
} from './batch.ts'
import type { Build } from './catalog.ts'
import { advance, type Checkpoint } from './ledger.ts'
import { partitionOf } from './projected-event.ts'

/** What a turn needs besides what a batch needs. */
export interface TurnDeps extends BatchDeps {
  readonly build: Build
  readonly poison: 'stop' | 'park'
  readonly attemptsMax: number
  /** Whether an error may pass by itself. */
  readonly isTransient: (error: unknown) => boolean
  /** Waits before the next attempt. */
  readonly backOff: (attempt: number) => Promise<void>
  readonly isStopping: () => boolean
  readonly onCommit: (committed: Committed) => void
  /** A handler failed. The turn goes on. */
  readonly onFailure: (error: ReenactError) => void
}

export class Turn {
  readonly build: Build
  readonly #deps: TurnDeps
  #checkpoint: Checkpoint
  #liveFrom: number
  // One thing at a time on the connection: a page, or a redrive.
  #busy: Promise<unknown> = Promise.resolve()

  constructor(deps: TurnDeps, checkpoint: Checkpoint) {
    this.#deps = deps
    this.build = deps.build
    this.#checkpoint = checkpoint
    // A candidate is all past, however far it is.
    const { state, liveFrom } = deps.build
    this.#liveFrom = (state === 'live' ? liveFrom : undefined) ?? Number.POSITIVE_INFINITY
  }

  get position(): number {
    return this.#checkpoint.position
  }

  /** Nothing is in hand. */
  idle(): Promise<unknown> {
    return this.#busy
  }

  /** Events after this position are live. */
  liveFrom(position: number): void {
    this.#liveFrom = position
  }

  get isPast(): boolean {
    return this.#liveFrom === Number.POSITIVE_INFINITY
  }

  /** Applies a page of the log. `end` is where to go on from after it. */
  apply(events: readonly RecordedEvent[], end: number): Promise<void> {
    return this.#exclusively(() => this.#applyPage(events, end))
  }

  /** Moves the checkpoint where nothing of the log up to there is for this projection. */
  advance(position: number): Promise<void> {
    return this.#exclusively(async () => {
      const { connection, projection, part } = this.#deps
      const checkpoint = { ...this.#checkpoint, position }
      await connection.transaction(() =>
        advance(connection, projection.name, part, this.#checkpoint, checkpoint),
      )
      this.#committed({ checkpoint, next: 0, handled: 0, keys: [] })
    })
  }

  /** Handles an event that was put aside. */
  redrive(store: EventStore, position: number): Promise<void> {
    const { projection } = this.#deps
    return this.#exclusively(async () => {
      const { events } = await store.readAll({ after: position - 1, limit: 1 })
      const [recorded] = events
      if (recorded?.position !== position) throw gone(projection.name, position)
      try {
        const keys = await redriveEvent(this.#deps, recorded, this.#isLive)
        this.#committed({ checkpoint: this.#checkpoint, next: 0, handled: 1, keys })
      } catch (error) {
        const cause = error instanceof EventFailed ? error.cause : error
        throw projectionFailed(projection.name, recorded, cause)
      }
    })
  }

  /** Writes to the view outside the log's course. */
  write(body: (view: never) => void | Promise<void>): Promise<void> {
    return this.#exclusively(async () => {
      const keys = await writeToView(this.#deps, body)
      this.#committed({ checkpoint: this.#checkpoint, next: 0, handled: 0, keys })
    })
  }

  async #applyPage(events: readonly RecordedEvent[], end: number): Promise<void> {
    let from = 0
    /** Up to here each event is committed alone, to find the one that is at fault. */
    let aloneUntil = 0
    /** The event a handler failed on: those before it are committed without it, then it is tried alone. */
    let culprit = events.length
    let attempts = 0
    while (from < events.length && !this.#deps.isStopping()) {
      const bound = from === culprit ? from + 1 : culprit
      const until = from < aloneUntil ? from + 1 : from > culprit ? events.length : bound
      const slice: Slice = {
        events,
        end,
        from,
        until,
        checkpoint: this.#checkpoint,
        isLive: this.#isLive,
      }
      try {
        const committed = await applySlice(this.#deps, slice)
        this.#committed(committed)
        from = committed.next
        attempts = 0
      } catch (error) {
        if (!(error instanceof EventFailed)) throw error
        if (this.#deps.isTransient(error.cause)) throw error.cause
        if (error.unsure) aloneUntil = error.index + 1
        else if (error.index > from) culprit = error.index
        else {
          attempts += 1
          from += await this.#failed(slice, error.cause, attempts)
        }
      }
    }
  }

  /** Says how many events to go on by. */
  async #failed(slice: Slice, cause: unknown, attempts: number): Promise<0 | 1> {
    const deps = this.#deps
    const recorded = slice.events[slice.from] as RecordedEvent
    const failure = projectionFailed(deps.projection.name, recorded, cause)
    // Our own errors say what is wrong with what the handler did: that stays so.
    if (attempts < deps.attemptsMax && !isReenactError(cause)) {
      deps.onFailure(failure)
      await deps.backOff(attempts)
      return 0
    }
    if (deps.poison === 'stop') throw failure
    this.#committed(await parkEvent(deps, slice, cause))
    deps.onFailure(failure)
    return 1
  }

  readonly #isLive = ({ position, stream }: RecordedEvent): boolean => {
    const { former } = this.build
    const actedTo = former.length === 0 ? 0 : (former[partitionOf(stream, former.length)] ?? 0)
    return position > this.#liveFrom && position > actedTo
  }

  #committed(committed: Committed): void {
    this.#checkpoint = committed.checkpoint
    this.#deps.onCommit(committed)
  }

  #exclusively<Result>(body: () => Promise<Result>): Promise<Result> {
    const result = this.#busy.then(body)
    this.#busy = result.catch(() => {})
    return result
  }
}

const gone = (projection: string, position: number): ReenactError =>
  new ReenactError(
    'ProjectionFailed',
    `The event at position ${position} is no longer in the log, so '${projection}' cannot handle it. Rebuild the read model.`,
    { projection, position, type: '' },
  )

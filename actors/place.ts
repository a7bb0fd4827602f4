// Where an actor is on its command stream: what its own events say, and what was given up.
//
// A dead letter is written first, then the command's turn is taken at the actor, and a worker may die in between; another one
// may be slow, and have the command decided before that. So whoever looks next takes the turn of a letter that lies beyond the
// actor's events, and closes the letters whose commands were decided.

import { readMetadata } from '../runtime/codec/metadata.ts'
import { isReenactError } from '../runtime/core/errors.ts'
import type { RecordedEvent } from '../runtime/ports/event-store.ts'
import { type ActorStreams, commandIdOf, passCommand } from './command-stream.ts'
import type { Directory } from './directory.ts'
import { classOf } from './failure.ts'
import type { Model } from './model.ts'
import { findOutcome, lookupOf } from './outcome.ts'
import { appendParked, type ParkedTurn, parkedSoFar } from './parked-commands.ts'
import type { Replayed } from './rehydrate.ts'

/** How far an actor's commands are handled. */
export interface Place {
  /** What the actor's own events say. */
  readonly recorded: number
  /** With what was parked. */
  readonly handled: number
}

/** A place, and the ids of commands that were parked and not retried. */
export interface Located extends Place {
  readonly givenUp: ReadonlySet<string>
}

/** Finds the places of actors. */
export class Places {
  readonly #directory: Directory

  constructor(directory: Directory) {
    this.#directory = directory
  }

  /** 1 read how far the actor is, 2 what was parked, 3 take the turn of that, 4 close the letters of what was decided. */
  async locate(model: Model, streams: ActorStreams): Promise<Located> {
    const { store } = this.#directory.deps
    let recorded = await this.#recorded(model, streams)
    const { last, open, ids } = await parkedSoFar(store, streams.parked)
    const through = last?.commandRevision ?? -1
    if (last && through > recorded) {
      await this.#takeTurn(model, streams.stream, last, recorded)
      recorded = await this.#recorded(model, streams)
    }
    if (open.length > 0) await this.#closeDecided(model, streams, open)
    return { recorded, handled: Math.max(recorded, through), givenUp: ids }
  }

  /** Whether the actor's log holds the outcome of a command. */
  async isDecided(model: Model, streams: ActorStreams, recorded: RecordedEvent): Promise<boolean> {
    const { commandId } = commandIdOf(recorded)
    const state = await this.#state(model, streams)
    return state !== undefined && (await this.#find(model, streams, commandId, state)) !== undefined
  }

  /** Up to where the actor's own events say that commands are handled. */
  async #recorded(model: Model, { stream }: ActorStreams): Promise<number> {
    const directory = this.#directory
    try {
      return (await directory.actor(model, stream).current()).commandRevision
    } catch (error) {
      if (isPassing(error)) throw error
      // An actor that cannot be replayed: the next command meets the same error and is parked with it.
      const options = { direction: 'backwards', limit: 1 } as const
      const [last] = (await directory.deps.store.readStream(stream, options)).events
      return (last && readMetadata(last).commandRevision) ?? -1
    }
  }

  async #takeTurn(model: Model, stream: string, given: ParkedTurn, after: number): Promise<void> {
    try {
      await this.#directory.decide(model, stream, passCommand(model, stream, given, after))
    } catch (error) {
      // An actor that cannot be loaded or written decides nothing here. What another one did is seen by looking again.
      if (isPassing(error)) throw error
    }
  }

  async #closeDecided(
    model: Model,
    streams: ActorStreams,
    open: readonly ParkedTurn[],
  ): Promise<void> {
    const state = await this.#state(model, streams)
    if (!state) return
    for (const { commandId, commandRevision, payloadHash: given } of open) {
      const found = await this.#find(model, streams, commandId, state)
      const payloadHash = given ?? found?.payloadHash
      // The same id with another payload is another command: that is why it was parked.
      if (!found || (found.payloadHash ?? payloadHash) !== payloadHash) continue
      await appendParked(this.#directory.deps, streams.parked, {
        type: 'reenact.CommandSkipped',
        commandRevision,
        commandId,
        by: 'reenact',
        reason: 'another worker had it decided while it was parked',
      })
    }
  }

  /** Nothing where the actor cannot be replayed: deciding a command meets the same error. */
  async #state(model: Model, { stream }: ActorStreams): Promise<Replayed | undefined> {
    try {
      return await this.#directory.actor(model, stream).current()
    } catch (error) {
      if (isPassing(error)) throw error
      return undefined
    }
  }

  async #find(model: Model, { stream }: ActorStreams, commandId: string, state: Replayed) {
    try {
      return await findOutcome(this.#directory.deps, model, stream, lookupOf(commandId, state))
    } catch (error) {
      if (isPassing(error)) throw error
      return undefined
    }
  }
}

/** The runtime ends, a queue is full, the store is away: it says nothing about the actor. */
const isPassing = (error: unknown): boolean =>
  isReenactError(error, 'Closed') || ['busy', 'transient'].includes(classOf(error))

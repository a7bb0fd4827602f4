// A worker of one reaction: follows the log and posts the commands its events call for.

import type { JsonObject } from '../../runtime/codec/codec.ts'
import type { RecordedEvent } from '../../runtime/ports/event-store.ts'
import type { Again, DeadLetter } from '../dead-letters.ts'
import type { Directory } from '../directory.ts'
import type { Model } from '../model.ts'
import { appendCommands, type Prepared, prepare } from '../post.ts'
import { parkEvent } from './event-letters.ts'
import { hopsMax, hopsOf, nextHop, tooManyHops } from './hops.ts'
import { namesOf, readLogEvent } from './log-event.ts'
import { type FeedHandler, LogFeed } from './log-feed.ts'
import type { ReactionInfo, ReactionModel } from './reaction.ts'
import { stepId } from './step-ids.ts'

/** Counters of a worker since it began. */
export interface ReactionMetrics {
  /** Events it looked at. */
  events: number
  /** Commands it posted. */
  posted: number
  /** Events that became dead letters. */
  parked: number
}

/** What a worker needs. */
export interface ReactionWorkerDeps {
  readonly directory: Directory
  readonly models: ReadonlyMap<string, Model>
  readonly model: ReactionModel
  readonly owner: string
}

/** Runs one reaction while it has the lease. */
export class ReactionWorker {
  readonly model: ReactionModel
  readonly #deps: ReactionWorkerDeps
  readonly #metrics: ReactionMetrics = { events: 0, posted: 0, parked: 0 }
  readonly #feed: LogFeed

  constructor(deps: ReactionWorkerDeps) {
    this.#deps = deps
    this.model = deps.model
    const { name, from } = deps.model
    const types = [...deps.model.types].flatMap((type) => namesOf(from, type))
    const filter = { categories: [from.name], types }
    const options = { name: `reaction:${name}`, owner: deps.owner, filter }
    this.#feed = new LogFeed({ deps: deps.directory.deps, ...options }, () => this.#handler())
  }

  get status() {
    return this.#feed.status
  }

  metrics(): Readonly<ReactionMetrics> {
    return { ...this.#metrics }
  }

  stop(): Promise<void> {
    return this.#feed.stop()
  }

  #handler(): FeedHandler {
    return {
      begin: ({ position, first }) => this.#begin(position, first),
      handle: (events) => this.#handle(events),
      keep: () => '',
      lost: () => {},
      end: async () => {},
    }
  }

  async #begin(position: number, first: boolean): Promise<number> {
    if (!first || this.model.startAt === 'beginning') return position
    const { store } = this.#deps.directory.deps
    const { events } = await store.readAll({ direction: 'backwards', limit: 1 })
    return events[0]?.position ?? 0
  }

  /** What is posted twice, because a crash came before the checkpoint, has the same command id. */
  async #handle(events: readonly RecordedEvent[]): Promise<void> {
    const { directory, models } = this.#deps
    const prepared: Prepared[] = []
    for (const recorded of events) {
      const read = readLogEvent(models, recorded)
      if (!read || !this.model.types.has(read.event.type)) continue
      this.#metrics.events += 1
      const { event } = read
      const info = { ...read.info, eventId: recorded.id }
      const hops = hopsOf(recorded)
      try {
        if (hops >= hopsMax) throw tooManyHops(this.model.name, hops)
        prepared.push(...react(directory, this.model, { event, info, hops }))
      } catch (error) {
        const { position } = recorded
        await parkEvent(directory.deps, this.model.name, { position, event, info, error })
        this.#metrics.parked += 1
      }
    }
    await appendCommands(directory.deps, prepared)
    this.#metrics.posted += prepared.length
  }
}

/** The commands an event calls for. Throws what `send` throws, `InvalidCommand`, `InvalidName`. */
function react(
  { deps }: Directory,
  { name, send, to }: ReactionModel,
  { event, info, hops }: { event: JsonObject; info: ReactionInfo; hops: number },
): readonly Prepared[] {
  const called = [send(event as JsonObject & { type: string }, info) ?? []].flat()
  return called.map(({ id, command }, index) => {
    const options = {
      commandId: stepId(`reaction:${name}`, `${info.eventId}/${index}`, info.time),
      correlationId: info.correlationId ?? info.eventId,
      causationId: info.eventId,
      metadata: nextHop(hops),
    }
    return prepare(deps, to, () => options.commandId, { id, command: command as never, options })
  })
}

/** How a dead letter of a reaction is tried again: the event as it was is given to `send` once more. */
export const reactAgain =
  (directory: Directory, model: ReactionModel): Again =>
  async ({ command, metadata }: DeadLetter) => {
    const info = metadata as unknown as ReactionInfo
    // Who tries again has seen that it is no circle.
    const prepared = react(directory, model, { event: command, info, hops: 0 })
    const [first] = await appendCommands(directory.deps, prepared)
    return first?.revision ?? -1
  }

// Attempts at the commands of one actor: counted durably, and after the last one the command is parked.

import { ReenactError } from '../runtime/core/errors.ts'
import type { RecordedEvent } from '../runtime/ports/event-store.ts'
import type { Claims } from './claims.ts'
import { type ActorStreams, commandIdOf, payloadOf } from './command-stream.ts'
import { classOf, type FailureClass, failureRecord, type RetryPolicies } from './failure.ts'
import { appendParked, type ParkedDeps } from './parked-commands.ts'
import type { WorkerMetrics } from './worker-metrics.ts'

/** What counting needs. */
export interface AttemptDeps {
  readonly directory: { readonly deps: ParkedDeps }
  readonly claims: Claims
  readonly retry: RetryPolicies
  readonly metrics: WorkerMetrics
}

/** A command and why it failed. */
export interface Failed {
  readonly recorded: RecordedEvent
  readonly error: unknown
}

/** The crash that made them suspect, and the one while nothing but this actor's suspects ran. */
const togetherAttempts = 2

export class Attempts {
  readonly #deps: AttemptDeps
  readonly #streams: ActorStreams
  /** Attempts of the command at this revision. */
  #count = 0
  #revision = -1
  /** What this actor had in hand up to here killed the process by itself: those commands are attempted one by one. */
  #narrowedTo = -1
  /** The last command of what is counted; -1 when nothing is. */
  #countedTo = -1

  constructor(deps: AttemptDeps, streams: ActorStreams) {
    this.#deps = deps
    this.#streams = streams
  }

  /**
   * Counts an attempt before it begins. Answers what is to be attempted together, and which attempt it is; nothing
   * when the last one was before: then the first command is parked.
   */
  async begin(
    suspects: readonly RecordedEvent[],
  ): Promise<{ readonly events: readonly RecordedEvent[]; readonly attempt: number } | undefined> {
    const { claims, retry } = this.#deps
    const { commands } = this.#streams
    const [first] = suspects as [RecordedEvent]
    const { revision: from } = first
    const before = await claims.counted(commands, from)
    if (before) this.#narrowedTo = Math.max(this.#narrowedTo, before.to)
    if (before && before.from === before.to && retry.poison.delayMs(before.attempts) === null) {
      const { attempts } = before
      await this.#park({ recorded: first, error: killed(commands, attempts) }, 'poison', attempts)
      return undefined
    }
    // The crash that made them suspect was the first attempt, that of this actor's suspects together the second.
    const attempt = 1 + (before?.attempts ?? 1)
    const events = before ? [first] : suspects
    this.#countedTo = events.at(-1)?.revision ?? from
    await claims.count(commands, { from, to: this.#countedTo, attempts: attempt })
    return { events, attempt }
  }

  /** What was counted, if anything, is decided. Those behind it stay counted as they were when they ran together. */
  async over(): Promise<void> {
    if (this.#countedTo < 0) return
    const { claims } = this.#deps
    const { commands } = this.#streams
    const from = this.#countedTo + 1
    const to = this.#narrowedTo
    this.#countedTo = -1
    if (from > to) await claims.forget(commands)
    else await claims.count(commands, { from, to, attempts: togetherAttempts })
  }

  /**
   * A command failed; `counted` if its attempt was counted before. Answers when to try again, or `null` when it was
   * the last time: it is parked.
   */
  async failed(failed: Failed, counted: number): Promise<number | null> {
    const { claims, retry, metrics } = this.#deps
    const { commands } = this.#streams
    const { revision } = failed.recorded
    if (this.#revision !== revision) {
      this.#revision = revision
      const before =
        counted > 0 ? counted - 1 : (await claims.counted(commands, revision))?.attempts
      this.#count = before ?? 0
    }
    const failure = classOf(failed.error)
    // Waiting for room is no attempt.
    if (failure !== 'busy') this.#count += 1
    const delayMs = retry[failure].delayMs(Math.max(1, this.#count))
    if (delayMs === null) {
      await this.#park(failed, failure, this.#count)
      return null
    }
    metrics.retried += 1
    if (failure !== 'busy') {
      this.#countedTo = revision
      await claims.count(commands, { from: revision, to: revision, attempts: this.#count })
    }
    return delayMs
  }

  async #park({ recorded, error }: Failed, failure: FailureClass, attempts: number): Promise<void> {
    const { claims, directory, metrics } = this.#deps
    const { commands, parked, stream } = this.#streams
    const { revision: commandRevision, metadata } = recorded
    await appendParked(directory.deps, parked, {
      type: 'reenact.CommandParked',
      command: commandOf(recorded),
      commandId: commandIdOf(recorded).commandId,
      commandRevision,
      metadata: objectOf(metadata),
      failure,
      error: failureRecord(error),
      attempts,
      actorRevision: await this.#actorRevision(stream),
    })
    metrics.parked += 1
    this.#narrowedTo = -1
    this.#countedTo = -1
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
}

const killed = (commands: string, attempts: number): ReenactError =>
  new ReenactError(
    'ActorFaulted',
    `The process ended or hung ${attempts} times while it handled this command of ${commands}. Mend what kills it, then retry.`,
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

/** The payload as far as it can be read. */
function commandOf(recorded: RecordedEvent) {
  try {
    return payloadOf(recorded)
  } catch {
    return { type: recorded.type }
  }
}

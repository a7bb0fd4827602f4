// The committed state of a live actor: loaded, kept, refreshed, snapshotted, or faulted.

import { isReenactError, messageOf, ReenactError } from '../runtime/core/errors.ts'
import { activate } from './activation.ts'
import type { ActorDeps } from './actor-deps.ts'
import type { Batch } from './batch.ts'
import { isPassing } from './failure.ts'
import type { Model } from './model.ts'
import { catchUp, type Replayed } from './rehydrate.ts'
import { snapshotKey, writeSnapshot } from './snapshot.ts'

// Errors that already say that it is this actor which cannot go on.
const final: ReadonlySet<string> = new Set(['ActorFaulted', 'HistoryTruncated', 'StreamDeleted'])

/** From so many events on a stream is worth a thought. */
const longEvents = 10_000

const warnOfLength = (stream: string): void =>
  process.emitWarning(
    `${stream} has ${longEvents} events. Snapshots keep it fast; an actor that never ends should close its books and go on as a new one.`,
    { code: 'REENACT_LONG_STREAM' },
  )

/** Holds the state of one stream. Used by one batch at a time. */
export class ResidentState {
  readonly #deps: ActorDeps
  readonly #model: Model
  readonly #stream: string
  #state: Replayed | undefined
  #fault: ReenactError | undefined
  #snapshotRevision = -1
  /** How often the log was changed past this actor. */
  #changes = 0

  constructor(deps: ActorDeps, model: Model, stream: string) {
    this.#deps = deps
    this.#model = model
    this.#stream = stream
  }

  /** The state, while it is in memory. */
  get resident(): Replayed | undefined {
    return this.#state
  }

  /** The state at the log's end as this actor knows it; with `refresh`, as the log has it now. */
  async load(refresh: boolean): Promise<Replayed> {
    if (this.#fault) throw this.#fault
    try {
      const state = this.#state
      if (!state) return await this.#read()
      if (refresh) await catchUp(this.#deps, this.#model, this.#stream, state)
      return state
    } catch (error) {
      this.#state = undefined
      throw this.#faultOf(error)
    }
  }

  /** What was read is kept, unless the log changed meanwhile. */
  async #read(): Promise<Replayed> {
    const changes = this.#changes
    const state = await this.#activate()
    if (changes === this.#changes) this.#state = state
    return state
  }

  /** The state as the log has it, without touching the one in memory. */
  async readBeside(): Promise<Replayed> {
    return (await activate(this.#deps, this.#model, this.#stream, 'now')).state
  }

  /** Takes over what was committed. */
  adopt(batch: Batch, { position, recordedAt }: { position: number; recordedAt: number }): void {
    if (!this.#state) return // While the append was under way the log was found wrong, or written by others.
    const { state } = batch
    const grownLong = this.#state.revision + 1 < longEvents && state.revision + 1 >= longEvents
    if (grownLong) warnOfLength(this.#stream)
    for (const { envelope, firstRevision, revision } of batch.decided) {
      if (revision < firstRevision) continue // It wrote nothing.
      state.commands.add(envelope.checked.commandId, firstRevision, recordedAt)
    }
    state.position = position
    state.recordedAt = recordedAt
    this.#state = state
    if (this.isSnapshotDue(state.revision)) this.#takeSnapshot(state)
  }

  /** Whether a snapshot is to be taken at this revision. */
  isSnapshotDue(revision: number): boolean {
    return revision - this.#snapshotRevision >= this.#deps.limits.snapshotEvery
  }

  /** The log may differ from what is in memory. */
  forget(): void {
    this.#changes += 1
    this.#state = undefined
  }

  /** Stops this actor until it leaves memory, because its log is wrong. */
  fault(cause: ReenactError): void {
    this.#quarantine(this.#asFault(cause))
  }

  #quarantine(fault: ReenactError): void {
    if (!this.#fault) this.#deps.metrics.faults += 1
    this.#fault = fault
    this.forget()
  }

  async #activate(): Promise<Replayed> {
    const activation = await activate(this.#deps, this.#model, this.#stream, 'now')
    this.#deps.metrics.activations += 1
    if (activation.snapshot === 'ignored') this.#deps.metrics.snapshotsIgnored += 1
    this.#snapshotRevision = activation.snapshotRevision
    return activation.state
  }

  #faultOf(error: unknown): ReenactError {
    if (!isReenactError(error)) {
      return new ReenactError(
        'ActorFaulted',
        `${this.#stream} could not be loaded: ${messageOf(error)}. Send again.`,
        { actor: this.#stream },
        error,
      )
    }
    if (isPassing(error) || error.retryable) return error
    const fault = this.#asFault(error)
    this.#quarantine(fault)
    return fault
  }

  #asFault(error: ReenactError): ReenactError {
    if (final.has(error.code)) return error
    const message = `${this.#stream} cannot go on: ${error.message}`
    return new ReenactError('ActorFaulted', message, { actor: this.#stream }, error)
  }

  /** A snapshot that cannot be stored costs time later and nothing else. */
  #takeSnapshot(state: Replayed): void {
    const { store, metrics } = this.#deps
    if (this.#model.snapshotKey === undefined) return
    this.#snapshotRevision = state.revision
    const failed = () => {
      metrics.snapshotsFailed += 1
    }
    try {
      const text = writeSnapshot(this.#model, state)
      store.state.put(snapshotKey(this.#stream), text).then(() => {
        metrics.snapshotsTaken += 1
      }, failed)
    } catch {
      failed()
    }
  }
}

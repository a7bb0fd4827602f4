// One live actor: takes commands in order, decides several at once, appends, and only then answers.

import { sleep } from '../runtime/core/clock.ts'
import { ReenactError } from '../runtime/core/errors.ts'
import { exponential, fullJitter } from '../runtime/core/retry-policy.ts'
import type { AppendOutcome } from '../runtime/ports/event-store.ts'
import type { ActorDeps } from './actor-deps.ts'
import { appendUntilDefinite } from './append.ts'
import { Batch } from './batch.ts'
import type { Envelope } from './envelope.ts'
import type { Model } from './model.ts'
import { findOutcome, isNew, lookupOf, type RawOutcome, usedBefore } from './outcome.ts'
import type { Replayed } from './rehydrate.ts'
import { ResidentState } from './resident-state.ts'

const conflictDelay = exponential({
  delayMsMin: 2,
  delayMsMax: 250,
  attemptsMax: Number.POSITIVE_INFINITY,
})

/** One aggregate in memory. */
export class AggregateActor {
  readonly state: ResidentState
  /** When it was last used, by the monotonic clock. */
  usedAtMs = 0
  readonly #deps: ActorDeps
  readonly #model: Model
  readonly stream: string
  // The rest is allocated while there is something to do: an idle actor is small.
  #mailbox: Envelope[] | undefined
  #inHand: Envelope[] = none
  #running: Promise<void> | undefined

  constructor(deps: ActorDeps, model: Model, stream: string) {
    this.#deps = deps
    this.#model = model
    this.stream = stream
    this.state = new ResidentState(deps, model, stream)
  }

  /** Nothing waits and nothing runs: it may be put out of memory. */
  get idle(): boolean {
    return this.#running === undefined
  }

  /** Takes a command, or throws `Overloaded`. */
  post(envelope: Envelope): void {
    const { mailboxMax } = this.#deps.limits
    const mailbox = this.#mailbox
    if (mailbox && mailbox.length >= mailboxMax) {
      this.#deps.metrics.overloaded += 1
      throw new ReenactError(
        'Overloaded',
        `${mailboxMax} commands already wait at ${this.stream}. Slow down and send again.`,
        { queue: `mailbox of ${this.stream}`, limit: mailboxMax },
      )
    }
    // An array that begins with one element takes a tenth of one that is pushed to.
    if (mailbox) mailbox.push(envelope)
    else this.#mailbox = [envelope]
    this.#running ??= this.#run()
  }

  /** Takes a command that was given up out of the queue. */
  leave(envelope: Envelope): void {
    const at = this.#mailbox?.indexOf(envelope) ?? -1
    if (at >= 0) this.#mailbox?.splice(at, 1)
  }

  /** Gives up: what was begun is unknown, the rest was not applied. */
  halt(notBegun: ReenactError): void {
    for (const envelope of this.#mailbox?.splice(0) ?? []) this.#fail(envelope, notBegun)
    for (const envelope of this.#inHand) this.#fail(envelope, envelope.unknown(this.stream))
  }

  /** Resolves when nothing is left to do. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  /** The committed state. With other writers about, what they wrote is read first. */
  async current(): Promise<Replayed> {
    if (this.#deps.exclusive && this.state.resident) return this.state.resident
    if (this.#running !== undefined) return this.state.readBeside()
    const reading = this.state.load(true)
    // Commands that come meanwhile wait until the state is read.
    this.#running = reading.then(noop, noop).then(() => this.#run())
    return reading
  }

  async #run(): Promise<void> {
    await undefined // Everything sent in this turn joins the batch.
    while (this.#mailbox && this.#mailbox.length > 0) await this.#handleBatch()
    this.#mailbox = undefined
    this.#running = undefined
  }

  /** 1 load, 2 decide what waits, 3 append, 4 answer; after a conflict again from 1. */
  async #handleBatch(): Promise<void> {
    try {
      for (let attempt = 1; ; attempt += 1) {
        const state = this.state.resident ?? (await this.state.load(false))
        const batch = new Batch(this.#model, this.stream, this.#deps, state)
        if (attempt === 1) this.#inHand = none
        // Most batches are decided without waiting for anything.
        const deciding =
          attempt === 1 ? this.#decideWaiting(batch, state) : this.#decideAgain(batch, state)
        if (deciding !== undefined) await deciding
        const answered =
          batch.events.length === 0
            ? await this.#answerWithoutEvents(batch, state)
            : this.#answerAppended(batch, state, await this.#append(batch, state))
        if (answered) return
        if (attempt >= this.#deps.limits.conflictAttemptsMax) throw this.#tooManyConflicts(attempt)
        const delayMs = conflictDelay.delayMs(attempt) ?? 0
        await sleep(this.#deps.timers, fullJitter(this.#deps.ports.random, delayMs))
        await this.state.load(true)
      }
    } catch (error) {
      // Everything in hand fails; where the actor itself is lost, what waits fails too.
      for (const envelope of this.#inHand) this.#fail(envelope, error)
      if (this.state.resident) return
      for (const envelope of this.#mailbox?.splice(0) ?? []) this.#fail(envelope, error)
    } finally {
      this.#inHand = none
    }
  }

  #decideWaiting(batch: Batch, state: Replayed): Promise<void> | undefined {
    while (this.#mailbox && this.#mailbox.length > 0 && !batch.full) {
      const envelope = this.#mailbox[0] as Envelope
      if (batch.has(envelope.checked.commandId)) return undefined // It will find the outcome of the first.
      this.#mailbox.shift()
      envelope.begun = true
      if (this.#inHand === none) this.#inHand = [envelope]
      else this.#inHand.push(envelope)
      if (envelope.checked.mayRepeat && !isNew(lookupOf(envelope.checked.commandId, state))) {
        return this.#answerThenDecide(batch, state, envelope)
      }
      if (!this.#decide(batch, [envelope])) return undefined
    }
    return undefined
  }

  async #answerThenDecide(batch: Batch, state: Replayed, envelope: Envelope): Promise<void> {
    const answered = await this.#answerFromLog(envelope, state, batch)
    if (answered || this.#decide(batch, [envelope])) await this.#decideWaiting(batch, state)
  }

  /** Decides the first of these. `false`: it does not fit into this append, all of them wait for the next one. */
  #decide(batch: Batch, envelopes: readonly Envelope[]): boolean {
    if (batch.add(envelopes[0] as Envelope, this.#deps.ports.clock.now())) return true
    const rest = new Set(envelopes)
    this.#inHand = this.#inHand.filter((envelope) => !rest.has(envelope))
    for (const envelope of envelopes) envelope.begun = false
    this.#mailbox = [...envelopes, ...(this.#mailbox ?? [])]
    return false
  }

  /** After a conflict the stream may hold any of these commands. */
  async #decideAgain(batch: Batch, state: Replayed): Promise<void> {
    const again = this.#inHand.filter((envelope) => !envelope.settled)
    this.#inHand = again
    for (const [index, envelope] of again.entries()) {
      if (await this.#answerFromLog(envelope, state, batch)) continue
      if (!this.#decide(batch, again.slice(index))) return
    }
  }

  /** Answers a command whose outcome the log holds. `true`: the envelope is settled. */
  async #answerFromLog(envelope: Envelope, state: Replayed, batch: Batch): Promise<boolean> {
    const { commandId, payloadHash } = envelope.checked
    try {
      const lookup = lookupOf(commandId, state)
      const found = await findOutcome(this.#deps, this.#model, this.stream, lookup)
      if (!found) return false
      if (found.payloadHash !== undefined && found.payloadHash !== payloadHash) {
        throw usedBefore(this.stream, commandId, found.revision)
      }
      const outcome = await found.read()
      this.#deps.metrics.duplicates += 1
      batch.pass(envelope.checked)
      envelope.succeed(outcome)
    } catch (error) {
      this.#fail(envelope, error)
    }
    return true
  }

  #append({ events, state }: Batch, { revision: expected }: Replayed): Promise<AppendOutcome> {
    // Snapshots hold it, and nothing else relies on it.
    const timeNeeded = this.state.isSnapshotDue(state.revision)
    return appendUntilDefinite(this.#deps, { stream: this.stream, events, expected, timeNeeded })
  }

  /** Answers what was appended. `false`: another writer was first, decide again. */
  #answerAppended(batch: Batch, state: Replayed, outcome: AppendOutcome): boolean {
    switch (outcome.outcome) {
      case 'committed':
        this.state.adopt(batch, outcome)
        this.#answer(batch, outcome.position)
        return true
      case 'conflict':
        this.#deps.metrics.conflicts += 1
        return false
      case 'refused':
        this.#refuse(batch, state, outcome.error)
        return true
      default: // Halted: the log knows, we do not.
        this.state.forget()
        for (const { envelope } of batch.decided) {
          this.#fail(envelope, envelope.unknown(this.stream, outcome.error))
        }
        return true
    }
  }

  /** Nothing to write. With other writers about, an answer is given only from the log's present end. */
  async #answerWithoutEvents(batch: Batch, { revision, position }: Replayed): Promise<boolean> {
    if (!this.#deps.exclusive && batch.decided.length > 0) {
      if ((await this.state.load(true)).revision !== revision) return false
    }
    this.#answer(batch, position)
    return true
  }

  #answer(batch: Batch, position: number): void {
    for (const decided of batch.decided) this.#tell(batch, decided, position)
  }

  #tell(batch: Batch, decided: Batch['decided'][number], position: number): void {
    try {
      this.#succeed(decided.envelope, batch.outcomeOf(decided, position))
    } catch (error) {
      this.#fail(decided.envelope, error)
    }
  }

  #refuse(batch: Batch, { position }: Replayed, error: ReenactError): void {
    for (const decided of batch.decided) {
      // What was decided before the first event does not depend on the append.
      if (decided.events > 0) this.#fail(decided.envelope, error)
      else this.#tell(batch, decided, position)
    }
    if (error.code === 'AheadOfLog') this.state.fault(error)
    else if (!error.retryable) this.state.forget() // The log may not be what it was thought to be.
  }

  #succeed(envelope: Envelope, outcome: RawOutcome): void {
    if (envelope.settled) return
    if (outcome.accepted) this.#deps.metrics.accepted += 1
    else this.#deps.metrics.rejected += 1
    envelope.succeed(outcome)
  }

  #fail(envelope: Envelope, error: unknown): void {
    if (envelope.settled) return
    this.#deps.metrics.failed += 1
    envelope.fail(error)
  }

  #tooManyConflicts(attempts: number): ReenactError {
    return new ReenactError(
      'Conflict',
      `Other writers of ${this.stream} were first ${attempts} times. The command was not applied; send it again.`,
      { actor: this.stream, attempts },
    )
  }
}

/** Shared by all idle actors; never changed. */
const none: Envelope[] = []

const noop = (): void => {}

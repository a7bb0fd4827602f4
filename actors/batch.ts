// The commands an actor decides together, against the state as it grows, and appends at once.

import { encode } from '../runtime/codec/codec.ts'
import { writeMetadata } from '../runtime/codec/metadata.ts'
import { ReenactError } from '../runtime/core/errors.ts'
import { batchBytesMax, eventBytes, eventBytesMax } from '../runtime/core/limits.ts'
import type { EventToAppend } from '../runtime/ports/event-store.ts'
import type { CheckedCommand } from './command.ts'
import { type DecidedEvent, type Decision, decideFor } from './decide.ts'
import type { Envelope } from './envelope.ts'
import type { Snapshot } from './machine.ts'
import type { Model } from './model.ts'
import type { RawOutcome } from './outcome.ts'
import { identify } from './recorded.ts'
import type { Replayed } from './rehydrate.ts'

/** More commands wait for the next append. */
const eventsMax = 512
/** Up to so many characters the record of a refusal holds the whole command. */
const recordedLengthMax = 256 * 1024
/** A sender's clock may be so far ahead. */
const aheadMaxMs = 5 * 60_000

/** A command that was decided and what it is to be told. */
interface Decided {
  readonly envelope: Envelope
  /** Or why it cannot be decided: that too is told only when the state it rests on is known to hold. */
  readonly decision: Decision | { readonly error: unknown }
  /** The state after it. */
  readonly snapshot: Snapshot
  readonly revision: number
  readonly time: number
  readonly firstRevision: number
  /** How many events of the batch are up to here. */
  readonly events: number
}

/** What becomes an event of the log. */
type Recordable = Pick<DecidedEvent, 'type' | 'version' | 'data'>

/** What one command would write. */
interface Encoded {
  readonly events: readonly EventToAppend[]
  readonly bytes: number
  /** Hash of the last event. */
  readonly hash: string
}

/** Collects decisions. The actor's own state is not touched before the commit. */
export class Batch {
  readonly events: EventToAppend[] = []
  readonly decided: Decided[] = []
  readonly #model: Model
  readonly #stream: string
  readonly #writer: string
  readonly #committed: Replayed
  #ids: Set<string> | undefined
  #bytes = 0
  /** The state as it grows. Its command window is still the committed one. */
  readonly state: Replayed

  constructor(model: Model, stream: string, writer: string, committed: Replayed) {
    this.#model = model
    this.#stream = stream
    this.#writer = writer
    this.#committed = committed
    this.state = { ...committed }
  }

  /** Whether this id is part of the batch: the second must wait for the first. */
  has(commandId: string): boolean {
    return this.#ids?.has(commandId) ?? false
  }

  get full(): boolean {
    return this.events.length >= eventsMax
  }

  /** Decides one command. `false`: it does not fit into this append any more, nothing was changed. */
  add(envelope: Envelope, nowMs: number): boolean {
    const { checked } = envelope
    const firstRevision = this.state.revision + 1
    let decision: Decided['decision']
    try {
      this.#checkTurn(checked)
      const unmet = this.#unmetExpectation(checked)
      const time = this.#timeOf(checked, nowMs)
      decision = unmet ?? this.#decide(checked)
      const made = this.#encode(checked, this.#recordsOf(checked, decision), time)
      if (this.#bytes + made.bytes > batchBytesMax && this.events.length > 0) return false
      this.#take(made, time)
      if (checked.turn) this.state.commandRevision = checked.turn.revision
      if (decision.accepted) this.state.snapshot = decision.snapshot
    } catch (error) {
      decision = { error }
    }
    // Only an id the caller gave can come again.
    if (checked.mayRepeat) {
      this.#ids ??= new Set()
      this.#ids.add(checked.commandId)
    }
    const { snapshot, revision, time } = this.state
    this.decided.push({
      envelope,
      decision,
      snapshot,
      revision,
      time,
      firstRevision,
      events: this.events.length,
    })
    return true
  }

  #decide(checked: CheckedCommand): Decision {
    const { snapshot } = this.state
    if (checked.turn?.passed) return { accepted: true, events: [], snapshot }
    return decideFor(this.#stream, this.#model, snapshot, checked.read())
  }

  /** The command was handled before: the next of its command stream has its turn. */
  pass({ turn }: CheckedCommand): void {
    if (turn?.after !== this.state.commandRevision) return
    this.state.commandRevision = turn.revision
    if (this.decided.length === 0) this.#committed.commandRevision = turn.revision
  }

  /**
   * What each command is told once the batch is committed, its last event at `position`. Throws what kept it
   * from being decided.
   */
  outcomeOf(decided: Decided, position: number): RawOutcome {
    const { decision, snapshot, revision, time, events } = decided
    if ('error' in decision) throw decision.error
    const { commandId } = decided.envelope.checked
    // The events of one append stand together in the log.
    const own = events === 0 ? this.#committed.position : position - (this.events.length - events)
    const state = { snapshot, revision, position: own, time }
    if (!decision.accepted) {
      return { commandId, duplicate: false, state, accepted: false, ...decision.refusal }
    }
    const made = decision.events.map(({ event }) => event)
    return { commandId, duplicate: false, state, accepted: true, events: made }
  }

  /** Commands of a command stream are decided one after the other, whoever hands them in. */
  #checkTurn({ turn }: CheckedCommand): void {
    const { commandRevision } = this.state
    if (!turn || turn.after === commandRevision) return
    throw new ReenactError(
      'WrongExpectedRevision',
      `Command ${turn.revision} for ${this.#stream} follows ${turn.after}, but ${commandRevision} was handled last. Read the command stream from there.`,
      {
        stream: `commands of ${this.#stream}`,
        expected: String(turn.after),
        actual: commandRevision,
      },
    )
  }

  /** Of a posted command the outcome is recorded; a sender is told at once. */
  #unmetExpectation({
    turn,
    options: { expectedRevision = 'any' },
  }: CheckedCommand): Decision | undefined {
    const { revision, started } = this.state
    const met =
      expectedRevision === 'any' ||
      (expectedRevision === 'none'
        ? !started
        : expectedRevision === 'exists'
          ? started
          : expectedRevision === revision)
    if (met) return undefined
    if (turn) {
      const details = { expected: expectedRevision, actual: revision }
      const reason = 'WrongExpectedRevision'
      return { accepted: false, refusal: { guards: [], reason, details } }
    }
    throw new ReenactError(
      'WrongExpectedRevision',
      `${this.#stream} is at revision ${revision}, not at ${expectedRevision}. Read its state and decide again.`,
      { stream: this.#stream, expected: String(expectedRevision), actual: revision },
    )
  }

  #timeOf({ occurredAt, options }: CheckedCommand, nowMs: number): number {
    const lastTime = this.state.time
    if (occurredAt === undefined) return Math.max(nowMs, lastTime)
    if (occurredAt > nowMs + aheadMaxMs) {
      throw new ReenactError(
        'TooFarAhead',
        `'occurredAt' ${iso(occurredAt)} for ${this.#stream} is more than five minutes after now, ${iso(nowMs)}. Correct it, or the clock.`,
        { actor: this.#stream, occurredAt, now: nowMs },
      )
    }
    if (occurredAt < lastTime && !options.late) {
      throw new ReenactError(
        'OutOfOrder',
        `'occurredAt' ${iso(occurredAt)} is before the last event of ${this.#stream}, ${iso(lastTime)}. Send in order, or with 'late: true'.`,
        { actor: this.#stream, occurredAt, lastTime },
      )
    }
    return occurredAt
  }

  /** What is written: the events, or for a command that may come again the outcome itself. */
  #recordsOf(checked: CheckedCommand, decision: Decision): readonly Recordable[] {
    if (decision.accepted && decision.events.length > 0) return decision.events
    if (!checked.mayRepeat) return []
    // The outcome must be recorded also where the command would not fit beside it.
    const { type: commandType, length } = checked
    const payload = length > recordedLengthMax ? { type: commandType } : checked.payload
    const type = decision.accepted ? 'reenact.NoEffect' : 'reenact.Rejected'
    const data = decision.accepted
      ? { command: payload }
      : { command: payload, state: this.state.snapshot.value, ...decision.refusal }
    const text = encode(data, { what: `The record of command '${checked.type}'` })
    return [{ type, version: 1, data: text }]
  }

  /** The events as they will be appended. Throws `TooLarge`. */
  #encode(checked: CheckedCommand, records: readonly Recordable[], time: number): Encoded {
    let { revision, hash } = this.state
    let bytes = 0
    const events: EventToAppend[] = []
    for (const { type, version, data } of records) {
      revision += 1
      const metadata = this.#metadata(checked, version, time, hash)
      const own = eventBytes(type, data, metadata)
      if (own > eventBytesMax) throw this.#tooLarge(`Event '${type}'`, checked, own, eventBytesMax)
      bytes += own
      const made = identify({ stream: this.#stream, revision, type, data, metadata })
      hash = made.hash
      events.push(made.event)
    }
    if (bytes > batchBytesMax) throw this.#tooLarge('All events', checked, bytes, batchBytesMax)
    return { events, bytes, hash }
  }

  #take({ events, bytes, hash }: Encoded, time: number): void {
    if (events.length === 0) return
    const { state } = this
    for (const event of events) {
      this.events.push(event)
      if (!state.started && this.#model.events.has(event.type)) state.started = true
    }
    this.#bytes += bytes
    state.revision += events.length
    state.hash = hash
    state.time = Math.max(state.time, time)
  }

  #tooLarge(
    what: string,
    { type }: CheckedCommand,
    bytes: number,
    limitBytes: number,
  ): ReenactError {
    return new ReenactError(
      'TooLarge',
      `${what} of command '${type}' for ${this.#stream} would take ${bytes} bytes, over ${limitBytes}. Emit less, or keep large data elsewhere and emit its address.`,
      { what: `${what} of '${type}'`, bytes, limitBytes },
    )
  }

  #metadata(
    { commandId, custom, options, payloadHash, turn }: CheckedCommand,
    schemaVersion: number,
    time: number,
    previousHash: string,
  ): string {
    const { correlationId = commandId, causationId = commandId, traceparent } = options
    return writeMetadata({
      schemaVersion,
      time,
      commandId,
      late: time < this.state.time,
      payloadHash,
      $correlationId: correlationId,
      $causationId: causationId,
      writer: this.#writer,
      previousHash,
      traceparent,
      commandRevision: turn?.revision ?? this.state.commandRevision,
      custom,
    })
  }
}

const iso = (time: number): string => new Date(time).toISOString()

// The commands an actor decides together, against the state as it grows, and appends at once.

import { encode } from '../runtime/codec/codec.ts'
import { ReenactError } from '../runtime/core/errors.ts'
import { batchBytesMax } from '../runtime/core/limits.ts'
import type { EventToAppend } from '../runtime/ports/event-store.ts'
import type { ActorDeps } from './actor-deps.ts'
import type { CheckedCommand } from './command.ts'
import { type Decision, decideFor } from './decide.ts'
import { type Encoded, encodeEvents, type Recordable } from './encoded-events.ts'
import type { Envelope } from './envelope.ts'
import type { Snapshot } from './machine.ts'
import type { Model } from './model.ts'
import type { RawOutcome } from './outcome.ts'
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

/** Collects decisions. The actor's own state is not touched before the commit. */
export class Batch {
  #events: EventToAppend[] = []
  #decided: Decided[] = []
  readonly #model: Model
  readonly #stream: string
  readonly #writer: string
  readonly #streamEventsMax: number
  readonly #committed: Replayed
  #ids: Set<string> | undefined
  #bytes = 0
  /** The state as it grows. Its command window is still the committed one. */
  readonly state: Replayed

  constructor(
    model: Model,
    stream: string,
    { writer, limits }: Pick<ActorDeps, 'writer' | 'limits'>,
    committed: Replayed,
  ) {
    this.#model = model
    this.#stream = stream
    this.#writer = writer
    this.#streamEventsMax = limits.streamEventsMax
    this.#committed = committed
    this.state = { ...committed }
  }

  /** What is to be appended. */
  get events(): readonly EventToAppend[] {
    return this.#events
  }

  /** In order. */
  get decided(): readonly Decided[] {
    return this.#decided
  }

  /** Whether this id is part of the batch: the second must wait for the first. */
  has(commandId: string): boolean {
    return this.#ids?.has(commandId) ?? false
  }

  get full(): boolean {
    return this.#events.length >= eventsMax
  }

  /** Decides one command. `false`: it does not fit into this append any more, nothing was changed. */
  add(envelope: Envelope, nowMs: number): boolean {
    const { checked } = envelope
    const firstRevision = this.state.revision + 1
    let decision: Decided['decision']
    try {
      this.#checkRoom()
      this.#checkTurn(checked)
      const unmet = this.#unmetExpectation(checked)
      const time = this.#timeOf(checked, nowMs)
      decision = unmet ?? this.#decide(checked)
      const records = this.#recordsOf(checked, decision)
      const made = encodeEvents(this.#stream, this.#writer, this.state, { checked, records, time })
      if (this.#bytes + made.bytes > batchBytesMax && this.#events.length > 0) return false
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
    const events = this.#events.length
    const decided = { envelope, decision, snapshot, revision, time, firstRevision, events }
    if (this.#decided.length === 0) this.#decided = [decided]
    else this.#decided.push(decided)
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
    // Without events there will be no commit to take it over.
    if (this.#events.length === 0) this.#committed.commandRevision = turn.revision
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
    const own = events === 0 ? this.#committed.position : position - (this.#events.length - events)
    const state = { snapshot, revision, position: own, time }
    if (!decision.accepted) {
      return { commandId, duplicate: false, state, accepted: false, ...decision.refusal }
    }
    const made = decision.events.map(({ event }) => event)
    return { commandId, duplicate: false, state, accepted: true, events: made }
  }

  #checkRoom(): void {
    const limit = this.#streamEventsMax
    if (this.state.revision + 1 < limit) return
    throw new ReenactError(
      'StreamFull',
      `${this.#stream} has ${limit} events, as many as 'streamEventsMax' allows. Close its books and go on with a new actor, or raise the limit.`,
      { stream: this.#stream, limit },
    )
  }

  /** Commands of a command stream are decided one after the other, whoever hands them in. */
  #checkTurn({ turn }: CheckedCommand): void {
    const { commandRevision } = this.state
    if (!turn || (turn.after === commandRevision && !turn.page.missed)) return
    // Whoever took its turn may have parked it: then a repetition further on must not be decided either.
    turn.page.missed = true
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
    const text = encode(data, {
      what: `The record of command '${checked.type}'`,
      isRecord: true,
    })
    return [{ type, version: 1, data: text }]
  }

  #take({ events, bytes, hash }: Encoded, time: number): void {
    if (events.length === 0) return
    const { state } = this
    if (this.#events.length === 0) this.#events = events
    else this.#events.push(...events)
    state.started ||= events.some(({ type }) => this.#model.events.has(type))
    this.#bytes += bytes
    state.revision += events.length
    state.hash = hash
    state.time = Math.max(state.time, time)
  }
}

const iso = (time: number): string => new Date(time).toISOString()

// The handle of one actor: cheap, never stale, valid whether the actor is in memory or not.

import type { Observable } from 'rxjs'
import type { RuntimeRecord } from '../runtime/codec/runtime-records.ts'
import { activate } from './activation.ts'
import { stateOf } from './actor-view.ts'
import { type Aggregate, modelOf } from './aggregate.ts'
import { type Permission, permissions } from './can.ts'
import { type ActorChange, changes } from './changes.ts'
import { checkCommand, noOptions, type SendOptions } from './command.ts'
import { decideFor, type Refusal } from './decide.ts'
import type { Directory } from './directory.ts'
import { Envelope } from './envelope.ts'
import { type Model, stateText } from './model.ts'
import type { Moment } from './moment.ts'
import { type RawOutcome, viewOf } from './outcome.ts'
import {
  type Difference,
  differenceBetween,
  history,
  type TimelineEntry,
  timeline,
} from './timeline.ts'
import type { ActorEvent, ActorState, AnyAggregate, CommandOf, EventOf } from './types.ts'
import { type Verification, verify } from './verify.ts'

interface Answered<A extends AnyAggregate> {
  /** The id the command was sent under, given or made. */
  readonly commandId: string
  /** The command had come before: this is its first outcome. */
  readonly duplicate: boolean
  /** The state right after the command. */
  readonly state: ActorState<A>
  /** Revision of the actor right after the command. */
  readonly revision: number
  /** Position of its last event in the log. */
  readonly position: number
}

/** The command was taken; its events, if any, are durable. */
export interface Accepted<A extends AnyAggregate = AnyAggregate> extends Answered<A> {
  /** Always true: tells it from {@link Rejected}. */
  readonly accepted: true
  /** What happened, in order; empty where the command changed nothing. */
  readonly events: readonly EventOf<A>[]
}

/** The command was refused. A value, not an exception: the business said no. */
export interface Rejected<A extends AnyAggregate = AnyAggregate> extends Answered<A>, Refusal {
  /** Always false: tells it from {@link Accepted}. */
  readonly accepted: false
  /** One sentence for people. */
  readonly message: string
}

/** What became of a command. */
export type SendResult<A extends AnyAggregate = AnyAggregate> = Accepted<A> | Rejected<A>

/** Whether one command would be taken. */
export type Answer = { readonly can: 'yes' } | ({ readonly can: 'no' } & Refusal)

/** One aggregate instance. Get it from `runtime.actor(Account, 'ann')`; keep it or get it anew, as you like. */
export class Actor<A extends AnyAggregate = AnyAggregate> {
  /** The id as given. */
  readonly id: string
  /** The stream its events are in. */
  readonly stream: string
  readonly #directory: Directory
  readonly #model: Model
  readonly #newId: () => string

  /** @internal */
  constructor(
    directory: Directory,
    aggregate: Aggregate,
    names: { readonly id: string; readonly stream: string },
    newId: () => string,
  ) {
    this.#directory = directory
    this.#model = modelOf(aggregate)
    this.#newId = newId
    this.id = names.id
    this.stream = names.stream
  }

  /**
   * Sends a command and waits until its outcome is durable.
   *
   * @throws `InvalidCommand` for a command that fails its schema or cannot be stored
   * @throws `WrongExpectedRevision`, `OutOfOrder`, `TooFarAhead`, `IdempotencyMismatch` by its options
   * @throws `Overloaded`, `Timeout`, `Aborted`, `Conflict`, `Closed`, `ReadOnly`, `DiskFull`: it was not applied
   * @throws `UnknownOutcome`: send it again with the same `commandId`
   * @throws `ActorFaulted`, `InvalidMachine`, `InvalidEvent`, `UnexpectedEvent`, `TooLarge`: mend the machine
   * @throws `HistoryTruncated`, `StreamDeleted`: this actor is gone
   * @example
   * ```ts
   * const result = await ann.send({ type: 'withdraw', amount: 30 })
   * if (!result.accepted) console.log(result.message)
   * ```
   */
  send(command: CommandOf<A>, options: SendOptions = noOptions): Promise<SendResult<A>> {
    // One promise for the whole way: what is thrown in here rejects it.
    return new Promise((resolve, reject) => {
      this.#directory.checkOpen()
      const checked = checkCommand(this.#model, this.stream, command, options, this.#newId)
      const answer = (outcome: RawOutcome) =>
        resolve(resultOf<A>(this.#model, checked.type, outcome))
      this.#directory.send(this.#model, this.stream, new Envelope(checked, answer, reject))
    })
  }

  /**
   * The state now, after every command whose outcome is known. It brings the actor into memory.
   *
   * @throws `ActorFaulted` where the log cannot be replayed: its `cause` says why; `HistoryTruncated` and
   * `StreamDeleted` where it is gone
   * @throws `StoreFailed`, `StoreUnreadable`, `Closed` where the store cannot be read
   * @example
   * ```ts
   * const { value, context, revision } = await ann.state()
   * ```
   */
  async state(): Promise<ActorState<A>> {
    const replayed = await this.#directory.actor(this.#model, this.stream).current()
    return stateOf<A>(viewOf(replayed))
  }

  /**
   * What the present state says to each command type: `yes`, `no`, or `depends` where guards look at the payload.
   * With a command the guards are run: whether it would be taken now, and if not, why. Nothing is written, and the
   * answer may be outdated when the command is sent.
   *
   * @throws `InvalidCommand` for a command that fails its schema or cannot be stored
   * @throws `ActorFaulted` where a guard throws, and what {@link state} throws
   * @example
   * ```ts
   * const buttons = await ann.can() // { deposit: 'yes', withdraw: 'depends', open: 'no' }
   * const { can } = await ann.can({ type: 'withdraw', amount: 30 }) // 'yes' or 'no'
   * ```
   */
  can(): Promise<Readonly<Record<CommandOf<A>['type'], Permission>>>
  can(command: CommandOf<A>): Promise<Answer>
  async can(command?: CommandOf<A>): Promise<object> {
    const { snapshot } = await this.#directory.actor(this.#model, this.stream).current()
    if (command === undefined) return permissions(this.#model, snapshot)
    const checked = checkCommand(this.#model, this.stream, command, noOptions, this.#newId)
    const decision = decideFor(this.stream, this.#model, snapshot, checked.read())
    return decision.accepted ? { can: 'yes' } : { can: 'no', ...decision.refusal }
  }

  /**
   * Its events as they are in the log, and the runtime's records of refusals, oldest first. Ignored types are left
   * out. All of it is held in memory.
   *
   * @param until - leave out what came after this moment. Default: everything
   * @throws `CorruptEvent`, `UnknownEvent`, `NewerSchema` for an event that cannot be read, `InvalidOption` when
   * the moment is none
   * @example
   * ```ts
   * for (const { event, time, commandId } of await ann.history()) console.log(new Date(time), event, commandId)
   * ```
   */
  history(until?: Moment): Promise<readonly ActorEvent<EventOf<A> | RuntimeRecord>[]> {
    return history<A>(this.#deps, this.#model, this.stream, until)
  }

  /**
   * The state at a moment, rebuilt from the events alone.
   *
   * @throws `InvalidOption` when the moment is none
   * @throws `CorruptEvent`, `UnknownEvent`, `NewerSchema`, `RevisionGap`, `ActorFaulted`, `HistoryTruncated`
   * where the log cannot be replayed
   * @example
   * ```ts
   * const then = await ann.replay({ at: '2026-01-31T12:00:00Z' })
   * ```
   */
  async replay(moment: Moment): Promise<ActorState<A>> {
    const { state } = await activate(this.#deps, this.#model, this.stream, moment)
    return stateOf<A>(viewOf(state))
  }

  /**
   * Every event with its cause, the state before and after, and what changed: {@link history} for people who ask why.
   * All of it is held in memory.
   *
   * @param until - leave out what came after this moment. Default: everything
   * @throws what {@link replay} throws
   * @example
   * ```ts
   * for (const { event, changes } of await ann.timeline()) console.log(event.type, changes)
   * // Deposited [ { path: 'context.balance', before: 0, after: 50 } ]
   * ```
   */
  timeline(until?: Moment): Promise<readonly TimelineEntry<A>[]> {
    return timeline<A>(this.#deps, this.#model, this.stream, until)
  }

  /**
   * What differs between two moments, in either order: both states, and each value that is not the same by its path.
   *
   * @throws what {@link replay} throws
   * @example
   * ```ts
   * const { changes } = await ann.diff({ at: '2026-01-01T00:00:00Z' }, { revision: 7 })
   * // [ { path: 'context.balance', before: 50, after: 20 } ]
   * ```
   */
  diff(from: Moment, to: Moment): Promise<Difference<A>> {
    return differenceBetween<A>(this.#deps, this.#model, this.stream, [from, to])
  }

  /**
   * Checks its whole stream: hashes, ids, the chain they form, and that two replays give the same state. What is wrong
   * comes as `problems`, not as an exception; a wrong hash stops this actor until it leaves memory.
   *
   * @throws `StoreFailed`, `StoreUnreadable`, `Closed` where the store cannot be read at all
   * @example
   * ```ts
   * const { ok, verified, unverified, problems } = await ann.verify()
   * ```
   */
  async verify(): Promise<Verification> {
    const result = await verify(this.#deps, this.#model, this.stream)
    const wrong = result.problems.find(({ code }) => code === 'CorruptEvent')
    if (wrong) this.#directory.actor(this.#model, this.stream).state.fault(wrong)
    return result
  }

  /**
   * Every event committed from the moment of subscribing, with the state after it: in order, none missing, none twice,
   * whoever wrote it. It ends when the store closes, and with an error where an event cannot be read. Events that come
   * while a subscriber is busy wait in the log, not in memory.
   *
   * @example
   * ```ts
   * const subscription = ann.changes.subscribe(({ event, state }) => console.log(event.type, state.context))
   * subscription.unsubscribe()
   * ```
   */
  get changes(): Observable<ActorChange<A>> {
    return changes<A>(this.#deps, this.#model, this.stream)
  }

  get #deps() {
    return this.#directory.deps
  }
}

/** Why a command is refused where neither a guard nor a `reject` says so. */
const unanswered = {
  active: 'no transition takes it',
  done: 'the state is final',
} as const

/** What a sender is told. */
export function resultOf<A extends AnyAggregate>(
  model: Model,
  type: string,
  outcome: RawOutcome,
): SendResult<A> {
  const { commandId, duplicate } = outcome
  const state = stateOf<A>(outcome.state)
  const { revision, position } = state
  if (outcome.accepted) {
    const events = outcome.events as readonly EventOf<A>[]
    return { accepted: true, commandId, duplicate, state, revision, position, events }
  }
  const { guards, reason, details } = outcome
  const why =
    reason ?? (guards.length > 0 ? `guard ${guards.join(', ')}` : unanswered[state.status])
  const message = `'${type}' was refused by ${model.name} in state '${stateText(state.value)}': ${why}`
  return {
    accepted: false,
    commandId,
    duplicate,
    state,
    revision,
    position,
    message,
    guards,
    ...(reason === undefined ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
  }
}

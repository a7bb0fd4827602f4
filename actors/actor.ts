// The handle of one actor: cheap, never stale, valid whether the actor is in memory or not.

import type { Observable } from 'rxjs'
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
import type {
  ActorEvent,
  ActorState,
  AnyAggregate,
  CommandOf,
  EventOf,
  RuntimeRecord,
} from './types.ts'
import { type Verification, verify } from './verify.ts'

interface Answered<A extends AnyAggregate> {
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
  readonly accepted: true
  readonly events: readonly EventOf<A>[]
}

/** The command was refused. A value, not an exception: the business said no. */
export interface Rejected<A extends AnyAggregate = AnyAggregate> extends Answered<A>, Refusal {
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
      const checked = checkCommand(this.#model, this.stream, command, options, this.#newId)
      const answer = (outcome: RawOutcome) =>
        resolve(resultOf<A>(this.#model, checked.type, outcome))
      this.#directory.send(this.#model, this.stream, new Envelope(checked, answer, reject))
    })
  }

  /** The state now. */
  async state(): Promise<ActorState<A>> {
    const replayed = await this.#directory.actor(this.#model, this.stream).current()
    return stateOf<A>(viewOf(replayed))
  }

  /** What the present state says to each command type; with a command, whether it would be taken. */
  can(): Promise<Readonly<Record<CommandOf<A>['type'], Permission>>>
  can(command: CommandOf<A>): Promise<Answer>
  async can(command?: CommandOf<A>): Promise<object> {
    const { snapshot } = await this.#directory.actor(this.#model, this.stream).current()
    if (command === undefined) return permissions(this.#model, snapshot)
    const checked = checkCommand(this.#model, this.stream, command, noOptions, this.#newId)
    const decision = decideFor(this.stream, this.#model, snapshot, checked.read())
    return decision.accepted ? { can: 'yes' } : { can: 'no', ...decision.refusal }
  }

  /** Its events, and the runtime's records of refusals, oldest first. */
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

  /** Every event with its cause, the state before and after, and what changed. */
  timeline(until?: Moment): Promise<readonly TimelineEntry<A>[]> {
    return timeline<A>(this.#deps, this.#model, this.stream, until)
  }

  /** What differs between two moments. */
  diff(from: Moment, to: Moment): Promise<Difference<A>> {
    return differenceBetween<A>(this.#deps, this.#model, this.stream, [from, to])
  }

  /** Checks hashes, ids and the chain of its whole stream, and that it replays. A wrong hash stops this actor. */
  async verify(): Promise<Verification> {
    const result = await verify(this.#deps, this.#model, this.stream)
    const wrong = result.problems.find(({ code }) => code === 'CorruptEvent')
    if (wrong) this.#directory.actor(this.#model, this.stream).state.fault(wrong)
    return result
  }

  /** Every event committed from the moment of subscribing, with the state after it. */
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

// Given events, when a command comes, then what: an aggregate's rules without runtime, store or clock.

import { modelOf } from '../../actors/aggregate.ts'
import { checkCommand } from '../../actors/command.ts'
import { decide } from '../../actors/decide.ts'
import { evolve } from '../../actors/evolve.ts'
import type { Snapshot } from '../../actors/machine.ts'
import type { Model } from '../../actors/model.ts'
import type { ActorState, AnyAggregate, CommandOf, EventOf } from '../../actors/types.ts'
import { decode, encode } from '../codec/codec.ts'
import { upcast } from '../codec/upcasting.ts'

/** A state without its place in a log. The context is frozen. */
export type ScenarioState<A extends AnyAggregate = AnyAggregate> = Pick<
  ActorState<A>,
  'value' | 'context' | 'status'
>

/** What a command led to, as plain data for any assertion library. */
export interface ScenarioOutcome<A extends AnyAggregate = AnyAggregate> {
  /** Whether the command was taken, with or without events. */
  readonly accepted: boolean
  /** As a reader of the log would get them; empty for a rejection and for a command without effect. */
  readonly events: readonly EventOf<A>[]
  /** The state after the events. */
  readonly state: ScenarioState<A>
  /** The guards that refused, by name; an inline guard by its path. */
  readonly guards: readonly string[]
  /** What `reject(reason, details)` gave. */
  readonly reason?: string
  /** What it gave as details. */
  readonly details?: unknown
}

/** An event as an older release wrote it. */
export interface StoredEventInput {
  /** The name in the log: today's, or an alias. */
  readonly type: string
  /** Version of the data's shape. Default 1. */
  readonly version?: number
  /** The data in the shape of that version. */
  readonly data: object
}

/** A history to test an aggregate against. It never changes: each `given` makes a new one. */
export interface Scenario<A extends AnyAggregate = AnyAggregate> {
  /** The state after the events given so far. */
  readonly state: ScenarioState<A>
  /**
   * The same history and then these events.
   *
   * @throws `UnexpectedEvent` where the machine has no transition for one, `InvalidPayload` for data that
   * could not be stored
   * @example
   * ```ts
   * const open = scenario(Account).given({ type: 'Opened', owner: 'Ann' }, { type: 'Deposited', amount: 5 })
   * assert.equal(open.state.context.balance, 5)
   * ```
   */
  given(...events: readonly EventOf<A>[]): Scenario<A>
  /**
   * The same history and then events as older releases wrote them, which go through aliases and upcasters.
   *
   * @throws `UnknownEvent`, `NewerSchema` as a replay would
   * @example
   * ```ts
   * const open = scenario(Account).givenStored({ type: 'Opened', version: 1, data: { owner: 'Ann' } })
   * assert.equal(open.state.value, 'active')
   * ```
   */
  givenStored(...events: readonly StoredEventInput[]): Scenario<A>
  /**
   * Decides a command. The scenario stays as it was.
   *
   * @throws `InvalidCommand`, `InvalidMachine`, `InvalidEvent`, `UnexpectedEvent`, and what guards throw
   * @example
   * ```ts
   * const { accepted, guards } = open.when({ type: 'withdraw', amount: 50 })
   * assert.equal(accepted, false)
   * assert.deepEqual(guards, ['covered'])
   * ```
   */
  when(command: CommandOf<A>): ScenarioOutcome<A>
}

/**
 * Begins a test of an aggregate's rules. Pure: payloads are encoded, decoded, upcast and frozen as in real
 * life, and nothing else happens.
 *
 * @example
 * ```ts
 * const open = scenario(Account).given({ type: 'Opened', owner: 'Ann' })
 *
 * const { events, state } = open.when({ type: 'deposit', amount: 5 })
 * assert.deepEqual(events, [{ type: 'Deposited', amount: 5 }])
 * assert.equal(state.context.balance, 5)
 *
 * assert.deepEqual(open.when({ type: 'withdraw', amount: 5 }).guards, ['covered'])
 * ```
 */
export function scenario<A extends AnyAggregate>(aggregate: A): Scenario<A> {
  const model = modelOf(aggregate)
  return new Given<A>(model, model.initial, 0)
}

class Given<A extends AnyAggregate> implements Scenario<A> {
  readonly #model: Model
  readonly #snapshot: Snapshot
  /** How many events were given: the next one's revision, for messages. */
  readonly #count: number

  constructor(model: Model, snapshot: Snapshot, count: number) {
    this.#model = model
    this.#snapshot = snapshot
    this.#count = count
  }

  get state(): ScenarioState<A> {
    return plainState<A>(this.#snapshot)
  }

  given(...events: readonly EventOf<A>[]): Scenario<A> {
    return this.givenStored(
      ...events.map((event: { readonly type: string }) => {
        const { type, ...data } = event
        return { type, version: this.#model.events.get(type)?.version ?? 1, data }
      }),
    )
  }

  givenStored(...events: readonly StoredEventInput[]): Scenario<A> {
    let snapshot = this.#snapshot
    let revision = this.#count
    for (const { type, version = 1, data } of events) {
      const stored = decode(encode(data, { what: `The given event '${type}'` }))
      const place = { stream: this.#stream, revision, type, version }
      const event = upcast(this.#model.upcasters, { ...place, data: stored })
      if (event) {
        const { type: name, data } = event
        snapshot = evolve(this.#model, snapshot, { ...data, type: name })
      }
      revision += 1
    }
    return new Given<A>(this.#model, snapshot, revision)
  }

  when(command: CommandOf<A>): ScenarioOutcome<A> {
    const checked = checkCommand(this.#model, this.#stream, command, {}, () => 'scenario')
    const decision = decide(this.#model, this.#snapshot, checked.read())
    if (!decision.accepted) {
      return { accepted: false, events: [], state: this.state, ...decision.refusal }
    }
    return {
      accepted: true,
      events: decision.events.map(({ event }) => event as EventOf<A>),
      state: plainState<A>(decision.snapshot),
      guards: [],
    }
  }

  get #stream(): string {
    return `${this.#model.name}-scenario`
  }
}

const plainState = <A extends AnyAggregate>({
  value,
  context,
  status,
}: Snapshot): ScenarioState<A> => ({ value, context, status }) as ScenarioState<A>

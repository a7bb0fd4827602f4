// What TypeScript infers from a machine: its commands, events, context and states.

import type { AnyStateMachine, ContextFrom, EmittedFrom, EventFrom, StateValueFrom } from 'xstate'
import type { Aggregate } from './aggregate.ts'

/** Any aggregate, whatever its machine. */
export type AnyAggregate = Aggregate<AnyStateMachine>

/** The events a machine emits. */
export type MachineEvent<M extends AnyStateMachine> = EmittedFrom<M>

/** The commands of a machine: what it takes that it does not emit. */
export type MachineCommand<M extends AnyStateMachine> = Exclude<EventFrom<M>, EmittedFrom<M>>

/** The commands an aggregate takes. */
export type CommandOf<A extends AnyAggregate> = MachineCommand<A['machine']>

/** The events an aggregate emits. */
export type EventOf<A extends AnyAggregate> = MachineEvent<A['machine']>

/** The context of an aggregate. */
export type ContextOf<A extends AnyAggregate> = ContextFrom<A['machine']>

/** An actor's state at one revision. The context is frozen. */
export interface ActorState<A extends AnyAggregate = AnyAggregate> {
  /** The machine's state value, such as `'active'`. */
  readonly value: StateValueFrom<A['machine']>
  /** The machine's context, frozen. */
  readonly context: ContextOf<A>
  /** `done` in a final state, which rejects every command. */
  readonly status: 'active' | 'done'
  /** Revision of the last event, -1 before the first. */
  readonly revision: number
  /** Position of the last event, 0 before the first. */
  readonly position: number
  /** Own time of the last event, ms since the epoch; `undefined` before the first. */
  readonly time: number | undefined
}

/** An event of the log, decoded and upcast. */
export interface ActorEvent<E = { readonly type: string }> {
  /** As the machine takes it, in today's shape. */
  readonly event: E
  /** A UUID made from its hash: same id, same bytes. */
  readonly id: string
  /** Place in the stream, from 0. */
  readonly revision: number
  /** Place in the whole log, from 1. */
  readonly position: number
  /** Own time: the clock's, or `occurredAt` of the command. ms since the epoch. */
  readonly time: number
  /** When the store took it. ms since the epoch. */
  readonly recordedAt: number
  /** The command it came of; `undefined` for events of foreign writers, as the two below. */
  readonly commandId: string | undefined
  /** The conversation it belongs to. */
  readonly correlationId: string | undefined
  /** The message that caused the command. */
  readonly causationId: string | undefined
  /** What the caller gave as `metadata`. */
  readonly metadata: Readonly<Record<string, unknown>> | undefined
}

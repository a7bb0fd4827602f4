// What TypeScript knows of the events a projection reads: those its actors emit.

import type { RuntimeRecord } from '../runtime/codec/runtime-records.ts'

/** Anything whose machine says which events it emits: an aggregate. */
export interface Source {
  /** The category of its streams. */
  readonly name: string
  /** The machine: its type says which events there are. */
  readonly machine: { transition(snapshot: never, event: never, scope: never): unknown }
}

/** An event, whatever its type. */
export interface AnyEvent {
  readonly type: string
}

// A machine's transition takes a scope with which it emits. Read here by its shape, since `xstate` belongs to
// the actors.
type Emitted<S> = S extends {
  readonly machine: {
    transition(snapshot: never, event: never, scope: infer Scope): unknown
  }
}
  ? Scope extends { emit: (event: infer Event extends AnyEvent) => void }
    ? Event
    : never
  : never

/** The events of one source or of several. */
export type EventsFrom<From> = From extends readonly (infer S)[] ? Emitted<S> : Emitted<From>

/** What stands beside an event. Times are ms since the epoch. */
export interface EventInfo {
  /** Kind of actor: the aggregate's name. */
  readonly kind: string
  /** Id of the actor. */
  readonly actorId: string
  /** The event's own id: the key for everything that must happen once. */
  readonly id: string
  /** Place in the actor's stream. */
  readonly revision: number
  /** Place in the log. */
  readonly position: number
  /** Own time: when it happened. */
  readonly time: number
  /** When the store took it. */
  readonly recordedAt: number
  /** The command it came of; `undefined` for events of foreign writers, as the two below. */
  readonly commandId: string | undefined
  /** The conversation it belongs to. */
  readonly correlationId: string | undefined
  /** The message that caused the command. */
  readonly causationId: string | undefined
  /** What the caller of the command gave as `metadata`. */
  readonly metadata: Readonly<Record<string, unknown>> | undefined
  /**
   * The event came after the read model first caught up. False while a new one is built from the past: what
   * acts on the world stays off then, see `onlyLive`.
   */
  readonly live: boolean
}

/** Handles one event. What it writes and the checkpoint are one transaction. */
export type Handler<Event, Write> = (
  event: Event,
  view: Write,
  about: EventInfo,
) => void | Promise<void>

/** Handlers by event type, the runtime's own records among them. Types without a handler are not read. */
export type Handlers<Event extends AnyEvent, Write> = {
  readonly [Type in (Event | RuntimeRecord)['type']]?: Handler<
    Extract<Event | RuntimeRecord, { type: Type }>,
    Write
  >
}

/** Handlers for the events of one source or of several. Conditional, so that parameters are inferred. */
export type HandlersFrom<From, Write> =
  EventsFrom<From> extends infer Event extends AnyEvent ? Handlers<Event, Write> : never

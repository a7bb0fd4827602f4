// The log as projections see it: decoded events of today's shape, in the order they were committed.

import type { JsonObject } from '../runtime/codec/codec.ts'
import { readHeader } from '../runtime/codec/metadata.ts'
import { readEvent, runtimeTypePrefix, type Upcasters } from '../runtime/codec/upcasting.ts'
import type { Timers } from '../runtime/core/clock.ts'
import { categoryOf, idOf } from '../runtime/core/stream-name.ts'
import { type TimeInput, toTime } from '../runtime/core/time.ts'
import type { EventStore, RecordedEvent } from '../runtime/ports/event-store.ts'

/** Which part of the log to read. */
export interface LogOptions {
  /** Actors of these kinds. Default: all kinds of the runtime. */
  readonly kinds?: readonly string[]
  /**
   * Only these types. The runtime's own `reenact.Rejected` and `reenact.NoEffect` come only when they are
   * named here.
   */
  readonly types?: readonly string[]
  /** Only events whose own time is at or before this. */
  readonly at?: TimeInput
  /** Only after this position. Default 0. */
  readonly after?: number
}

/** One event of any actor. */
export interface LogEvent {
  /** Kind of actor: the aggregate's name. */
  readonly kind: string
  /** Id of the actor. */
  readonly actorId: string
  /** Today's name. */
  readonly type: string
  /** In today's shape, without `type`. */
  readonly data: JsonObject
  /** A UUID made from its hash: same id, same bytes. */
  readonly id: string
  /** Place in the stream, from 0. */
  readonly revision: number
  /** Place in the whole log, from 1: `after` goes on from here. */
  readonly position: number
  /** Own time, ms since the epoch. */
  readonly time: number
  /** When the store took it, ms since the epoch. */
  readonly recordedAt: number
  /** The command it came of; `undefined` for events of foreign writers. */
  readonly commandId: string | undefined
}

/** What reading needs. */
export interface LogDeps {
  readonly store: EventStore
  readonly timers: Timers
  /** By kind of actor. */
  readonly upcasters: ReadonlyMap<string, Upcasters>
}

const noRules: Upcasters = new Map()

/**
 * Reads the log up to its end at the moment the end is reached.
 *
 * Throws `CorruptEvent`, `UnknownEvent`, `NewerSchema` for an event that cannot be read: a view that passes
 * over it would be silently wrong.
 */
export async function* logEvents(
  deps: LogDeps,
  options: LogOptions = {},
): AsyncGenerator<LogEvent> {
  const { types } = options
  const at = options.at === undefined ? Number.POSITIVE_INFINITY : toTime(options.at, 'at')
  const categories = options.kinds ?? [...deps.upcasters.keys()]
  const filter = { categories, ...(types ? { types: storedNames(deps, types) } : {}) }
  let after = options.after ?? 0
  for (let end = false; !end; ) {
    const page = await deps.store.readAll({ after, limit: 512, filter })
    for (const recorded of page.events) {
      if (!types && recorded.type.startsWith(runtimeTypePrefix)) continue
      const event = logEvent(deps, recorded)
      if (!event || event.time > at) continue
      if (!types || types.includes(event.type)) yield event
    }
    after = page.position
    end = page.end
    await deps.timers.turn()
  }
}

/** A type may be in the log under names it had before. */
function storedNames({ upcasters }: LogDeps, types: readonly string[]): readonly string[] {
  const names = new Set(types)
  for (const rules of upcasters.values()) {
    for (const [name, rule] of rules) if (rule && types.includes(rule.type)) names.add(name)
  }
  return [...names]
}

function logEvent(deps: LogDeps, recorded: RecordedEvent): LogEvent | undefined {
  const { stream, revision, id, position, recordedAt } = recorded
  const header = readHeader(recorded)
  const kind = categoryOf(stream)
  const event = readEvent(deps.upcasters.get(kind) ?? noRules, recorded, header)
  if (!event) return undefined
  return {
    kind,
    actorId: idOf(stream),
    type: event.type,
    data: event.data,
    id,
    revision,
    position,
    time: header.time ?? recordedAt,
    recordedAt,
    commandId: header.commandId,
  }
}

// What users see of states and events.

import type { EventMetadata } from '../runtime/codec/metadata.ts'
import { readTyped } from '../runtime/codec/upcasting.ts'
import type { RecordedEvent } from '../runtime/ports/event-store.ts'
import type { Model } from './model.ts'
import type { StateView } from './outcome.ts'
import type { ActorEvent, ActorState, AnyAggregate } from './types.ts'

/** The public form of a state. */
export function stateOf<A extends AnyAggregate>(view: StateView): ActorState<A> {
  const { snapshot, revision, position, time } = view
  return {
    value: snapshot.value,
    context: snapshot.context,
    status: snapshot.status as 'active',
    revision,
    position,
    time: Number.isFinite(time) ? time : undefined,
  } as ActorState<A>
}

/** The public form of an event; `undefined` where its type is ignored. */
export function eventOf<E>(
  model: Model,
  recorded: RecordedEvent,
  metadata: EventMetadata,
): ActorEvent<E> | undefined {
  const event = readTyped(model.upcasters, recorded, metadata)
  if (!event) return undefined
  const { id, revision, position, recordedAt } = recorded
  return {
    event: event as E,
    id,
    revision,
    position,
    time: metadata.time ?? recordedAt,
    recordedAt,
    commandId: metadata.commandId,
    correlationId: metadata.$correlationId,
    causationId: metadata.$causationId,
    metadata: metadata.custom,
  }
}

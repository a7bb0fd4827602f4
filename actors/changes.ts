// The changes of one actor as they are committed, with the state after each.

import { Observable } from 'rxjs'
import { readMetadata } from '../runtime/codec/metadata.ts'
import type { RuntimeRecord } from '../runtime/codec/runtime-records.ts'
import { activate } from './activation.ts'
import { eventOf, stateOf } from './actor-view.ts'
import type { Model } from './model.ts'
import { viewOf } from './outcome.ts'
import { fold, type ReadDeps } from './rehydrate.ts'
import type { ActorEvent, ActorState, AnyAggregate, EventOf } from './types.ts'

/** One committed event and the state after it. */
export interface ActorChange<A extends AnyAggregate = AnyAggregate>
  extends ActorEvent<EventOf<A> | RuntimeRecord> {
  /** The state right after the event. */
  readonly state: ActorState<A>
}

/** Emits every event committed after subscribing, in order, none missing, none twice. */
export function changes<A extends AnyAggregate>(
  deps: ReadDeps,
  model: Model,
  stream: string,
): Observable<ActorChange<A>> {
  return new Observable((subscriber) => {
    // The place is taken at once: what is appended while the state is still read is not missed.
    const subscription = deps.store.subscribe({ stream, after: 'end' })
    subscriber.add(() => subscription.close())
    follow().then(
      () => subscriber.complete(),
      (error: unknown) => subscriber.error(error),
    )

    async function follow(): Promise<void> {
      let state: Awaited<ReturnType<typeof activate>>['state'] | undefined
      for await (const message of subscription) {
        if (message.kind !== 'events') continue
        for (const recorded of message.events) {
          const before = recorded.revision - 1
          // Not the next one: events between were truncated. A snapshot may still tell.
          if (state?.revision !== before) {
            state = (await activate(deps, model, stream, { revision: before })).state
          }
          const metadata = readMetadata(recorded)
          fold(model, state, recorded, metadata)
          const event = eventOf<EventOf<A> | RuntimeRecord>(model, recorded, metadata)
          if (event) subscriber.next({ ...event, state: stateOf<A>(viewOf(state)) })
          if (subscriber.closed) return
        }
      }
    }
  })
}

// Time travel for one actor: its events, what each changed, and the difference of two moments.

import { readMetadata } from '../runtime/codec/metadata.ts'
import type { RuntimeRecord } from '../runtime/codec/runtime-records.ts'
import { activate } from './activation.ts'
import { eventOf, stateOf } from './actor-view.ts'
import { type Change, difference } from './difference.ts'
import type { Model } from './model.ts'
import { always, type Moment, within } from './moment.ts'
import { viewOf } from './outcome.ts'
import { catchUp, type ReadDeps, unborn } from './rehydrate.ts'
import type { ActorEvent, ActorState, AnyAggregate, EventOf } from './types.ts'

/** One event and what it did. */
export interface TimelineEntry<A extends AnyAggregate = AnyAggregate>
  extends ActorEvent<EventOf<A> | RuntimeRecord> {
  /** The state right before the event. */
  readonly before: ActorState<A>
  /** The state right after the event. */
  readonly after: ActorState<A>
  /** Each value that differs between the two. */
  readonly changes: readonly Change[]
}

/** How an actor differs between two moments. */
export interface Difference<A extends AnyAggregate = AnyAggregate> {
  /** The state at the first moment given. */
  readonly from: ActorState<A>
  /** The state at the second moment given. */
  readonly to: ActorState<A>
  /** Each value that differs between the two. */
  readonly changes: readonly Change[]
}

/** The events of a stream up to a moment, records of the runtime included. */
export async function history<A extends AnyAggregate>(
  deps: ReadDeps,
  model: Model,
  stream: string,
  until?: Moment,
): Promise<readonly ActorEvent<EventOf<A> | RuntimeRecord>[]> {
  const before = until ? within(until) : always
  const events: ActorEvent<EventOf<A> | RuntimeRecord>[] = []
  let time = Number.NEGATIVE_INFINITY
  for (let from = 0, end = false; !end; ) {
    const page = await deps.store.readStream(stream, { from })
    for (const recorded of page.events) {
      const metadata = readMetadata(recorded)
      const { revision, position, recordedAt } = recorded
      time = Math.max(time, metadata.time ?? recordedAt)
      if (!before({ revision, position, recordedAt, time })) return events
      const event = eventOf<EventOf<A> | RuntimeRecord>(model, recorded, metadata)
      if (event) events.push(event)
      from = revision + 1
    }
    end = page.end
    await deps.timers.turn()
  }
  return events
}

/** Every event with the state before and after it. */
export async function timeline<A extends AnyAggregate>(
  deps: ReadDeps,
  model: Model,
  stream: string,
  until?: Moment,
): Promise<readonly TimelineEntry<A>[]> {
  const entries: TimelineEntry<A>[] = []
  const state = unborn(model)
  let pending: ((after: ActorState<A>) => void) | undefined
  await catchUp(deps, model, stream, state, {
    ...(until ? { within: within(until) } : {}),
    visit: (recorded) => {
      const before = stateOf<A>(viewOf(state))
      pending?.(before)
      const event = eventOf<EventOf<A> | RuntimeRecord>(model, recorded, readMetadata(recorded))
      pending = (after) => {
        if (event) entries.push({ ...event, before, after, changes: changesOf(before, after) })
      }
    },
  })
  pending?.(stateOf<A>(viewOf(state)))
  return entries
}

/** How the actor at one moment differs from itself at another. */
export async function differenceBetween<A extends AnyAggregate>(
  deps: ReadDeps,
  model: Model,
  stream: string,
  moments: readonly [Moment, Moment],
): Promise<Difference<A>> {
  const at = async (moment: Moment) =>
    stateOf<A>(viewOf((await activate(deps, model, stream, moment)).state))
  const [from, to] = await Promise.all([at(moments[0]), at(moments[1])])
  return { from, to, changes: changesOf(from, to) }
}

const changesOf = (before: ActorState, after: ActorState): readonly Change[] => {
  const plain = ({ value, status, context }: ActorState) => ({ value, status, context })
  return difference(plain(before), plain(after))
}

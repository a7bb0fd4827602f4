// All actors of a kind at a moment.

import { isReenactError, type ReenactError } from '../runtime/core/errors.ts'
import { idOf } from '../runtime/core/stream-name.ts'
import { activate } from './activation.ts'
import { stateOf } from './actor-view.ts'
import type { Model } from './model.ts'
import { type Moment, within } from './moment.ts'
import { viewOf } from './outcome.ts'
import type { ReadDeps } from './rehydrate.ts'
import type { ActorState, AnyAggregate } from './types.ts'

/** One actor at the moment asked for; or why its state cannot be told. The others are not affected. */
export type ReplayedActor<A extends AnyAggregate = AnyAggregate> =
  | { readonly id: string; readonly state: ActorState<A>; readonly error?: undefined }
  | { readonly id: string; readonly state?: undefined; readonly error: ReenactError }

/** Actors that had an event by then, by stream name. One stream is in memory at a time. */
export async function* replayAll<A extends AnyAggregate>(
  deps: ReadDeps,
  model: Model,
  moment: Moment,
): AsyncGenerator<ReplayedActor<A>> {
  within(moment) // Throws for what is no moment.
  const options = { category: model.name, limit: 512 }
  let after: string | undefined
  for (;;) {
    const streams = await deps.store.listStreams({
      ...options,
      ...(after === undefined ? {} : { after }),
    })
    for (const stream of streams) {
      const replayed = await replayOne<A>(deps, model, stream, moment)
      if (replayed) yield replayed
    }
    after = streams.at(-1)
    if (after === undefined) return
    await deps.timers.turn()
  }
}

async function replayOne<A extends AnyAggregate>(
  deps: ReadDeps,
  model: Model,
  stream: string,
  moment: Moment,
): Promise<ReplayedActor<A> | undefined> {
  const id = idOf(stream)
  try {
    const { state } = await activate(deps, model, stream, moment)
    return state.revision === -1 ? undefined : { id, state: stateOf<A>(viewOf(state)) }
  } catch (error) {
    if (!isReenactError(error)) throw error
    if (error.code === 'StreamDeleted') return undefined
    return { id, error }
  }
}

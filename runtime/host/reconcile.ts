// Replayed actors beside a read model: what differs, and what was done about it.

import { Observable } from 'rxjs'
import type { Actor, ActorState, AnyAggregate, ReplayedActor } from '../../actors/index.ts'
import type { Projection, Projections, ViewHandle } from '../../projections/index.ts'
import { type Ports, sleep } from '../core/clock.ts'
import type { ReenactError } from '../core/errors.ts'

/** Options of `runtime.reconcile`. */
export interface ReconcileOptions<A extends AnyAggregate, Write, Read> {
  /** How often, ms after the end of the last time. Left out: once. */
  readonly every?: number
  /** Says whether the read model is right about an actor. */
  readonly compare: (actor: ActorBeside<A, Read>) => boolean | Promise<boolean>
  /** Makes it right. Left out: differences are only reported. */
  readonly repair?: (actor: ActorBeside<A, Write>) => void | Promise<void>
}

/** An actor, and the view to look at or to write to. Both are at the same position. */
export interface ActorBeside<A extends AnyAggregate, View> {
  /** Id of the actor. */
  readonly id: string
  /** Its state by replay. */
  readonly state: ActorState<A>
  /** The view to read in `compare`, to write to in `repair`. */
  readonly view: View
}

/** What a reconciliation found. */
export interface ReconcileReport {
  /** Actors looked at. */
  readonly compared: number
  /** Ids of actors the read model was wrong about. */
  readonly different: readonly string[]
  /** Those of them that were made right. */
  readonly repaired: readonly string[]
  /** Actors that cannot be replayed. */
  readonly failed: readonly { readonly id: string; readonly error: ReenactError }[]
}

/** What it needs of the runtime. */
export interface ReconcileDeps<A extends AnyAggregate, Read> {
  readonly ports: Ports
  readonly projections: Projections
  readonly view: Read & ViewHandle<Read>
  readonly actor: (id: string) => Actor<A>
  readonly replayAll: () => AsyncIterable<ReplayedActor<A>>
}

/** Emits a report each time. */
export function reconcile<A extends AnyAggregate, Write, Read extends object>(
  deps: ReconcileDeps<A, Read>,
  projection: Projection<Write, Read>,
  options: ReconcileOptions<A, Write, Read>,
): Observable<ReconcileReport> {
  return new Observable((subscriber) => {
    const run = async (): Promise<void> => {
      while (!subscriber.closed) {
        subscriber.next(await once(deps, projection, options, () => subscriber.closed))
        if (options.every === undefined) break
        await sleep(deps.ports.timers, options.every, { background: true })
      }
    }
    run().then(
      () => subscriber.complete(),
      (error: unknown) => subscriber.error(error),
    )
  })
}

async function once<A extends AnyAggregate, Write, Read extends object>(
  deps: ReconcileDeps<A, Read>,
  projection: Projection<Write, Read>,
  options: ReconcileOptions<A, Write, Read>,
  isOver: () => boolean,
): Promise<ReconcileReport> {
  const different: string[] = []
  const repaired: string[] = []
  const failed: { id: string; error: ReenactError }[] = []
  let compared = 0
  for await (const { id, state, error } of deps.replayAll()) {
    if (isOver()) break
    compared += 1
    if (error) {
      failed.push({ id, error })
      continue
    }
    // The two move on while they are looked at: only what differs while the view stands still counts.
    if (await options.compare({ id, state, view: deps.view })) continue
    await deps.projections.standingStill(projection, async (write) => {
      const position = await deps.view.position()
      const then = await deps.actor(id).replay({ position })
      if (await options.compare({ id, state: then, view: deps.view })) return
      different.push(id)
      const { repair } = options
      if (!repair) return
      await write((view) => repair({ id, state: then, view }))
      repaired.push(id)
    })
  }
  return { compared, different, repaired, failed }
}

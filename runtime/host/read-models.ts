// The part of a runtime that concerns read models.

import type { Observable } from 'rxjs'
import {
  type Actor,
  type AnyAggregate,
  type Directory,
  type Moment,
  modelOf,
  replayAll,
} from '../../actors/index.ts'
import {
  type AnyProjection,
  type InlineProjection,
  type InlineReader,
  inlineReader,
  type Projection,
  Projections,
  type ProjectionsDeps,
  type ProjectOptions,
  type ViewHandle,
} from '../../projections/index.ts'
import { openViews } from './open-views.ts'
import { type ReconcileOptions, type ReconcileReport, reconcile } from './reconcile.ts'

/** Read models of a runtime. */
export interface ReadModels {
  /**
   * Runs projections in this process: catches up, then follows the log. Resolves when their workers have begun.
   * Of several processes that run one projection, one works and the others wait to take over.
   *
   * @throws `UnknownActor` when one reads an aggregate that is not among `actors`
   * @throws `InvalidOption` for wrong options, and for one that runs here already
   * @example
   * ```ts
   * await runtime.project([Balances], { poison: 'park' })
   * ```
   */
  project(projections: readonly AnyProjection[], options?: ProjectOptions): Promise<void>
  /**
   * What a projection is read with, in any process.
   *
   * @example
   * ```ts
   * const balances = runtime.view(Balances)
   * await balances.waitFor(await ann.send({ type: 'deposit', amount: 5 }))
   * await balances.get('ann')
   * ```
   */
  view<Read extends object>(projection: Projection<unknown, Read>): Read & ViewHandle<Read>
  /** What an inline projection is read with, in any process: what a `send` answered is in it. */
  inlineView<T extends object>(projection: InlineProjection<T>): InlineReader<T>
  /**
   * Compares every actor of a kind, replayed, with a read model that runs here, and repairs it where you say how.
   * Emits a report each time; `every` is in ms.
   *
   * @example
   * ```ts
   * runtime.reconcile(Account, Balances, {
   *   every: 600_000,
   *   compare: async ({ id, state, view }) => (await view.get(id))?.balance === state.context.balance,
   *   repair: ({ id, state, view }) => view.patch(id, { balance: state.context.balance }),
   * }).subscribe(({ repaired }) => console.log(repaired))
   * ```
   */
  reconcile<A extends AnyAggregate, Write, Read extends object>(
    aggregate: A,
    projection: Projection<Write, Read>,
    options: ReconcileOptions<A, Write, Read>,
  ): Observable<ReconcileReport>
  /**
   * Status of the projections that run here; pause, resume, rebuild, dead letters.
   *
   * @example
   * ```ts
   * for (const { name, state, lag } of await runtime.projections.status()) console.log(name, state, lag.ms)
   * await runtime.projections.pause(Balances)
   * runtime.projections.resume(Balances)
   *
   * const letters = await runtime.projections.deadLetters(Balances)
   * if (letters.length > 0) await runtime.projections.redrive(Balances)
   *
   * if (await runtime.projections.rebuild(Balances)) await runtime.projections.drop(Balances)
   * ```
   */
  readonly projections: Projections
}

/** Everything there is at the moment. */
const now: Moment = { position: Number.MAX_SAFE_INTEGER }

/** Makes them, without opening anything yet. */
export function createReadModels(
  views: string | undefined,
  deps: Omit<ProjectionsDeps, 'openEngine'>,
  directory: Directory,
  actorOf: <A extends AnyAggregate>(aggregate: A, id: string) => Actor<A>,
): ReadModels {
  const { store, ports } = deps
  const openEngine = () => openViews(views, store.name, ports.timers)
  const projections = new Projections({ ...deps, openEngine })
  return {
    project: (list, options = {}) => projections.project(list, options),
    view: (projection) => projections.view(projection),
    inlineView: (projection) => inlineReader(store, projection),
    reconcile: <A extends AnyAggregate, Write, Read extends object>(
      aggregate: A,
      projection: Projection<Write, Read>,
      options: ReconcileOptions<A, Write, Read>,
    ) =>
      reconcile<A, Write, Read>(
        {
          ports,
          projections,
          view: projections.view(projection),
          actor: (id) => actorOf(aggregate, id),
          replayAll: () => replayAll<A>(directory.deps, modelOf(aggregate), now),
        },
        projection,
        options,
      ),
    projections,
  }
}

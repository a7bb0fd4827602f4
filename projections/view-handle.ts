// What users hold of a read model: its own questions, and how far it is.

import { Observable, type Subject } from 'rxjs'
import type { Ports } from '../runtime/core/clock.ts'
import { isReenactError, ReenactError } from '../runtime/core/errors.ts'
import type { TimeInput } from '../runtime/core/time.ts'
import type { EventStore } from '../runtime/ports/event-store.ts'
import { viewAsOf } from './as-of.ts'
import type { Engine } from './engine.ts'
import { deadLetters, readPosition } from './ledger.ts'
import type { LiveReader } from './live-reader.ts'
import { filterOf, type KindUpcasters } from './projected-event.ts'
import type { Projection } from './projection.ts'
import { hasReached } from './reached.ts'

/** The live read model moved on. */
export interface ViewChange {
  /** Every event up to here is in it. */
  readonly position: number
  /**
   * Keys of the documents that may have changed. `undefined` where that is not known: for tables, and where the
   * worker is another process.
   */
  readonly keys: readonly string[] | undefined
}

/** Options of `waitFor`. */
export interface WaitOptions {
  /** Default 5,000. */
  readonly timeoutMs?: number
}

/** A view as it was at a moment, built apart from the live one. */
export type PastView<Read> = Read & {
  /** Removes it. */
  close(): Promise<void>
}

/** What every view has besides its own questions. */
export interface ViewHandle<Read> {
  /**
   * The position up to which every event is in it.
   *
   * @throws `UnknownProjection` while there is no read model yet
   * @example
   * ```ts
   * const balances = runtime.view(Balances)
   * console.log(`the balances are at ${await balances.position()}`)
   * ```
   */
  position(): Promise<number>
  /**
   * Resolves when the view holds everything up to a position, or up to what a `send` answered.
   *
   * @throws `NotYetProjected` when that takes longer than `timeoutMs`
   * @example
   * ```ts
   * await balances.waitFor(await ann.send({ type: 'deposit', amount: 5 }))
   * ```
   */
  waitFor(target: number | { readonly position: number }, options?: WaitOptions): Promise<void>
  /** Emits once for each commit of the live read model from now on, by whichever process. */
  readonly changes: Observable<ViewChange>
  /**
   * Builds the view from the events that happened up to and with this moment, beside the live one. Events that the live one
   * put aside are left out here too. Close it when done.
   *
   * @throws `InvalidOption` for what is no time; `ProjectionFailed` for a handler that fails
   * @example
   * ```ts
   * const then = await view.asOf('2012-05-01T00:00:00Z')
   * ```
   */
  asOf(time: TimeInput): Promise<PastView<Read>>
}

/** What a view handle needs. */
export interface ViewDeps {
  readonly store: EventStore
  readonly ports: Ports
  readonly upcasters: KindUpcasters
  readonly engine: () => Promise<Engine>
  readonly reader: () => Promise<LiveReader>
  /** Commits of this process, to this projection's live build. */
  readonly commits: Subject<ViewChange>
}

/** Other processes' commits are looked for so often, ms. */
const pollMs = 50

/** Makes the handle of one projection's view. */
export function viewHandle<Read extends object>(
  projection: Projection<unknown, Read>,
  deps: ViewDeps,
): Read & ViewHandle<Read> {
  const session = async () => (await deps.reader()).session()
  const position = async () => readPosition(await session())
  const parked = async () => {
    try {
      return (await deadLetters(await session())).map((letter) => letter.position)
    } catch (error) {
      // The past can be asked for without a read model of the present.
      if (isReenactError(error, 'UnknownProjection')) return []
      throw error
    }
  }
  const handle: ViewHandle<Read> = {
    position,
    waitFor: async (target, options) => {
      const wanted = typeof target === 'number' ? target : target.position
      await waitUntil(projection, deps, position, wanted, options?.timeoutMs ?? 5_000)
    },
    changes: changesOf(deps, position),
    asOf: async (time) => viewAsOf(projection, await deps.engine(), { ...deps, parked }, time),
  }
  return Object.assign(projection.view.read(session), handle)
}

async function waitUntil(
  projection: Projection,
  deps: ViewDeps,
  position: () => Promise<number>,
  wanted: number,
  timeoutMs: number,
): Promise<void> {
  const { clock } = deps.ports
  const untilMs = clock.monotonic() + timeoutMs
  const filter = filterOf(projection, deps.upcasters)
  for (let looks = true; ; ) {
    const { checkpoint, trouble } = await positionOrTrouble(deps, position)
    if (checkpoint !== undefined) {
      if (checkpoint >= wanted) return
      // What is not for this projection need not have been passed. Commits come often, so the log is asked at ease.
      if (looks && (await hasReached(deps.store, filter, checkpoint, wanted))) return
    }
    const leftMs = untilMs - clock.monotonic()
    if (leftMs <= 0) {
      if (checkpoint === undefined) throw trouble
      throw new ReenactError(
        'NotYetProjected',
        `'${projection.name}' is at position ${checkpoint} and did not reach ${wanted} in ${timeoutMs} ms. Wait longer, or see runtime.projections.status().`,
        { projection: projection.name, position: wanted, checkpoint, timeoutMs },
      )
    }
    looks = !(await nextCommit(deps, Math.min(leftMs, pollMs)))
  }
}

/** A database that is away for a moment may be back before the time is up. */
async function positionOrTrouble(
  { engine }: ViewDeps,
  position: () => Promise<number>,
): Promise<{ readonly checkpoint?: number; readonly trouble?: unknown }> {
  try {
    return { checkpoint: await position() }
  } catch (trouble) {
    if (!(await engine()).isTransient(trouble)) throw trouble
    return { trouble }
  }
}

/** Resolves with true at the next commit of this process, with false when time is up. */
const nextCommit = ({ commits, ports }: ViewDeps, ms: number): Promise<boolean> =>
  new Promise((resolve) => {
    const finish = (committed: boolean) => {
      cancel()
      subscription.unsubscribe()
      resolve(committed)
    }
    const cancel = ports.timers.after(ms, () => finish(false))
    const subscription = commits.subscribe(() => finish(true))
  })

function changesOf(deps: ViewDeps, position: () => Promise<number>): Observable<ViewChange> {
  return new Observable((subscriber) => {
    let told: number | undefined
    subscriber.add(
      deps.commits.subscribe((change) => {
        told = change.position
        subscriber.next(change)
      }),
    )
    const poll = async (): Promise<void> => {
      while (!subscriber.closed) {
        const now = await position()
        if (told !== undefined && now > told) subscriber.next({ position: now, keys: undefined })
        told = Math.max(told ?? 0, now)
        await nextCommit(deps, pollMs)
      }
    }
    poll().catch((error: unknown) => subscriber.error(error))
  })
}

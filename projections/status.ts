// How a projection is doing, as data.

import type { EventStore } from '../runtime/ports/event-store.ts'
import type { Build } from './catalog.ts'
import { logEnd } from './check-log.ts'
import type { Session } from './engine.ts'
import { deadLetters, readPosition } from './ledger.ts'
import { filterOf, type KindUpcasters } from './projected-event.ts'
import type { AnyProjection } from './projection.ts'
import type { Shadow } from './shadow.ts'
import type { WorkerGroup } from './worker-group.ts'
import type { WorkerError, WorkerState } from './worker-options.ts'

/** How far a read model is behind the log. */
export interface Lag {
  /**
   * Positions between the checkpoint and the log's end, 0 where none of them is for this projection. On embedded
   * stores that is events, of all kinds.
   */
  readonly events: number
  /** Age of the first event that is not in the read model, ms. 0 when there is none. */
  readonly ms: number
}

/** How a projection is doing. */
export interface ProjectionStatus {
  /** Name of the projection. */
  readonly name: string
  /** Of the worker in this process. */
  readonly state: WorkerState
  /** The live build. */
  readonly build: Pick<Build, 'id' | 'version'>
  /** Every event up to here is in the live read model. */
  readonly position: number
  /** How far the live read model is behind the log. */
  readonly lag: Lag
  /** Events handled by this process, over the last seconds. */
  readonly eventsPerSecond: number
  /** Events put aside. The read model is not whole while there are any. */
  readonly deadLetters: number
  /** What went wrong last, also when it works again. */
  readonly lastError: WorkerError | undefined
  /** The build that is being made, if one is. */
  readonly rebuilding: { readonly id: number; readonly position: number } | undefined
}

interface StatusDeps {
  readonly store: EventStore
  readonly upcasters: KindUpcasters
  readonly now: number
}

/** How far a position is behind the log. */
async function lagOf(
  projection: AnyProjection,
  { store, upcasters, now }: StatusDeps,
  position: number,
): Promise<Lag> {
  const filter = filterOf(projection, upcasters)
  for (let after = position; ; ) {
    const page = await store.readAll({ after, limit: 1, filter })
    const [next] = page.events
    if (next) {
      const end = await logEnd(store)
      return { events: Math.max(1, end - position), ms: Math.max(0, now - next.recordedAt) }
    }
    if (page.end) return { events: 0, ms: 0 }
    after = page.position
  }
}

/** What a status is read from. */
export interface ProjectionStatusDeps extends StatusDeps {
  readonly workers: WorkerGroup
  readonly live: Build | undefined
  readonly candidate: Shadow | undefined
  readonly session: () => Promise<Session>
}

/** Reads how a projection is doing. Where its read model cannot be read, the worker's error says why. */
export async function projectionStatus(
  projection: AnyProjection,
  deps: ProjectionStatusDeps,
): Promise<ProjectionStatus> {
  const { workers, live, candidate, session } = deps
  const known = await read(session).catch(() => ({ position: 0, deadLetters: 0 }))
  return {
    name: projection.name,
    state: workers.state,
    build: { id: live?.id ?? 0, version: live?.version ?? projection.version },
    ...known,
    lag: await lagOf(projection, deps, known.position),
    eventsPerSecond: workers.perSecond,
    lastError: workers.error,
    rebuilding: candidate && {
      id: candidate.build.id,
      position: await candidate.position().catch(() => 0),
    },
  }
}

async function read(session: () => Promise<Session>) {
  const open = await session()
  return { position: await readPosition(open), deadLetters: (await deadLetters(open)).length }
}

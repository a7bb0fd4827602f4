// What projections and their workers need.

import type { Ports } from '../runtime/core/clock.ts'
import type { EventStore } from '../runtime/ports/event-store.ts'
import type { Committed } from './batch.ts'
import type { Build, Catalog } from './catalog.ts'
import type { Engine } from './engine.ts'
import type { KindUpcasters } from './projected-event.ts'
import type { AnyProjection } from './projection.ts'
import type { WorkerOptions } from './worker-options.ts'

/** What projections need. */
export interface ProjectionsDeps {
  readonly store: EventStore
  readonly ports: Ports
  readonly upcasters: KindUpcasters
  readonly openEngine: () => Promise<Engine>
}

/** What a worker needs. */
export interface WorkerDeps {
  readonly projection: AnyProjection
  readonly part: number
  readonly store: EventStore
  readonly ports: Ports
  readonly upcasters: KindUpcasters
  readonly engine: Engine
  readonly catalog: Catalog
  readonly options: WorkerOptions
  /** The build to write. Asked for at each turn. */
  readonly target: () => Promise<Build>
  /** Asked before each page: a candidate never goes further than the live build. Default: no bound. */
  readonly bound?: (part: number) => Promise<number>
  /** Whether it must stand still with its turn, whoever asks for that. */
  readonly isHeld: () => boolean
  readonly onCommit: (build: Build, committed: Committed) => void
}

// What users say when they run and rebuild projections.

import type { RowDifference } from './compare-builds.ts'
import type { CatchUpOptions } from './shadow.ts'
import type { WorkerOptions } from './worker-options.ts'

/** Options of `runtime.project`. */
export interface ProjectOptions extends Partial<WorkerOptions> {
  /**
   * What to do where the read model was made by other handlers, another version or another shape: `stop` with
   * `ProjectionChanged`, or `rebuild` beside it and swap. A lower version never rebuilds by itself. Default `stop`.
   */
  readonly changed?: 'stop' | 'rebuild'
  /** The partitions this process works on. Default: all. */
  readonly partitions?: readonly number[]
}

/** Options of a rebuild. */
export interface RebuildOptions extends CatchUpOptions {
  /**
   * Asked before the swap with the rows that differ from the live one, at most 100, both at the same position.
   * Answer false to keep the live one.
   */
  readonly verify?: (differences: readonly RowDifference[]) => boolean | Promise<boolean>
}

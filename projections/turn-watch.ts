// What ends a worker's turn from outside: another build is live now, or another process asks for the turn.

import type { Build, Catalog } from './catalog.ts'

/** The build a worker wrote is not what it should write any more: it asks again which one is. */
export class Superseded extends Error {}

/** Another process asked for the turn. */
export class Yielded extends Error {}

/** How often a worker looks, ms. */
const lookMs = 1_000

export interface TurnWatchDeps {
  readonly catalog: Catalog
  readonly part: number
  /** Whether the worker must stand still with its turn, whoever asks for that. */
  readonly isHeld: () => boolean
}

/** Looks until the turn is over, also while no event comes, and ends it with the reason. */
export async function watchTurn(
  { catalog, part, isHeld }: TurnWatchDeps,
  build: Build,
  over: AbortController,
  wait: (delayMs: number) => Promise<void>,
): Promise<void> {
  try {
    for (;;) {
      await wait(lookMs)
      if (over.signal.aborted) return
      const { state, isAskedFor } = await catalog.lookAt(build, part)
      if (state !== build.state) over.abort(new Superseded())
      else if (isAskedFor && !isHeld()) over.abort(new Yielded())
    }
  } catch (error) {
    over.abort(error)
  }
}

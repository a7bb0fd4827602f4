// A candidate beside the live build, both after the very same events, however these are shared out to partitions.

import { ReenactError } from '../runtime/core/errors.ts'
import { type Build, placeOf } from './catalog.ts'
import { compareBuilds, type RowDifference } from './compare-builds.ts'
import type { Connection, Engine } from './engine.ts'
import { readCheckpoint, readPositions } from './ledger.ts'
import { filterOf, partitionOf } from './projected-event.ts'
import { Turn } from './turn.ts'
import type { WorkerDeps } from './worker-deps.ts'

/** What it needs. */
export type CompareDeps = Pick<
  WorkerDeps,
  'projection' | 'store' | 'ports' | 'upcasters' | 'engine' | 'options'
>

const pageMax = 1_000

/**
 * The first `max` rows that differ. Both builds stand still. Where the live one has other partitions, some of which are
 * ahead of the candidate, the candidate handles what those handled in a transaction that is undone.
 */
export async function compareAtLive(
  deps: CompareDeps,
  live: Build,
  candidate: Build,
  max: number,
): Promise<readonly RowDifference[]> {
  const { engine, projection } = deps
  const reader = await engine.openReader(placeOf(live))
  try {
    const ends = await readPositions(reader)
    if (areAlike(ends, projection.partitions)) {
      const other = await engine.openReader(placeOf(candidate))
      try {
        return await compareBuilds(projection, reader, other, max)
      } finally {
        await other.close()
      }
    }
    return await undone(engine, candidate, async (connection) => {
      await handleUpTo(deps, connection, candidate, ends)
      return compareBuilds(projection, reader, connection, max)
    })
  } finally {
    await reader.close()
  }
}

/** A candidate with so many partitions can stand where those of the live build stand. */
export const areAlike = (live: readonly number[], partitions: number): boolean =>
  live.length === partitions || new Set(live).size <= 1

/** What was handled by the live build's partitions and not yet by the candidate. */
async function handleUpTo(
  { projection, store, ports, upcasters, options }: CompareDeps,
  connection: Connection,
  build: Build,
  ends: readonly number[],
): Promise<void> {
  const filter = filterOf(projection, upcasters)
  for (let part = 0; part < projection.partitions; part += 1) {
    const checkpoint = await readCheckpoint(connection, part)
    const writer = projection.view.write(connection, { exclusive: false })
    const turn = new Turn(
      {
        build,
        connection,
        projection,
        upcasters,
        clock: ports.clock,
        part,
        ...options,
        writer,
        isTransient: () => false,
        backOff: async () => {},
        isStopping: () => false,
        onCommit: () => {},
        onFailure: () => {},
      },
      checkpoint,
    )
    for (let after = checkpoint.position, end = false; !end && after < Math.max(...ends); ) {
      const page = await store.readAll({ after, limit: pageMax, filter })
      const handled = page.events.filter(
        ({ position, stream }) => position <= (ends[partitionOf(stream, ends.length)] ?? 0),
      )
      await turn.apply(handled, page.position)
      after = page.position
      end = page.end
      await ports.timers.turn()
    }
  }
}

/** Answers what `body` found in a transaction that never was. */
async function undone<Result>(
  engine: Engine,
  build: Build,
  body: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const place = placeOf(build)
  const connection = await engine.openWriter(place, 0)
  if (!connection) {
    throw new ReenactError(
      'StoreLocked',
      `The candidate '${place}' in ${engine.name} is written by another process too. End that one, then compare again.`,
      { file: place },
    )
  }
  let found: { readonly result: Result } | undefined
  try {
    await connection.transaction(async () => {
      found = { result: await body(nested(connection)) }
      throw new Undo()
    })
  } catch (error) {
    if (!(error instanceof Undo)) throw error
  } finally {
    await connection.close()
  }
  return (found as { readonly result: Result }).result
}

class Undo extends Error {}

/** Transactions inside the one there is. */
const nested = (outer: Connection): Connection => ({
  dialect: outer.dialect,
  execute: (sql, parameters) => outer.execute(sql, parameters),
  transaction: async (body) => {
    await outer.execute('SAVEPOINT inner_one')
    try {
      const result = await body()
      await outer.execute('RELEASE SAVEPOINT inner_one')
      return result
    } catch (error) {
      await outer.execute('ROLLBACK TO SAVEPOINT inner_one')
      await outer.execute('RELEASE SAVEPOINT inner_one')
      throw error
    }
  },
  close: async () => {},
})

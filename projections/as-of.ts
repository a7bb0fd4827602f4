// A view as it was at a moment: built from the log in a place of its own.

import type { Ports } from '../runtime/core/clock.ts'
import { createIds } from '../runtime/core/ids.ts'
import { type TimeInput, toTime } from '../runtime/core/time.ts'
import type { EventStore } from '../runtime/ports/event-store.ts'
import { projectionFailed } from './batch.ts'
import { createPlace } from './catalog.ts'
import type { Engine } from './engine.ts'
import { filterOf, type KindUpcasters, projectedEvent } from './projected-event.ts'
import type { Projection } from './projection.ts'

interface AsOfDeps {
  readonly store: EventStore
  readonly ports: Ports
  readonly upcasters: KindUpcasters
  /** Positions of the events the live read model leaves out. */
  readonly parked: () => Promise<readonly number[]>
}

const pageMax = 1_000

/**
 * Folds the events whose own time is at or before `time`, in the order of the log, up to its present end. Throws
 * `ProjectionFailed` for a handler that fails.
 */
export async function viewAsOf<Read extends object>(
  projection: Projection<unknown, Read>,
  engine: Engine,
  deps: AsOfDeps,
  time: TimeInput,
): Promise<Read & { close(): Promise<void> }> {
  const at = toTime(time, 'time')
  const id = createIds(deps.ports.clock, deps.ports.random)().replaceAll('-', '')
  const place = `${projection.name}_asof_${id}`
  try {
    await createPlace(engine, place, projection)
    await fold(projection, engine, place, deps, at)
    const reader = await engine.openReader(place)
    const close = async () => {
      await reader.close()
      await engine.drop(place)
    }
    return Object.assign(
      projection.view.read(async () => reader),
      { close },
    )
  } catch (error) {
    await engine.drop(place).catch(() => {})
    throw error
  }
}

async function fold(
  projection: Projection,
  engine: Engine,
  place: string,
  { store, ports, upcasters, parked }: AsOfDeps,
  at: number,
): Promise<void> {
  const connection = await engine.openWriter(place, 0)
  if (!connection) throw new Error(`${place} is held by another process.`)
  const filter = filterOf(projection, upcasters)
  const writer = projection.view.write(connection, { exclusive: true })
  try {
    const leftOut = new Set(await parked())
    for (let after = 0, end = false; !end; ) {
      const page = await store.readAll({ after, limit: pageMax, filter })
      await connection.transaction(async () => {
        for (const recorded of page.events) {
          if (leftOut.has(recorded.position)) continue
          const projected = projectedEvent(recorded, upcasters, false)
          if (!projected || projected.about.time > at) continue
          try {
            const handler = projection.handlers.get(projected.event.type)
            writer.begin?.(projected.about)
            await handler?.(projected.event as never, writer.view as never, projected.about)
            await writer.settle()
          } catch (error) {
            throw projectionFailed(projection.name, recorded, error)
          }
        }
        await writer.flush()
      })
      writer.committed()
      after = page.position
      end = page.end
      await ports.timers.turn()
    }
  } finally {
    await connection.close()
  }
}

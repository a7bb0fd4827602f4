// Events into a view: handlers, what they wrote, and the checkpoint as one transaction.

import type { Clock } from '../runtime/core/clock.ts'
import { isReenactError, messageOf, ReenactError, sentenceOf } from '../runtime/core/errors.ts'
import type { RecordedEvent } from '../runtime/ports/event-store.ts'
import type { Connection } from './engine.ts'
import { advance, type Checkpoint, type ParkedEvent, park, unpark } from './ledger.ts'
import { type KindUpcasters, partitionOf, projectedEvent } from './projected-event.ts'
import type { AnyProjection } from './projection.ts'
import { alreadyDone, type ViewWriter } from './view.ts'

/** What a batch is applied with. */
export interface BatchDeps {
  readonly projection: AnyProjection
  readonly upcasters: KindUpcasters
  readonly clock: Clock
  readonly connection: Connection
  readonly writer: ViewWriter<unknown>
  readonly part: number
  /** A batch is committed when its handlers took so long, ms. */
  readonly batchMs: number
}

/** What a commit did. */
export interface Committed {
  readonly checkpoint: Checkpoint
  /** Events of the page that are behind us now. */
  readonly next: number
  /** Events given to handlers. */
  readonly handled: number
  /** Keys that changed, where the view knows. */
  readonly keys: readonly string[] | undefined
}

/** A handler, or what it wrote, failed at the page's event `index`. */
export class EventFailed extends Error {
  readonly index: number
  /** The batch's other events may be at fault as well: the error came when all was written. */
  readonly unsure: boolean

  constructor(index: number, unsure: boolean, cause: unknown) {
    super(messageOf(cause), { cause })
    this.index = index
    this.unsure = unsure
  }
}

/** Part of a page. */
export interface Slice {
  readonly events: readonly RecordedEvent[]
  /** The position to go on from after the whole page. */
  readonly end: number
  readonly from: number
  readonly until: number
  readonly checkpoint: Checkpoint
  /** Whether an event came after the read model first caught up. */
  readonly isLive: (recorded: RecordedEvent) => boolean
}

/**
 * Applies events from `from` to before `until`, fewer when time is up. Throws `EventFailed` for what a handler
 * threw; then nothing was written.
 */
export async function applySlice(deps: BatchDeps, slice: Slice): Promise<Committed> {
  const { connection, writer, clock } = deps
  const { events, from, until } = slice
  try {
    const committed = await connection.transaction(async () => {
      const startedMs = clock.monotonic()
      let next = from
      let handled = 0
      while (next < until) {
        const applied = applyEvent(deps, slice, next)
        // A wait costs more than most handlers, so there is none where there is nothing to wait for.
        const waits = applied instanceof Promise
        handled += waits ? await applied : applied
        next += 1
        // What does not wait is fast: the clock is asked now and then.
        if ((waits || next % 16 === 0) && clock.monotonic() - startedMs > deps.batchMs) break
      }
      const keys = await writer.flush().catch((error: unknown) => {
        throw new EventFailed(next - 1, next - from > 1, error)
      })
      const checkpoint = checkpointAfter(slice, next)
      await advance(connection, deps.projection.name, deps.part, slice.checkpoint, checkpoint)
      return { checkpoint, next, handled, keys }
    })
    writer.committed()
    return committed
  } catch (error) {
    writer.discard()
    throw error
  }

  function checkpointAfter({ checkpoint, end }: Slice, next: number): Checkpoint {
    const last = events[next - 1]
    return {
      position: next === events.length ? end : (last?.position ?? checkpoint.position),
      last: last ? { position: last.position, id: last.id } : checkpoint.last,
    }
  }
}

/** Answers how many handlers were called. */
function applyEvent(
  deps: BatchDeps,
  slice: Pick<Slice, 'events' | 'isLive'>,
  index: number,
): number | Promise<number> {
  const recorded = slice.events[index] as RecordedEvent
  const { projection, upcasters, part, writer } = deps
  if (partitionOf(recorded.stream, projection.partitions) !== part) return 0
  const projected = projectedEvent(recorded, upcasters, slice.isLive(recorded))
  const handler = projected && projection.handlers.get(projected.event.type)
  if (!handler) return 0
  try {
    writer.begin?.(projected.about)
    const result = handler(projected.event as never, writer.view as never, projected.about)
    if (result !== undefined && result !== alreadyDone) return settled(writer, result, index)
    const settling = writer.settle()
    return settling === undefined ? 1 : settled(writer, settling, index)
  } catch (error) {
    throw new EventFailed(index, false, error)
  }
}

async function settled(
  writer: ViewWriter<unknown>,
  result: Promise<void>,
  index: number,
): Promise<1> {
  try {
    await result
    const settling = writer.settle()
    if (settling !== undefined) await settling
    return 1
  } catch (error) {
    throw new EventFailed(index, false, error)
  }
}

/** Puts the event at `from` aside and goes on behind it. */
export async function parkEvent(deps: BatchDeps, slice: Slice, error: unknown): Promise<Committed> {
  const { connection, projection, part, clock } = deps
  const { events, from, end } = slice
  const { position, stream, revision, type, id } = events[from] as RecordedEvent
  const next = from + 1
  const checkpoint: Checkpoint = {
    position: next === events.length ? end : position,
    last: { position, id },
  }
  const letter: ParkedEvent = {
    position,
    stream,
    revision,
    type,
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    parkedAt: clock.now(),
  }
  await connection.transaction(async () => {
    await park(connection, letter)
    await advance(connection, projection.name, part, slice.checkpoint, checkpoint)
  })
  return { checkpoint, next, handled: 0, keys: [] }
}

/** Applies an event that had been put aside; the checkpoint stays. */
export async function redriveEvent(
  deps: BatchDeps,
  recorded: RecordedEvent,
  isLive: Slice['isLive'],
): Promise<readonly string[] | undefined> {
  const { connection, writer } = deps
  const one = { events: [recorded], isLive }
  try {
    const keys = await connection.transaction(async () => {
      await applyEvent(
        { ...deps, part: partitionOf(recorded.stream, deps.projection.partitions) },
        one,
        0,
      )
      const changed = await writer.flush()
      await unpark(connection, recorded.position)
      return changed
    })
    writer.committed()
    return keys
  } catch (error) {
    writer.discard()
    throw error
  }
}

/** Writes to the view outside the log's course; the checkpoint stays. */
export async function writeToView(
  { connection, writer }: BatchDeps,
  body: (view: never) => void | Promise<void>,
): Promise<readonly string[] | undefined> {
  try {
    const keys = await connection.transaction(async () => {
      await body(writer.view as never)
      await writer.settle()
      return writer.flush()
    })
    writer.committed()
    return keys
  } catch (error) {
    writer.discard()
    throw error
  }
}

/** Why the worker stopped before an event. */
export function projectionFailed(
  projection: string,
  { position, type, stream, revision }: RecordedEvent,
  cause: unknown,
): ReenactError {
  if (isReenactError(cause, 'ProjectionFailed')) return cause
  return new ReenactError(
    'ProjectionFailed',
    `'${projection}' cannot handle '${type}' of ${stream}@${revision}: ${sentenceOf(cause)} Mend the handler and resume, or run it with poison: 'park' to put such events aside.`,
    { projection, position, type },
    cause,
  )
}

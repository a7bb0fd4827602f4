// `projection(name, { from, on, view })`: what is read, what is done with it, and where it goes.

import { createHash } from 'node:crypto'
import { ReenactError } from '../runtime/core/errors.ts'
import { checkCategory } from '../runtime/core/stream-name.ts'
import type { EventInfo, Handler, HandlersFrom, Source } from './event-types.ts'
import type { View } from './view.ts'

/** Options of {@link projection}. */
export interface ProjectionOptions<From, Write, Read> {
  /** The aggregate, or aggregates, whose events are read. */
  readonly from: From
  /** What the read model is: `documents<T>()`, or `sql(…)` of `reenact/sql`. */
  readonly view: View<Write, Read>
  /** Handlers by event type. Types without one are not read. */
  readonly on: HandlersFrom<From, Write>
  /**
   * Raise it whenever a handler gives other results than before; the read model is then rebuilt beside the
   * live one. A change of the handlers' text or of the view's shape without it stops the worker. Default 1.
   */
  readonly version?: number
  /**
   * Workers that share the log by streams, for handlers that wait for something. Order is kept within a stream
   * only. Default 1; another number needs a rebuild.
   */
  readonly partitions?: number
}

/** A read model made from the log. Make it with {@link projection}. */
export interface Projection<Write = unknown, Read = unknown> {
  /** Names the read model and its worker. */
  readonly name: string
  /** Version of its results, as declared. Default 1. */
  readonly version: number
  /** Changes with the text of the handlers and the view's shape. */
  readonly fingerprint: string
  /** Workers that share the log, as declared. Default 1. */
  readonly partitions: number
  /** Kinds of actors it reads. */
  readonly kinds: readonly string[]
  /** Event types it reads, by today's names. */
  readonly types: readonly string[]
  /** What the read model is. */
  readonly view: View<Write, Read>
  /** By event type. */
  readonly handlers: ReadonlyMap<string, Handler<never, never>>
}

/** Any projection. */
export type AnyProjection = Projection

/**
 * Declares a read model: which events it reads and what each does to it. Handlers get the event, the view to
 * write to, and what stands beside the event; what they write commits together with the checkpoint, so that
 * every event counts exactly once. They may be called again for the same event after a failure, so anything
 * they do besides writing to the view must bear that; see `onlyLive`.
 *
 * @param name - a letter, then letters, digits or underscores; at most 40
 * @throws `InvalidName`, `InvalidOption`
 * @example
 * ```ts
 * const Balances = projection('balances', {
 *   from: Account,
 *   view: documents<{ balance: number }>(),
 *   on: {
 *     Deposited: (event, view, { actorId }) =>
 *       view.patch(actorId, (row) => ({ balance: (row?.balance ?? 0) + event.amount })),
 *   },
 * })
 * ```
 */
export function projection<const From extends Source | readonly Source[], Write, Read>(
  name: string,
  options: ProjectionOptions<From, Write, Read>,
): Projection<Write, Read> {
  checkCategory(name)
  if (name.length > 40) throw invalid(name, 'name', 'is too long', 'use at most 40 characters')
  const { version = 1, partitions = 1, view } = options
  if (!Number.isSafeInteger(version) || version < 1) {
    throw invalid(name, 'version', 'is not a whole number from 1', 'count versions 1, 2, 3')
  }
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > 64) {
    throw invalid(name, 'partitions', 'is not a whole number from 1 to 64', 'leave it out for 1')
  }
  const sources: readonly Source[] = [options.from].flat()
  const handlers = new Map<string, Handler<never, never>>()
  for (const [type, handler] of Object.entries(options.on)) {
    if (typeof handler !== 'function') {
      throw invalid(name, `on.${type}`, 'is not a function', 'give (event, view, about) => …')
    }
    handlers.set(type, handler as Handler<never, never>)
  }
  if (sources.length === 0) throw invalid(name, 'from', 'is empty', 'name an aggregate')
  if (handlers.size === 0) throw invalid(name, 'on', 'is empty', 'handle at least one event type')
  return Object.freeze({
    name,
    version,
    partitions,
    fingerprint: fingerprintOf(sources, handlers, `${view.shape} ${partitions}`),
    kinds: sources.map((source) => source.name),
    types: [...handlers.keys()],
    view,
    handlers,
  })
}

/**
 * Acts on the world, but not for events of the time before the read model first caught up, nor while it is
 * rebuilt. It may act more than once for an event, since a batch that failed is handled again: let what it calls
 * recognise `about.id`.
 *
 * @example
 * ```ts
 * Placed: (event, view, about) => onlyLive(about, () => mail(event.customer, { key: about.id }))
 * ```
 */
export const onlyLive = <Result>(about: EventInfo, act: () => Result): Result | undefined =>
  about.live ? act() : undefined

// Space between words means nothing, except inside texts, where a change of it is noticed once too often.
const textOf = (handler: unknown): string => String(handler).replace(/\s+/g, ' ')

function fingerprintOf(
  sources: readonly Source[],
  handlers: ReadonlyMap<string, unknown>,
  shape: string,
): string {
  const hash = createHash('sha256')
  const kinds = sources.map(({ name }) => name).sort()
  const texts = [...handlers].map(([type, handler]) => [type, textOf(handler)]).sort()
  hash.update(JSON.stringify([kinds, texts, shape]))
  return hash.digest('base64url').slice(0, 22)
}

const invalid = (name: string, option: string, what: string, fix: string): ReenactError =>
  new ReenactError(
    'InvalidOption',
    `'${option}' of projection '${name}' ${what}. To mend it: ${fix}.`,
    { option, fix },
  )

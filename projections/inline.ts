// Inline projections: synchronous handlers in the transaction of the append itself, in the log's own file.

import { decode, encode, settle } from '../runtime/codec/codec.ts'
import type { RuntimeRecord } from '../runtime/codec/runtime-records.ts'
import { isReenactError, ReenactError, sentenceOf } from '../runtime/core/errors.ts'
import type {
  EventStore,
  InlineHook,
  InlineState,
  RecordedEvent,
} from '../runtime/ports/event-store.ts'
import { checkedKey } from './document-table.ts'
import type { EventInfo, EventsFrom, Source } from './event-types.ts'
import { filterOf, type KindUpcasters, projectedEvent } from './projected-event.ts'
import { type AnyProjection, projection } from './projection.ts'
import type { View } from './view.ts'

/** What inline handlers read and write, at once. */
export interface InlineDocuments<T extends object> {
  /**
   * The document as it stands, frozen.
   *
   * @throws `InvalidName` for a key that is empty, longer than 1,024 characters or not storable, as the two below
   * @example
   * ```ts
   * Opened: ({ owner }, view) => {
   *   if (view.get(owner)) throw new Error(`${owner} has an account`)
   * }
   * ```
   */
  get(key: string): T | undefined
  /**
   * Writes a whole document.
   *
   * @throws `InvalidPayload` for what could not be stored
   */
  put(key: string, document: T): void
  /** Removes a document; absent is fine. */
  delete(key: string): void
}

type InlineEvent<From> =
  EventsFrom<From> extends infer Event extends { readonly type: string }
    ? Event | RuntimeRecord
    : never

/** Handlers by event type. They answer nothing: there is no time to wait. */
type InlineHandlersFrom<From, T extends object> =
  InlineEvent<From> extends infer Event extends { readonly type: string }
    ? {
        readonly [Type in Event['type']]?: (
          event: Extract<Event, { type: Type }>,
          view: InlineDocuments<T>,
          about: EventInfo,
        ) => void
      }
    : never

/** Says what the documents of an inline projection look like. */
export interface InlineShape<T extends object> {
  /** Never there: it carries the type. */
  readonly document?: T
}

/**
 * The documents of an inline projection.
 *
 * @example
 * ```ts
 * view: inlineDocuments<{ account: string }>()
 * ```
 */
export const inlineDocuments = <T extends object>(): InlineShape<T> => ({})

/** Options of {@link inlineProjection}. */
export interface InlineOptions<From, T extends object> {
  /** The aggregate, or aggregates, whose events are read. */
  readonly from: From
  /** What the documents look like: `inlineDocuments<T>()`. */
  readonly view: InlineShape<T>
  /** Handlers by event type. Types without one are not read. */
  readonly on: InlineHandlersFrom<From, T>
  /** Raise it whenever a handler gives other results: the documents are made anew at the next start. Default 1. */
  readonly version?: number
}

/** A projection that is part of every append. Make it with {@link inlineProjection}. */
export interface InlineProjection<T extends object = object> {
  /** Its own name; the documents are kept under it. */
  readonly name: string
  /** @internal */
  readonly inner: AnyProjection
  /** Carries the type of the documents. */
  readonly view: InlineShape<T>
}

/** How an inline projection is read. What a `send` answered is in it. */
export interface InlineReader<T extends object> {
  /**
   * One document, or `undefined`.
   *
   * @throws `InvalidName` for the key
   * @example
   * ```ts
   * const owner = await runtime.inlineView(Owners).get('Ann')
   * console.log(owner?.account)
   * ```
   */
  get(key: string): Promise<T | undefined>
  /**
   * Keys that begin so, in byte order. Default: all.
   *
   * @example
   * ```ts
   * const owners = await runtime.inlineView(Owners).keys('A')
   * ```
   */
  keys(prefix?: string): Promise<readonly string[]>
}

/**
 * Declares a read model that is written together with the events, in the log's own file: for look-ups that must
 * never be behind, and for rules across actors. Keep it small: every append waits for its handlers. One that
 * throws refuses the append.
 *
 * @example
 * ```ts
 * const Owners = inlineProjection('owners', {
 *   from: Account,
 *   view: inlineDocuments<{ account: string }>(),
 *   on: {
 *     Opened: ({ owner }, view, { actorId }) => {
 *       if (view.get(owner)) throw new Error(`${owner} has an account`)
 *       view.put(owner, { account: actorId })
 *     },
 *   },
 * })
 * const runtime = await createRuntime({ store: 'file:bank.db', actors: [Account], inline: [Owners] })
 * ```
 */
export function inlineProjection<const From extends Source | readonly Source[], T extends object>(
  name: string,
  options: InlineOptions<From, T>,
): InlineProjection<T> {
  const inner = projection<From, never, object>(name, {
    ...options,
    view: shapeOnly,
    on: options.on as never,
  })
  return Object.freeze({ name, inner: inner as AnyProjection, view: options.view })
}

// Inline documents are no view of a read model's database: only name, types and fingerprint count.
const shapeOnly = { shape: 'inline' } as unknown as View<never, object>

const prefixOf = (name: string): string => `reenact.inline:${name}:`
const checkpointOf = (name: string): string => `reenact.inline:${name}`

/** Reads the documents. */
export const inlineReader = <T extends object>(
  { state }: EventStore,
  { name }: InlineProjection<T>,
): InlineReader<T> => ({
  get: async (key) => {
    const entry = await state.get(prefixOf(name) + checkedKey(key))
    return entry && (decode(entry.value) as T)
  },
  keys: async (prefix = '') => {
    const start = prefixOf(name)
    return (await state.keys(start + prefix)).map((key) => key.slice(start.length))
  },
})

/**
 * Brings inline projections up to the log's end, and makes them part of every append from now on. Nobody else may
 * append meanwhile.
 */
export async function startInline(
  store: EventStore,
  projections: readonly InlineProjection[],
  upcasters: KindUpcasters,
): Promise<void> {
  if (!store.inline || !store.supports.exclusiveWriter) {
    const fix = "use a store at 'file:PATH', opened for writing"
    throw new ReenactError('InvalidOption', `${store.name} takes no inline projections: ${fix}.`, {
      option: 'inline',
      fix,
    })
  }
  for (const { inner } of projections) await catchUp(store, inner, upcasters)
  store.inline(hookOf(projections, upcasters))
}

function hookOf(projections: readonly InlineProjection[], upcasters: KindUpcasters): InlineHook {
  return (events, state) => {
    const last = events.at(-1) as RecordedEvent
    for (const { inner } of projections) {
      for (const recorded of events) handle(inner, recorded, upcasters, state)
      state.put(checkpointOf(inner.name), checkpointText(inner, last.position))
    }
  }
}

const checkpointText = ({ fingerprint, version }: AnyProjection, position: number): string =>
  `${fingerprint} ${version} ${position}`

function handle(
  inner: AnyProjection,
  recorded: RecordedEvent,
  upcasters: KindUpcasters,
  state: InlineState,
): void {
  const { kinds, handlers, name } = inner
  const dash = recorded.stream.indexOf('-')
  if (!kinds.includes(recorded.stream.slice(0, dash))) return
  try {
    const projected = projectedEvent(recorded, upcasters, true)
    const handler = projected && handlers.get(projected.event.type)
    if (!handler) return
    const result = handler(
      projected.event as never,
      documentsOf(state, prefixOf(name)) as never,
      projected.about,
    )
    if (result !== undefined) throw new Error('an inline handler must not be asynchronous')
  } catch (error) {
    if (isReenactError(error)) throw error
    const { position, type, stream } = recorded
    throw new ReenactError(
      'ProjectionFailed',
      `The inline projection '${name}' refuses '${type}' of ${stream}: ${sentenceOf(error)} Nothing was written.`,
      { projection: name, position, type },
      error,
    )
  }
}

const documentsOf = (state: InlineState, prefix: string): InlineDocuments<object> => ({
  get: (key) => {
    const text = state.get(prefix + checkedKey(key))
    return text === undefined ? undefined : settle(decode(text))
  },
  put: (key, document) =>
    state.put(prefix + checkedKey(key), encode(document, { what: `The document '${key}'` })),
  delete: (key) => state.delete(prefix + checkedKey(key)),
})

/**
 * Makes the documents anew unless they are those of this log's end and these handlers: somebody may have appended
 * without them. The checkpoint goes first and comes last, so that a crash between begins anew.
 */
async function catchUp(
  store: EventStore,
  inner: AnyProjection,
  upcasters: KindUpcasters,
): Promise<void> {
  const { state } = store
  const { events } = await store.readAll({ direction: 'backwards', limit: 1 })
  const wanted = checkpointText(inner, events[0]?.position ?? 0)
  if ((await state.get(checkpointOf(inner.name)))?.value === wanted) return
  await state.delete(checkpointOf(inner.name))
  const before = await state.keys(prefixOf(inner.name))
  const made = await foldLog(store, inner, upcasters)
  for (const key of before) if (!made.has(key)) await state.delete(key)
  const entries = [...made]
  for (let from = 0; from < entries.length; from += 1_000) {
    const some = entries.slice(from, from + 1_000)
    await Promise.all(some.map(([key, value]) => state.put(key, value)))
  }
  await state.put(checkpointOf(inner.name), wanted)
}

async function foldLog(
  store: EventStore,
  inner: AnyProjection,
  upcasters: KindUpcasters,
): Promise<ReadonlyMap<string, string>> {
  const made = new Map<string, string>()
  const memory: InlineState = {
    get: (key) => made.get(key),
    put: (key, value) => made.set(key, value),
    delete: (key) => made.delete(key),
  }
  const filter = filterOf(inner, upcasters)
  for (let after = 0, end = false; !end; ) {
    const page = await store.readAll({ after, limit: 1_000, filter })
    for (const recorded of page.events) handle(inner, recorded, upcasters, memory)
    after = page.position
    end = page.end
  }
  return made
}

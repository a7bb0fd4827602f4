// The one place where old events become today's events: on read, before anybody else sees them.

import { messageOf, ReenactError } from '../core/errors.ts'
import { decode, decodeEvent, encode, type JsonObject, type TypedData } from './codec.ts'
import type { EventHeader } from './metadata.ts'

/**
 * Makes the data of the next version from the data of one version. Pure. The data are JSON without `type`; what it
 * returns must be too. Where it throws or returns no object, reading fails with `InvalidOption`, which names it.
 *
 * @example
 * ```ts
 * const Account = aggregate('account', machine, {
 *   events: { Deposited: { version: 2, upcast: { 1: (data) => ({ ...data, currency: 'EUR' }) } } },
 * })
 * ```
 */
export type Upcaster = (data: JsonObject) => JsonObject

/** What a reader knows of one event type. */
export interface UpcastRule {
  /** Today's name. */
  readonly type: string
  /** Today's version. */
  readonly version: number
  /** By the version they start from. */
  readonly steps: Readonly<Record<number, Upcaster>>
}

/** Rules by the name found in the log; `null` for types declared as ignored. */
export type Upcasters = ReadonlyMap<string, UpcastRule | null>

/** Prefix of the runtime's own event types. */
export const runtimeTypePrefix = 'reenact.'

/** The runtime's own event types, all of version 1: outcomes that are no domain events. */
const runtimeRules: Upcasters = new Map(
  ['reenact.Rejected', 'reenact.NoEffect'].map((type) => [type, { type, version: 1, steps: {} }]),
)

/** A row of the log. */
type StoredText = Omit<StoredEvent, 'version' | 'data'> & { readonly data: string }

/**
 * The event of a row of the log as today's code knows it, or `undefined` where its type is ignored. Throws
 * `CorruptEvent`, `UnknownEvent`, `NewerSchema`.
 */
export function readEvent(
  rules: Upcasters,
  stored: StoredText,
  { schemaVersion: version = 1 }: EventHeader,
): ReturnType<typeof upcast> {
  const { stream, revision, type } = stored
  const known = type.startsWith(runtimeTypePrefix) ? runtimeRules : rules
  // What nobody reads need not be readable.
  if (known.get(type) === null) return undefined
  const data = readData(stored, decode)
  return upcast(known, { stream, revision, type, version, data })
}

/** The same with the type among the data: as a machine takes it, and as users see it. */
export function readTyped(
  rules: Upcasters,
  stored: StoredText,
  header: EventHeader,
): TypedData | undefined {
  const { type } = stored
  const rule = type.startsWith(runtimeTypePrefix) ? runtimeRules.get(type) : rules.get(type)
  if (rule && rule.version === (header.schemaVersion ?? 1)) {
    return readData(stored, (text) => decodeEvent(rule.type, text))
  }
  const event = readEvent(rules, stored, header)
  return event && Object.assign({ type: event.type }, event.data, { type: event.type })
}

function readData<Data>(
  { stream, revision, data }: StoredText,
  read: (text: string) => Data,
): Data {
  try {
    return read(data)
  } catch (error) {
    throw new ReenactError(
      'CorruptEvent',
      `${stream}@${revision} does not hold an event of ours: ${messageOf(error)}`,
      { stream, revision, check: 'content' },
      error,
    )
  }
}

/** An event as found in the log. */
export interface StoredEvent {
  readonly stream: string
  readonly revision: number
  readonly type: string
  readonly version: number
  readonly data: JsonObject
}

/**
 * The event as today's code knows it, or `undefined` where its type is ignored. An unknown type and a newer
 * version are errors: skipping them would give a silently wrong state.
 */
export function upcast(
  rules: Upcasters,
  event: StoredEvent,
): { readonly type: string; readonly data: JsonObject } | undefined {
  const { stream, revision, type, version } = event
  const rule = rules.get(type)
  if (rule === null) return undefined
  if (!rule) {
    throw new ReenactError(
      'UnknownEvent',
      `${stream}@${revision} holds '${type}', which this code does not know. Declare it in 'events', as an alias, or in 'ignored'.`,
      { stream, revision, type },
    )
  }
  if (version > rule.version) {
    throw new ReenactError(
      'NewerSchema',
      `${stream}@${revision} holds '${type}' version ${version}; this code knows up to ${rule.version}. Deploy the newer code here.`,
      { stream, revision, type, found: version, known: rule.version },
    )
  }
  let { data } = event
  for (let from = version; from < rule.version; from += 1) data = step(rule, from, data, event)
  return { type: rule.type, data }
}

function step(rule: UpcastRule, from: number, data: JsonObject, event: StoredEvent): JsonObject {
  const upcaster = rule.steps[from]
  try {
    const next: unknown = upcaster?.(data)
    // What an upcaster makes is held to the same rules as what a machine emits.
    if (typeof next === 'object' && next !== null) return decode(encode(next))
  } catch (error) {
    throw failed(rule, from, event, messageOf(error), error)
  }
  throw failed(rule, from, event, 'it returned no object')
}

const failed = (
  rule: UpcastRule,
  from: number,
  { stream, revision }: StoredEvent,
  reason: string,
  cause?: unknown,
): ReenactError =>
  new ReenactError(
    'InvalidOption',
    `The upcaster of '${rule.type}' from version ${from} failed on ${stream}@${revision}: ${reason}. Mend the upcaster.`,
    { option: `events.${rule.type}.upcast`, fix: 'return the data of the next version' },
    cause,
  )

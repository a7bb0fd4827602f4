// The one way between values and JSON text: every payload crosses it when written and when read.

import { hash } from 'node:crypto'
import { isReenactError } from '../core/errors.ts'
import type { Json, JsonObject } from './json.ts'
import { checkParsed, depthMax, isPlain, plainCopy, recordDepthMax } from './plain-data.ts'
import { refuse, refuseSize, startWalk, type Walk } from './refusal.ts'

export type { Json, JsonObject } from './json.ts'

/** Options of {@link encode}. */
export interface EncodeOptions {
  /** Names the payload in messages: "The event 'Deposited'". */
  readonly what?: string
  /** Limit of the UTF-8 text. */
  readonly bytesMax?: number
  /** A record of the runtime, which lies around what a user gave: it may be deeper than that. */
  readonly isRecord?: boolean
}

/** The default limit of one payload: 1 MiB. */
export const payloadBytesMax = 1024 * 1024

/**
 * Writes a value as JSON text, or refuses it with `InvalidPayload` or `TooLarge`.
 *
 * Properties that are `undefined` are dropped. Anything else that would not come back from
 * {@link decode} as it went in is refused, with the path that leads to it.
 */
export function encode(value: unknown, options: EncodeOptions = {}): string {
  const walk = walkOf(options)
  const text = guarded(walk, () => JSON.stringify(plainCopy(walk, value)))
  checkSize(walk, text)
  return text
}

/** An event's data, which has no `type`, as JSON text, and the event as {@link decodeEvent} would give it back, frozen. */
export function encodeEvent(
  type: string,
  data: object,
  options: EncodeOptions,
): { readonly text: string; readonly event: TypedData } {
  const walk = walkOf(options)
  return guarded(walk, () => {
    const copy = plainCopy(walk, data) as JsonObject
    const text = JSON.stringify(copy)
    checkSize(walk, text)
    return { text, event: deepFreeze({ type, ...copy }) }
  })
}

const walkOf = ({
  what = 'The payload',
  bytesMax = payloadBytesMax,
  isRecord = false,
}: EncodeOptions): Walk => startWalk(what, bytesMax, isRecord ? recordDepthMax : depthMax)

/**
 * A copy of an object as {@link decode} would give it after {@link encode}, and its {@link canonical} text. Refuses
 * what they refuse.
 */
export function copyOf(
  value: unknown,
  options: EncodeOptions = {},
): { readonly copy: JsonObject; readonly canonicalText: string } {
  const walk = walkOf(options)
  const copy = guarded(walk, () => plainCopy(walk, value))
  if (!isObject(copy)) return refuseKind(walk, copy)
  const canonicalText = canonical(copy)
  checkSize(walk, canonicalText)
  return { copy, canonicalText }
}

/**
 * Reads JSON text that holds an object, or refuses it with `InvalidPayload`. What it returns is
 * what {@link encode} accepts, except that keys beginning with `$reenact` pass.
 */
export function decode(text: string, what = 'The payload'): JsonObject {
  const walk = startWalk(what, Number.POSITIVE_INFINITY, recordDepthMax)
  const value = guarded(walk, () => parse(walk, text))
  if (!isObject(value)) return refuseKind(walk, value)
  guarded(walk, () => checkParsed(walk, value))
  return value
}

/** Any value as the log gives it back; `undefined` comes back as `null`. Refuses what {@link encode} refuses. */
export const settled = (value: unknown, what: string): Json =>
  decode(encode({ value: value ?? null }, { what }))['value'] ?? null

/** An event: its data with its type among them. */
export interface TypedData extends JsonObject {
  readonly type: string
}

/** Reads the JSON text of an event's data, like {@link decode}, as an event of this type. */
export function decodeEvent(type: string, text: string): TypedData {
  const event = parseEvent(type, text)
  if (!event) return Object.assign({ type }, decode(text), { type })
  const walk = startWalk('The payload', Number.POSITIVE_INFINITY, recordDepthMax)
  guarded(walk, () => checkParsed(walk, event))
  return event
}

// Parsing the type together with the data saves a copy. `undefined` for an empty object, and for what is none.
function parseEvent(type: string, text: string): TypedData | undefined {
  if (!text.startsWith('{"')) return undefined
  try {
    const event = JSON.parse(`{"type":${quoted(type)},${text.slice(1)}`)
    // Foreign data may have a property of that name.
    return event.type === type ? event : { ...event, type }
  } catch {
    return undefined
  }
}

/**
 * Writes JSON with the keys of every object in order of their UTF-16 units, so that equal values
 * have equal texts. Takes values that {@link encode} accepts or {@link decode} returned.
 */
export function canonical(value: Json): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value !== 'object' || value === null) return String(value)
  if (isArray(value)) return `[${value.map(canonical).join(',')}]`
  let text = ''
  for (const key of sortedKeys(value)) {
    const field: Json | undefined = value[key]
    // Dropped, as `encode` does: a value and what comes back from the log hash alike.
    if (field === undefined) continue
    text += `${text === '' ? '' : ','}${quoted(key)}:${canonical(field)}`
  }
  return `{${text}}`
}

// Most objects have few keys: for them this is several times faster than the general sort.
function sortedKeys(value: JsonObject): readonly string[] {
  const keys = Object.keys(value)
  if (keys.length > 16) return keys.sort()
  for (let i = 1; i < keys.length; i++) {
    const key = keys[i] as string
    let at = i
    for (; at > 0 && (keys[at - 1] as string) > key; at--) keys[at] = keys[at - 1] as string
    keys[at] = key
  }
  return keys
}

/** A text as JSON. Most are short and plain, and then this is faster than `JSON.stringify`. */
export function quoted(text: string): string {
  if (text.length > 64) return JSON.stringify(text)
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x20 || unit > 0x7e || unit === 0x22 || unit === 0x5c) return JSON.stringify(text)
  }
  return `"${text}"`
}

/** Tells payloads apart by their {@link canonical} texts: the first 132 bits of the SHA-256, 22 characters. */
export const payloadHash = (canonicalText: string): string =>
  hash('sha256', canonicalText, 'base64url').slice(0, 22)

/**
 * Freezes plain objects and arrays all the way down and returns the value. Stops at what is frozen
 * already, so that freezing a changed copy costs only its changes. Leaves functions, class
 * instances and proxies alone.
 */
export const deepFreeze = <T>(value: T): T => freeze(value, false)

/** Like {@link deepFreeze}, and drops properties that are `undefined`, as `encode` does. */
export const settle = <T>(value: T): T => freeze(value, true)

function freeze<T>(value: T, dropUndefined: boolean): T {
  // Most contexts are flat: the list is made only where something is nested.
  let pending: unknown[] | undefined
  for (let item: unknown = value; item !== undefined; item = pending?.pop()) {
    if (typeof item !== 'object' || item === null) continue
    if (!isPlain(item) || Object.isFrozen(item)) continue
    for (const key of Object.keys(item)) {
      const child = (item as Record<string, unknown>)[key]
      if (child === undefined && dropUndefined) Reflect.deleteProperty(item, key)
      if (typeof child !== 'object' || child === null) continue
      pending ??= []
      pending.push(child)
    }
    Object.freeze(item)
  }
  return value
}

// The last line of defence: a stack that runs out here is refused like any other value.
function guarded<T>(walk: Walk, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (isReenactError(error)) throw error
    return refuse(walk, 'cannot be read', 'pass plain data', error)
  }
}

function parse(walk: Walk, text: string): unknown {
  if (typeof text !== 'string') return refuse(walk, 'is not text', 'pass the JSON text')
  try {
    return JSON.parse(text)
  } catch {
    // Not as the cause: its message quotes the payload, which may be personal data.
    const reason = `is not JSON: ${text.length} characters that do not parse`
    return refuse(walk, reason, 'check who wrote it, or restore it from a backup')
  }
}

function checkSize(walk: Walk, text: string): void {
  // A UTF-16 unit takes three bytes at most: most texts need no counting.
  if (text.length * 3 <= walk.bytesMax) return
  const bytes = Buffer.byteLength(text)
  if (bytes > walk.bytesMax) refuseSize(walk, bytes)
}

const refuseKind = (walk: Walk, value: unknown): never =>
  refuse(walk, `is ${kindOf(value)}`, 'payloads are objects: wrap it in one')

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const kindOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`

const isArray = (value: readonly Json[] | JsonObject): value is readonly Json[] =>
  Array.isArray(value)

// Decides whether a value survives a round trip through JSON. No code of the value runs meanwhile.

import { types } from 'node:util'
import type { Json, JsonObject } from './json.ts'
import { count, enter, type Place, pathOf, refuse, type Walk } from './refusal.ts'

/** How many objects and arrays of a user may lie inside each other. */
export const depthMax = 64

/** The same in the log, where the runtime's own records lie around what a user gave. */
export const recordDepthMax = 72

/**
 * A copy as JSON text would give it back, without properties that are `undefined`. Refuses whatever else the text would
 * change, lose or choke on.
 */
export function plainCopy(walk: Walk, value: unknown): Json {
  if (typeof value === 'string') {
    count(walk, value.length + 2)
    checkText(walk, value)
    return value
  }
  if (typeof value === 'number') {
    count(walk, 1)
    checkNumber(walk, value)
    return value
  }
  if (typeof value === 'boolean' || value === null) {
    count(walk, 4)
    return value
  }
  if (typeof value !== 'object') return refuseType(walk, value)
  count(walk, 2)
  return copyOfContainer(walk, value)
}

/**
 * Refuses, in what `JSON.parse` returned, all that {@link plainCopy} would refuse. Reserved keys
 * pass: they are refused when users write them, and read when the runtime wrote them.
 */
export function checkParsed(walk: Walk, value: unknown): void {
  if (typeof value === 'string') checkText(walk, value)
  else if (typeof value === 'number') checkNumber(walk, value)
  if (typeof value !== 'object' || value === null) return
  if (depthOf(walk) >= walk.depthMax) refuseDepth(walk, walk.depthMax)
  const place = enter(walk, value)
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      place.key = i
      checkParsed(walk, value[i])
    }
  } else {
    // Without a guard: parsed objects inherit nothing enumerable, and for..in is the fastest loop.
    for (const key in value) {
      place.key = key
      checkKey(walk, key)
      checkParsed(walk, (value as Readonly<Record<string, unknown>>)[key])
    }
  }
  walk.place = place.outer
}

/** Tells an object that is only its properties from one with behaviour or hidden content. */
export function isPlain(value: object): boolean {
  if (types.isProxy(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  if (Array.isArray(value)) return prototype === Array.prototype || isForeignArray(prototype)
  return prototype === Object.prototype || prototype === null || isForeignObject(prototype)
}

const dollar = 0x24
const objectTag = Object.prototype.toString
const lookupGetter: (this: object, key: number) => unknown = Reflect.get(
  Object.prototype,
  '__lookupGetter__',
)

function copyOfContainer(walk: Walk, value: object): Json {
  if (!isPlain(value)) refuseForeign(walk, value)
  for (let place = walk.place; place !== undefined; place = place.outer) {
    if (place.container !== value) continue
    const target = pathOf(place.outer)
    refuse(walk, `closes a cycle back to ${target}`, 'refer to it by an id')
  }
  if (depthOf(walk) >= walk.depthMax) refuseDepth(walk, walk.depthMax)
  if ('toJSON' in value) checkSubstitution(walk, value)
  const symbols = Object.getOwnPropertySymbols(value)
  if (symbols.length > 0) {
    refuse(walk, `has the symbol key ${String(symbols[0])}`, 'use string keys only')
  }
  // Numbers, dates and arguments stay what they are when they inherit like a plain object.
  const isList = Array.isArray(value)
  if (!isList && objectTag.call(value) !== '[object Object]') refuseForeign(walk, value)
  const place = enter(walk, value)
  const copy = isList ? copyOfArray(walk, value, place) : copyOfObject(walk, value, place)
  walk.place = place.outer
  return copy
}

const depthOf = ({ place }: Walk): number => (place === undefined ? 0 : place.depth)

function copyOfObject(walk: Walk, value: object, place: Place): JsonObject {
  const copy: Record<string, Json> = {}
  for (const key of Object.getOwnPropertyNames(value)) {
    place.key = key
    // The descriptor is read, not the property: a getter must not run.
    const property = Object.getOwnPropertyDescriptor(value, key)
    if (property === undefined) continue
    if (!property.enumerable) refuse(walk, 'is not enumerable', 'define it as an ordinary property')
    if (property.get !== undefined || property.set !== undefined) refuseAccessor(walk)
    checkKey(walk, key)
    if (key.charCodeAt(0) === dollar && key.startsWith('$reenact')) {
      refuse(
        walk,
        'has a key reserved by Reenact',
        'choose a key that does not begin with $reenact',
      )
    }
    if (property.value === undefined) continue
    count(walk, key.length + 3)
    copy[key] = plainCopy(walk, property.value)
  }
  return copy
}

function copyOfArray(walk: Walk, value: readonly unknown[], place: Place): readonly Json[] {
  // Each element takes two bytes or more: this also bounds the list of names below.
  if (value.length > 0) count(walk, value.length - 1)
  const names = Object.getOwnPropertyNames(value)
  const copy: Json[] = []
  for (let i = 0; i < value.length; i++) {
    place.key = i
    if (lookupGetter.call(value, i) !== undefined) refuseAccessor(walk)
    const element = value[i]
    if (element === undefined && !Object.hasOwn(value, i)) refuseHole(walk)
    copy.push(plainCopy(walk, element))
  }
  place.key = undefined
  if (names.length !== value.length + 1) refuseExtras(walk, value, names, place)
  return copy
}

function checkKey(walk: Walk, key: string): void {
  if (key === '__proto__') {
    refuse(walk, 'has the key __proto__, which pollutes prototypes when copied', 'rename it')
  }
  if (!isWellFormed(key)) refuse(walk, 'has a lone surrogate in its key', 'use well-formed text')
}

function checkText(walk: Walk, value: string): void {
  if (isWellFormed(value)) return
  refuse(walk, 'holds a lone surrogate', 'use well-formed text, or base64 for bytes')
}

function checkNumber(walk: Walk, value: number): void {
  // Beyond the safe range every double is an integer; NaN fails both comparisons.
  if (value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER) {
    if (value === 0 && 1 / value < 0) refuse(walk, 'is -0', 'use 0')
    return
  }
  if (!Number.isFinite(value)) refuse(walk, `is ${value}`, 'use a finite number or null')
  refuse(walk, 'is an integer beyond Number.MAX_SAFE_INTEGER', 'use a string of its digits')
}

function checkSubstitution(walk: Walk, value: object): void {
  const own = Object.getOwnPropertyDescriptor(value, 'toJSON')
  // An own property that is no function is data, and is checked like the others.
  if (own !== undefined && typeof own.value !== 'function') return
  const reason = own === undefined ? 'inherits toJSON' : 'has a toJSON method'
  refuse(walk, reason, 'call it yourself and pass the result')
}

const refuseAccessor = (walk: Walk): never =>
  refuse(walk, 'is a getter or setter', 'copy its value into an ordinary property')

const refuseHole = (walk: Walk): never => refuse(walk, 'is a hole in an array', 'use null')

const refuseDepth = (walk: Walk, levels: number): never =>
  refuse(walk, `lies deeper than ${levels} levels`, 'flatten the data')

function refuseExtras(
  walk: Walk,
  value: readonly unknown[],
  names: readonly string[],
  place: Place,
): never {
  // Integer keys come first and length follows them: what is left over was added.
  const extra = names.slice(value.length).find((name) => name !== 'length')
  if (extra === undefined) return refuseHole(walk)
  place.key = extra
  return refuse(walk, 'is a named property of an array', 'use an object instead of the array')
}

function refuseType(walk: Walk, value: unknown): never {
  if (value === undefined) refuse(walk, 'is undefined', 'use null')
  if (typeof value === 'bigint') refuse(walk, 'is a BigInt', 'use a string of its digits')
  if (typeof value === 'symbol') refuse(walk, 'is a symbol', 'use a string')
  return refuse(walk, 'is a function', 'keep data only')
}

const kinds: readonly (readonly [(value: object) => boolean, string, string])[] = [
  [types.isProxy, 'is a Proxy', 'pass a plain copy'],
  [types.isDate, 'is a Date', 'use its toISOString() text or a number of milliseconds'],
  [types.isMap, 'is a Map', 'use an object or an array of entries'],
  [types.isSet, 'is a Set', 'use an array'],
  [types.isRegExp, 'is a RegExp', 'use its source'],
  [types.isNativeError, 'is an Error', 'use an object with its name and message'],
  [ArrayBuffer.isView, 'is binary data', 'use base64 text or an array of numbers'],
  [types.isAnyArrayBuffer, 'is binary data', 'use base64 text or an array of numbers'],
  [types.isBoxedPrimitive, 'is a boxed primitive', 'use the primitive'],
  [types.isPromise, 'is a promise', 'await it'],
  [types.isArgumentsObject, 'is an arguments object', 'use an array'],
]

function refuseForeign(walk: Walk, value: object): never {
  for (const [matches, reason, fix] of kinds) if (matches(value)) refuse(walk, reason, fix)
  const prototype: unknown = Object.getPrototypeOf(value)
  const name = constructorName(prototype)
  const reason = name === undefined ? 'has a prototype of its own' : `is an instance of ${name}`
  return refuse(walk, reason, 'use a plain object with the same fields')
}

function constructorName(prototype: unknown): string | undefined {
  const made = ownData(prototype, 'constructor')
  const name = ownData(made, 'name')
  return typeof name === 'string' && name !== '' ? name.slice(0, 80) : undefined
}

function ownData(holder: unknown, key: string): unknown {
  const holds = typeof holder === 'function' || (typeof holder === 'object' && holder !== null)
  if (!holds || types.isProxy(holder)) return undefined
  return Object.getOwnPropertyDescriptor(holder, key)?.value
}

// Object.prototype of another realm: the root of a chain that looks like the one we know.
const isForeignObject = (prototype: unknown): boolean =>
  typeof prototype === 'object' &&
  prototype !== null &&
  !types.isProxy(prototype) &&
  Object.getPrototypeOf(prototype) === null &&
  Object.hasOwn(prototype, 'isPrototypeOf')

// Array.prototype of another realm. It is an array itself, unlike the prototype of a subclass.
const isForeignArray = (prototype: unknown): boolean =>
  !types.isProxy(prototype) &&
  Array.isArray(prototype) &&
  isForeignObject(Object.getPrototypeOf(prototype))

// Node 20 has it; the library types of ES2023 do not.
const isWellFormed = (text: string): boolean =>
  (text as unknown as { isWellFormed(): boolean }).isWellFormed()

// A machine as text: config and source of its guards and actions. Two machines of the same text behave alike,
// as far as their functions depend on nothing outside.

import { createHash } from 'node:crypto'
import type { AnyStateMachine } from 'xstate'
import type { Upcasters } from '../runtime/codec/upcasting.ts'

/** Text of any config value; functions by source and by what XState hangs on them. */
export function textOf(value: unknown, seen: Set<unknown> = new Set()): string {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) {
    return typeof value === 'string' ? JSON.stringify(value) : String(value)
  }
  if (seen.has(value)) return '(seen)'
  seen.add(value)
  const source = typeof value === 'function' ? String(value) : ''
  // An ordinary function has no own enumerable keys; XState's actions and guards carry theirs there.
  const entries = Object.entries(value)
    .filter(([key]) => !(typeof value === 'function' && machinery.has(key)))
    .map(([key, inner]) => `${JSON.stringify(key)}:${textOf(inner, seen)}`)
  seen.delete(value)
  return `${source}${Array.isArray(value) ? '[' : '{'}${entries.join(',')}}`
}

/** XState's own functions on an action or guard: the same for all machines. */
const machinery: ReadonlySet<string> = new Set(['resolve', 'retryResolve', 'execute', 'check'])

/** What snapshots depend on: the machine, and how old events are read. */
export function machineKey(
  machine: AnyStateMachine,
  upcasters: Upcasters,
  userVersion: number,
): string {
  const { guards, actions } = machine.implementations
  const parts = [userVersion, machine.config, guards, actions, [...upcasters]]
  const text = parts.map((part) => textOf(part)).join('\n')
  return createHash('sha256').update(text).digest('base64url')
}

const impurities: readonly (readonly [RegExp, string])[] = [
  [
    /\bDate\s*\.\s*now\b|\bnew\s+Date\b\s*(\(\s*\)|[^\s(])|\bperformance\s*\.\s*now\b/,
    'reads the clock',
  ],
  [/\bMath\s*\.\s*random\b|\brandomUUID\s*\(|\bgetRandomValues\s*\(/, 'uses chance'],
  [/\bsetTimeout\b|\bsetInterval\b|\bfetch\s*\(|\bawait\b/, 'does I/O or waits'],
]

// Comments and literal strings may say anything. One expression for all, since each may hold the marks of another.
const unspoken =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`/g

/** Of a template only what is computed inside it speaks. */
const computed = (template: string): string =>
  (template.match(/\\[\s\S]|\$\{(?:[^{}]|\{[^{}]*\})*\}/g) ?? [])
    .filter((part) => part.startsWith('$'))
    .join(' ')

/** Says why a function is visibly not pure, or `undefined`. */
export function impurityOf(fn: unknown): string | undefined {
  if (typeof fn !== 'function') return undefined
  if (fn.constructor.name === 'AsyncFunction') return 'is asynchronous'
  const source = String(fn).replace(unspoken, (text) =>
    text.startsWith('`') ? computed(text) : "''",
  )
  return impurities.find(([pattern]) => pattern.test(source))?.[1]
}

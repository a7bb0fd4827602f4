// Guards and actions of machines made at random.

import { and, assign, emit, enqueueActions, log, not, or, raise, stateIn } from 'xstate'
import { reject } from '../../actors/reject.ts'

export interface SentEvent {
  readonly type: string
  readonly n: number
}

interface Context {
  readonly a: number
  readonly b: number
  readonly fuel: number
  readonly log: readonly string[]
}

interface Args {
  readonly context: Context
  readonly event: SentEvent
}

/** Parts whose types are of no interest here: XState's generics would want each machine's own. */
export type Part = never

export const part = (value: unknown): Part => value as Part

const keepFuel = ({ context }: Args): boolean => context.fuel > 0

export const noted = (what: string) =>
  assign(part(({ context, event }: Args) => ({ log: [...context.log, `${what}:${event.type}`] })))

export const guards = {
  big: ({ context }: Args) => context.a > 2,
  over: ({ context }: Args, { than }: { than: number }) => context.b > than,
  both: and(part(['big', ({ event }: Args) => event.n > 0])),
  keepFuel,
}

export const implemented = {
  addA: assign({ a: ({ context }: Args) => context.a + 1 } as Part),
  addTo: assign(
    part(({ context }: Args, { field, by }: { field: 'a' | 'b'; by: number }) => ({
      [field]: context[field] + by,
    })),
  ),
  setBoth: assign({ a: 1, b: (_: Args, params: { to: number } | undefined) => params?.to } as Part),
  tell: emit(part((_: Args, params: { what: string }) => ({ type: 'told', what: params.what }))),
  refuse: reject('by name', { as: 'data' }),
  burn: assign({ fuel: ({ context }: Args) => context.fuel - 1 } as Part),
  custom: () => {},
}

type Enqueue = ((action: unknown) => void) & Record<string, (what: unknown) => void>

interface Collecting extends Args {
  readonly enqueue: Enqueue
  readonly check: (guard: unknown) => boolean
}

/** Guards by number. 0 and all that are past the end: none. */
export function guardOf(at: number, idAt: (index: number) => string): unknown {
  const all: readonly (() => unknown)[] = [
    () => undefined,
    () => 'big',
    () => ({ type: 'over', params: { than: 3 } }),
    () => ({ type: 'over', params: ({ context }: Args) => ({ than: context.a }) }),
    () =>
      ({ event }: Args) =>
        event.n > 2,
    () =>
      ({ context }: Args) =>
        (context.a + context.b) % 2,
    () => 'both',
    () => and(part(['big', not(part(({ event }: Args) => event.n % 2 === 0))])),
    () => or(part([({ context }: Args) => context.b > 4, { type: 'over', params: { than: 1 } }])),
    () => not('both' as Part),
    () => stateIn(`#${idAt(at)}`),
    () => not(part(stateIn(`#${idAt(at + 1)}`))),
    () => stateIn(part({ s0: 's1' })),
    () => stateIn('s1'),
    () =>
      ({ event, context }: Args) => {
        if (event.n === 5 && context.a > 0) throw new Error('guard fails')
        return true
      },
    () => 'nowhere',
  ]
  return all[at]?.()
}

const actions: Readonly<Record<number, () => unknown>> = {
  0: () => 'addA',
  1: () => assign(part(({ context, event }: Args) => ({ b: context.b + event.n }))),
  2: () => ({ type: 'addTo', params: { field: 'a', by: 2 } }),
  3: () => ({ type: 'addTo', params: ({ event }: Args) => ({ field: 'b', by: event.n }) }),
  4: () => ({ type: 'setBoth', params: { to: 4 } }),
  5: () => assign({ a: ({ context }: Args) => -context.a, b: 0 } as Part),
  6: () => emit({ type: 'happened' }),
  7: () => emit(part(({ context }: Args) => ({ type: 'counted', a: context.a, b: context.b }))),
  8: () => ({ type: 'tell', params: ({ context }: Args) => ({ what: `b${context.b}` }) }),
  9: () =>
    reject(
      'no',
      part(({ context, event }: Args) => ({ a: context.a, n: event.n })),
    ),
  10: () => 'refuse',
  11: () => 'custom',
  12: () => assign(part(() => undefined)),
  13: () =>
    enqueueActions(
      part(({ context, event, enqueue, check }: Collecting) => {
        if (check('big')) enqueue['assign']?.({ a: 0 })
        else enqueue('addA')
        enqueue['emit']?.({ type: 'queued', a: context.a })
        if (check({ type: 'over', params: { than: event.n } })) {
          enqueue({ type: 'addTo', params: { field: 'b', by: -1 } })
        }
        enqueue['assign']?.(({ context: later }: Args) => ({ log: [...later.log, `q${later.a}`] }))
      }),
    ),
  14: () =>
    enqueueActions(
      part(({ context, event, enqueue, check }: Collecting) => {
        if (check(stateIn('s0'))) enqueue(implemented.custom)
        if (check(and(part([not('big' as Part), 'keepFuel'])))) enqueue(reject('queued', { c: 1 }))
        enqueue(enqueueActions(part(({ enqueue: inner }: Collecting) => inner('addA'))))
        if (event.n === 4) enqueue('missing')
        if (context.a > 6) enqueue['emit']?.(undefined)
      }),
    ),
  15: () =>
    assign(
      part(({ context, event }: Args) => {
        if (event.n === 3 && context.b > 2) throw new TypeError('action fails')
        return { 1: context.a, 0: event.n }
      }),
    ),
  // From here on: what leads out of the machine, and what only XState knows.
  16: () =>
    enqueueActions(
      part(({ context, enqueue }: Collecting) => {
        if (context.fuel > 0) enqueue('burn')
        if (context.fuel > 0) enqueue['raise']?.({ type: 'b', n: 1 })
      }),
    ),
  17: () =>
    assign(
      part(({ spawn, event }: Args & { spawn: (src: string) => object }) =>
        event.n > 3 ? { child: spawn('nobody') } : {},
      ),
    ),
  18: () =>
    assign(
      part(({ self, event }: Args & { self: { id: string } }) =>
        event.n > 3 ? { id: self.id } : {},
      ),
    ),
  19: () =>
    enqueueActions(
      part(({ enqueue, check }: Collecting) => {
        try {
          if (check('nowhere')) enqueue('addA')
        } catch (error) {
          enqueue['emit']?.({ type: 'caught', message: String(error) })
        }
      }),
    ),
  20: () => 'missing',
  21: () => log('something'),
  22: () => raise({ type: 'never taken' }, { delay: 1 }),
}

/** What changes no context. */
export const inert: ReadonlySet<number> = new Set([6, 7, 8, 9, 10, 11])

/** What leads out of the machine. */
export const leaving: ReadonlySet<number> = new Set([16, 17, 18, 19])

/** Actions by number. */
export const actionOf = (at: number): unknown => actions[at]?.()

// What the tests of the actors' mechanics share: a world of manual time with a log that may go wrong.

import {
  type Actor,
  type ActorLimits,
  type AnyAggregate,
  createMemoryStore,
  createRuntime,
  type ErrorCode,
  type EventStore,
  isReenactError,
  type ReenactError,
  type Runtime,
} from '../../../runtime/index.ts'
import {
  createFaultyStore,
  createManualPorts,
  type FaultyStore,
  type ManualPorts,
} from '../../../runtime/testing/index.ts'
import { Account } from '../../fixtures/account.ts'

export type Ann = Actor<typeof Account>

/** A log, time in the hand, and as many runtimes on it as a test wants. */
export interface World {
  readonly ports: ManualPorts
  /** The log itself. */
  readonly log: EventStore
  /** The log as runtimes see it. */
  readonly store: FaultyStore
  readonly until: ManualPorts['until']
  /** A runtime; each call is one more process on the same log. */
  open(limits?: Partial<ActorLimits>, actors?: readonly AnyAggregate[]): Promise<Runtime>
  /** Account `ann` in a new runtime, opened and filled, so at revision 1. */
  ann(balance: number, limits?: Partial<ActorLimits>): Promise<Ann>
  /** What the log holds for an account, by a runtime that remembers nothing. */
  fresh(id?: string): Promise<Ann>
}

/** Makes a world. `wrap` stands between runtimes and log. */
export function world(wrap: (log: EventStore) => EventStore = (log) => log): World {
  const ports = createManualPorts()
  const log = createMemoryStore(ports)
  const store = createFaultyStore(wrap(log), { ports })
  const { until } = { until: <T>(promise: Promise<T>) => ports.until(promise) }
  const open: World['open'] = (limits = {}, actors = [Account]) =>
    createRuntime({ store, actors, ports, limits })
  return {
    ports,
    log,
    store,
    until,
    open,
    ann: async (balance, limits) => {
      const ann = (await open(limits)).actor(Account, 'ann')
      await until(ann.send({ type: 'open', owner: 'Ann' }))
      await until(ann.send({ type: 'deposit', amount: balance }))
      return ann
    },
    fresh: async (id = 'ann') =>
      (await createRuntime({ store: log, actors: [Account], ports })).actor(Account, id),
  }
}

/** A store with some of its methods replaced. */
export const overlay = (inner: EventStore, replaced: Partial<EventStore>): EventStore =>
  new Proxy(inner, {
    get: (target, property) => {
      if (property in replaced) return Reflect.get(replaced, property)
      const value: unknown = Reflect.get(target, property)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })

/** The error a promise ends with, which must be one of Reenact and have the code. */
export async function errorOf<Code extends ErrorCode>(
  promise: Promise<unknown>,
  code: Code,
): Promise<ReenactError<Code>> {
  let answer: unknown
  try {
    answer = await promise
  } catch (error) {
    if (isReenactError(error, code)) return error
    throw new Error(`expected ${code}, got ${String(error)}`, { cause: error })
  }
  throw new Error(`expected ${code}, got ${JSON.stringify(answer)}`)
}

/** Types of a stream's events, in order. */
export const typesOf = async (actor: Pick<Ann, 'history'>): Promise<readonly string[]> =>
  (await actor.history()).map(({ event }) => event.type)

/** Collects rejections nobody handles until stopped. */
export function watchRejections(): { readonly seen: readonly unknown[]; stop(): Promise<void> } {
  const seen: unknown[] = []
  const note = (reason: unknown) => seen.push(reason)
  process.on('unhandledRejection', note)
  return {
    seen,
    stop: async () => {
      // Rejections are reported after the microtasks of a turn.
      await new Promise((resolve) => setImmediate(resolve))
      process.off('unhandledRejection', note)
    },
  }
}

// Options of a runtime with their defaults, checked once.

import { type ActorLimits, type AnyAggregate, modelOf } from '../../actors/index.ts'
import type { AnyProcessManager } from '../../actors/processes/process-manager.ts'
import type { AnyReaction } from '../../actors/processes/reaction.ts'
import type { InlineProjection } from '../../projections/index.ts'
import { type Ports, systemPorts } from '../core/clock.ts'
import { ReenactError } from '../core/errors.ts'
import { timerMsMax } from '../core/limits.ts'
import { checkOptions, kindOf, wrongOption } from '../core/options.ts'
import type { EventStore } from '../ports/event-store.ts'
import { checkViews } from './open-views.ts'

/** Options of {@link createRuntime}. */
export interface RuntimeOptions {
  /**
   * Where the log is: `memory:`, `file:PATH`, `file:PATH?mode=ro`, or an open store, which then stays yours to
   * close.
   */
  readonly store: string | EventStore
  /** The kinds of actors that live here. */
  readonly actors: readonly AnyAggregate[]
  /** The kinds of processes that can be run and looked at here. */
  readonly processes?: readonly AnyProcessManager[]
  /** The reactions that can be run here. */
  readonly reactions?: readonly AnyReaction[]
  /**
   * Where read models are: `file:FOLDER` for SQLite files, `memory:`, or `postgres://…`. Default: the folder
   * `PATH-views` beside a store at `file:PATH`, `memory:` for `memory:`.
   */
  readonly views?: string
  /**
   * Projections that are part of every append to a store at `file:PATH`. After the log was written without them they
   * are made anew before the runtime is there.
   */
  readonly inline?: readonly InlineProjection[]
  /** Clock, chance and timers. Default: the system's. */
  readonly ports?: Partial<Ports>
  /**
   * Bounds, all optional: `mailboxMax` 1,024 commands an actor, `residentMax` 100,000 actors in memory,
   * `passivateAfterMs` 60,000, `snapshotEvery` 500 events, `timeoutMs` 5,000, `appendTimeoutMs` 10,000,
   * `conflictAttemptsMax` 8, `streamEventsMax` 2^31-1 events of one actor.
   */
  readonly limits?: Partial<ActorLimits>
}

/** Limits of a runtime. Every queue has one. */
export type RuntimeLimits = ActorLimits

const defaults: RuntimeLimits = {
  mailboxMax: 1_024,
  residentMax: 100_000,
  passivateAfterMs: 60_000,
  snapshotEvery: 500,
  timeoutMs: 5_000,
  appendTimeoutMs: 10_000,
  conflictAttemptsMax: 8,
  streamEventsMax: timerMsMax,
}

/** Fills in what is not given. Throws `InvalidOption` for anything but whole numbers from 1. */
export function readLimits(given: Partial<RuntimeLimits>): RuntimeLimits {
  checkOptions(given, Object.keys(defaults), "'limits'")
  const limits = {
    ...defaults,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  }
  for (const [option, value] of Object.entries(limits)) {
    if (!Number.isInteger(value) || value < 1 || (option.endsWith('Ms') && value > timerMsMax)) {
      throw wrongOption(
        option,
        `is ${String(value)}`,
        `give a whole number from 1 to ${timerMsMax}`,
      )
    }
  }
  return limits
}

/** Options as they were checked. */
export interface ReadOptions {
  readonly limits: RuntimeLimits
  readonly models: ReadonlyMap<string, ReturnType<typeof modelOf>>
  readonly ports: Ports
}

const known: readonly (keyof RuntimeOptions)[] = [
  'store',
  'actors',
  'processes',
  'reactions',
  'views',
  'inline',
  'ports',
  'limits',
]

/** Checks everything that can be wrong before a store is opened. Throws `InvalidOption`. */
export function readOptions(options: RuntimeOptions): ReadOptions {
  checkOptions(options, known, 'createRuntime')
  const { store, actors, ports = {} }: Partial<RuntimeOptions> = options
  const isStore = typeof store === 'object' && store !== null && 'append' in store
  if (!isStore && typeof store !== 'string') {
    const fix = "give an address such as 'file:bank.db' or 'memory:', or an open store"
    throw wrongOption('store', `is ${kindOf(store)}`, fix)
  }
  checkViews(options.views)
  checkOptions(ports, ['clock', 'random', 'timers'], "'ports'")
  const given = Object.entries(ports).filter(([, port]) => port !== undefined)
  return {
    limits: readLimits(options.limits ?? {}),
    models: readActors(actors),
    ports: { ...systemPorts, ...Object.fromEntries(given) },
  }
}

function readActors(actors: unknown): ReadOptions['models'] {
  if (!Array.isArray(actors)) {
    throw wrongOption('actors', `is ${kindOf(actors)}`, 'give a list of aggregates: [Account]')
  }
  const models = new Map<string, ReturnType<typeof modelOf>>()
  for (const aggregate of actors as readonly AnyAggregate[]) {
    const model = modelOf(aggregate)
    if (models.has(aggregate.name)) {
      throw new ReenactError(
        'InvalidOption',
        `Two aggregates are named '${aggregate.name}'. Rename one: the name is the category of its streams.`,
        { option: 'actors', fix: 'give each aggregate its own name' },
      )
    }
    models.set(aggregate.name, model)
  }
  return models
}

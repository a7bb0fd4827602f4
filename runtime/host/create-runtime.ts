// The composition root: a store and kinds of actors become a runtime.

import {
  Actor,
  type AnyAggregate,
  CommandBus,
  Directory,
  type Metrics,
  type Moment,
  modelOf,
  type ReplayedActor,
  replayAll,
  zeroMetrics,
} from '../../actors/index.ts'
import { type LogEvent, type LogOptions, logEvents, startInline } from '../../projections/index.ts'
import { sleep } from '../core/clock.ts'
import { ReenactError } from '../core/errors.ts'
import { createIds } from '../core/ids.ts'
import { timerMsMax } from '../core/limits.ts'
import { kindOf, wrongOption } from '../core/options.ts'
import { streamName } from '../core/stream-name.ts'
import type { EventStore } from '../ports/event-store.ts'
import { type CommandStreams, commandStreams } from './command-streams.ts'
import { openStore } from './open-store.ts'
import { createReadModels, type ReadModels } from './read-models.ts'
import { type ProcessRuntime, runProcesses } from './run-processes.ts'
import { type ReadOptions, type RuntimeOptions, readOptions } from './runtime-options.ts'
import { watchedStore } from './watched-store.ts'

/** Actors on a log. Make it with {@link createRuntime}. */
export interface Runtime extends CommandStreams, ReadModels, ProcessRuntime {
  /** The log, for what goes beyond single actors. Actors notice what is written to their streams through it. */
  readonly store: EventStore
  /**
   * The handle of one actor. Any non-empty id is fine; it need not exist yet.
   *
   * @throws `UnknownActor` when the aggregate is not among `actors`
   * @throws `InvalidName` for an id that cannot be part of a stream name
   * @example
   * ```ts
   * const ann = runtime.actor(Account, 'ann')
   * const { accepted, state } = await ann.send({ type: 'deposit', amount: 50 })
   * ```
   */
  actor<A extends AnyAggregate>(aggregate: A, id: string): Actor<A>
  /**
   * All actors of a kind as they were at a moment, by stream name; those that did not exist then are left out.
   * One that cannot be replayed comes with its error and does not stop the others.
   *
   * @example
   * ```ts
   * for await (const { id, state } of runtime.replayAll(Account, { at: '2026-01-31T00:00:00Z' })) …
   * ```
   */
  replayAll<A extends AnyAggregate>(aggregate: A, moment: Moment): AsyncIterable<ReplayedActor<A>>
  /**
   * The events of all actors in the order they were committed, decoded, up to the present end of the log.
   *
   * @throws `CorruptEvent`, `UnknownEvent`, `NewerSchema` for an event that cannot be read
   * @example
   * ```ts
   * for await (const event of runtime.log({ kinds: ['account'], types: ['Deposited'] })) …
   * ```
   */
  log(options?: LogOptions): AsyncIterable<LogEvent>
  /**
   * Writes a consistent, checked copy of the store to a new file while actors go on. Copying the file by hand
   * may miss what is still in its WAL.
   *
   * @throws `InvalidOption` for a store that is not a file, or a path that exists
   * @throws `DiskFull` without room for it; `StoreUnreadable`, `CorruptEvent` where the store is damaged
   * @example
   * ```ts
   * await runtime.backup(`bank-${new Date().toISOString().slice(0, 10)}.db`)
   * ```
   */
  backup(path: string): Promise<void>
  /**
   * Counters and levels since the start, a copy: it does not change.
   *
   * @example
   * ```ts
   * const { resident, pending, overloaded } = runtime.metrics()
   * if (overloaded > 0) console.log(`${overloaded} commands turned away, ${pending} wait`)
   * ```
   */
  metrics(): Readonly<Metrics>
  /**
   * Takes no more commands, brings what was taken to a definite outcome, then closes the store if this runtime
   * opened it. After `graceMs` (default 10,000) what is left fails: not begun with `Closed`, else with
   * `UnknownOutcome`; ending the process then is as safe as a crash. Idempotent.
   *
   * @throws `InvalidOption` for a `graceMs` below 0
   * @example
   * ```ts
   * process.once('SIGTERM', () => runtime.close({ graceMs: 30_000 }))
   * ```
   */
  close(options?: { readonly graceMs?: number }): Promise<void>
}

/**
 * Opens a log and brings actors to life on it.
 *
 * @throws `InvalidOption` for wrong options, and what opening the store throws: `StoreLocked`,
 * `StoreUnreadable`, `UnsupportedFileSystem`, `StoreUnavailable`
 * @example
 * ```ts
 * const runtime = await createRuntime({ store: 'file:bank.db', actors: [Account] })
 * await runtime.actor(Account, 'ann').send({ type: 'open', owner: 'Ann' })
 * await runtime.close()
 * ```
 */
export async function createRuntime(options: RuntimeOptions): Promise<Runtime> {
  const read = readOptions(options)
  const opened = typeof options.store === 'string'
  const store =
    typeof options.store === 'string' ? await openStore(options.store, read.ports) : options.store
  try {
    return await assemble(options, read, store, opened)
  } catch (error) {
    // Nobody else holds it: it must not stay locked.
    if (opened) await store.close()
    throw error
  }
}

async function assemble(
  options: RuntimeOptions,
  { limits, models, ports }: ReadOptions,
  store: EventStore,
  opened: boolean,
): Promise<Runtime> {
  const newId = createIds(ports.clock, ports.random)
  const metrics = zeroMetrics()
  const directory = new Directory({
    store,
    clock: ports.clock,
    timers: ports.timers,
    ports,
    limits,
    metrics,
    writer: newId().slice(-12),
    // A store that was handed in may have other runtimes on it.
    exclusive: opened && store.supports.exclusiveWriter,
  })
  const upcasters = new Map([...models].map(([name, model]) => [name, model.upcasters]))
  if (options.inline) await startInline(store, options.inline, upcasters)
  const check = (aggregate: AnyAggregate): void => {
    const model = modelOf(aggregate)
    const known = models.get(aggregate.name)
    if (known !== model) throw unknownActor(aggregate.name, known !== undefined)
  }
  const bus = new CommandBus(directory, models, newId)
  const actorOf = <A extends AnyAggregate>(aggregate: A, id: string): Actor<A> => {
    check(aggregate)
    const names = { id, stream: streamName(aggregate.name, id) }
    return new Actor(directory, aggregate, names, newId)
  }
  const readModels = createReadModels(
    options.views,
    { store, ports, upcasters },
    directory,
    actorOf,
  )
  const { processes = [], reactions = [] } = options
  const running = runProcesses({ directory, bus, models, newId, check }, processes, reactions)
  const close = async (graceMs: number): Promise<void> => {
    directory.refuseNew()
    // One grace for all of it, not one for each part.
    const end = ports.clock.monotonic() + graceMs
    const leftMs = () => Math.max(0, end - ports.clock.monotonic())
    await running.processes.close(leftMs())
    if (bus.working) {
      const waitMs = Math.min(leftMs(), timerMsMax)
      await Promise.race([bus.close(), sleep(ports.timers, waitMs, { background: true })])
    }
    await directory.close(leftMs())
    await readModels.projections.close()
    if (opened) await store.close()
  }
  let closing: Promise<void> | undefined
  return {
    store: watchedStore(store, (stream) => directory.resident(stream)?.state.forget()),
    actor: actorOf,
    replayAll: (aggregate, moment) => {
      check(aggregate)
      return replayAll(directory.deps, modelOf(aggregate), moment)
    },
    ...commandStreams(bus, options.actors, check),
    log: (options) => logEvents({ store, timers: ports.timers, upcasters }, options),
    ...readModels,
    ...running,
    backup: async (path) => {
      if (typeof path !== 'string' || path === '') {
        throw wrongOption('path', `is ${kindOf(path)}`, 'give the path of a new file')
      }
      if (!store.backup) throw noBackup(store.name)
      await store.backup(path)
    },
    metrics: () => ({ ...metrics }),
    close: ({ graceMs = 10_000 } = {}) => {
      if (!(graceMs >= 0)) return Promise.reject(invalidGrace(graceMs))
      closing ??= close(graceMs)
      return closing
    },
  }
}

const invalidGrace = (graceMs: number): ReenactError => {
  const fix = 'give ms from 0, or Infinity'
  return new ReenactError('InvalidOption', `'graceMs' is ${graceMs}: ${fix}.`, {
    option: 'graceMs',
    fix,
  })
}

const noBackup = (name: string): ReenactError => {
  const fix = "use a store at 'file:PATH'"
  return new ReenactError('InvalidOption', `'${name}' has no file to back up: ${fix}.`, {
    option: 'store',
    fix,
  })
}

const unknownActor = (aggregate: string, isOther: boolean): ReenactError =>
  new ReenactError(
    'UnknownActor',
    isOther
      ? `Another aggregate named '${aggregate}' is an actor of this runtime. Use the same object in both places.`
      : `'${aggregate}' is not an actor of this runtime. Add it to 'actors' of createRuntime.`,
    { aggregate },
  )

// The processes of a runtime: running them, and looking at them.

import { decode, encode, type JsonObject } from '../../runtime/codec/codec.ts'
import { sleep } from '../../runtime/core/clock.ts'
import { isReenactError, type ReenactError } from '../../runtime/core/errors.ts'
import { timerMsMax } from '../../runtime/core/limits.ts'
import { ProcessActs } from './process-acts.ts'
import { ProcessDirectory, type ProcessesDeps } from './process-directory.ts'
import { closed, faults, tooSlow } from './process-errors.ts'
import { infoOf, type ProcessInfo } from './process-info.ts'
import { ProcessInstance } from './process-instance.ts'
import type { AnyProcessManager, ProcessEventOf } from './process-manager.ts'
import type { ProcessModel } from './process-model.ts'
import { isEarly, isEnded, type ProcessState, type ProcessStatus } from './process-state.ts'
import { type ProcessWork, type ProcessWorkOptions, startProcesses } from './process-work.ts'
import type { AnyReaction } from './reaction.ts'
import type { StepError } from './step-error.ts'
import { beginning, versionOf } from './trigger-shape.ts'

/** Which processes are wanted. */
export interface ProcessFilter {
  /** Default: those that have not ended. */
  readonly status?: ProcessStatus | 'open' | 'all'
  /** Only those whose undoing does not get on. */
  readonly stuck?: boolean
  /** Only those started before, ms since the epoch. */
  readonly startedBefore?: number
}

/** A process that needs somebody. */
export interface ParkedProcess {
  /** Its kind. */
  readonly process: AnyProcessManager
  /** Id of the process. */
  readonly id: string
  /**
   * A step failed for good, the machine failed, its deadline passed untaken, its undoing does not get on, or this code cannot
   * replay it: then only other code helps. `early`: it holds what came before an event that starts it, and begins when that comes.
   */
  readonly why: 'step' | 'machine' | 'deadline' | 'early' | 'undo' | 'replay'
  /** The step it is about. */
  readonly step: string | null
  /** Of the last attempt. */
  readonly error: StepError
  /** When it last got on, ms since the epoch; absent where it cannot be replayed. */
  readonly since?: number
}

/**
 * Processes of a runtime, as `runtime.processes`.
 *
 * @example
 * ```ts
 * const work = runtime.processes.work()
 * for await (const { id, value } of runtime.processes.list(OrderProcess)) console.log(id, value)
 * await work.stop()
 * ```
 */
export class Processes extends ProcessActs {
  readonly #deps: ProcessesDeps
  readonly #all: ProcessDirectory
  readonly #kinds: readonly AnyProcessManager[]

  /** @internal */
  constructor(
    deps: ProcessesDeps,
    processes: readonly AnyProcessManager[],
    reactions: readonly AnyReaction[],
  ) {
    const all = new ProcessDirectory(deps, processes, reactions)
    super(all)
    this.#deps = deps
    this.#all = all
    this.#kinds = processes
  }

  /**
   * Runs processes and reactions: feeds them from the log, attempts steps, fires timers, posts what reactions call for. Of
   * several runtimes that run the same kind, one works and the others wait to take over. It keeps its process alive.
   *
   * @throws `UnknownProcess`; `InvalidOption` for one that runs here already
   * @example
   * ```ts
   * const work = runtime.processes.work()
   * process.once('SIGTERM', () => work.stop())
   * ```
   */
  work(options: ProcessWorkOptions = {}): ProcessWork {
    return startProcesses(this.#deps, this.#all, options)
  }

  /**
   * Starts a process by hand, with an event that its machine takes. Started again under the same id it stays as it is; one that is
   * parked `early` begins.
   *
   * Where its machine fails the process is parked.
   *
   * @throws `UnknownProcess`, `InvalidName`, `InvalidPayload`
   * @example
   * ```ts
   * await runtime.processes.start(OrderProcess, '4711', { type: 'order.Placed', item: 'lamp', units: 1 })
   * ```
   */
  async start<P extends AnyProcessManager>(
    process: P,
    id: string,
    event: ProcessEventOf<P>,
  ): Promise<void> {
    const given = decode(encode(event, { what: 'The event' })) as JsonObject & { type: string }
    const eventId = this.#deps.newId()
    const model = this.#all.modelOf(process)
    const version = versionOf(model, given.type)
    const about = { version, eventId, position: null, correlationId: eventId }
    const entry = beginning(model, { type: 'reenact.Triggered', event: given, ...about })
    await this.#all.tell(model, id, (state, revision) =>
      revision === -1 || isEarly(state) ? entry : undefined,
    )
  }

  /**
   * Processes by id: those that have not ended, unless the filter says otherwise.
   *
   * @example
   * ```ts
   * for await (const { id, parked } of runtime.processes.list(OrderProcess, { status: 'parked' })) console.log(id, parked?.error.message)
   * ```
   */
  async *list<P extends AnyProcessManager>(
    process: P,
    filter: ProcessFilter = {},
  ): AsyncGenerator<ProcessInfo<P>> {
    const model = this.#all.modelOf(process)
    const { status = 'open', stuck, startedBefore = Number.POSITIVE_INFINITY } = filter
    for await (const id of this.#all.ids(model, status === 'all' || final.has(status))) {
      const state = await this.#all.read(model, id)
      if (!hasStatus(state, status) || state.startedAt >= startedBefore) continue
      if (stuck !== undefined && (state.stuck !== undefined) !== stuck) continue
      yield infoOf<P>(state)
    }
  }

  /**
   * Replays processes with the machines of this code, those that have not ended unless the filter says otherwise, and tells of
   * each whether it can go on. For a check before new code is deployed, on a copy of the log.
   *
   * @example
   * ```ts
   * for await (const { id, error } of runtime.processes.verify(OrderProcess)) if (error) console.error(id, error.message)
   * ```
   */
  async *verify(
    process: AnyProcessManager,
    filter: Pick<ProcessFilter, 'status'> = {},
  ): AsyncGenerator<{ readonly id: string; readonly error?: ReenactError }> {
    const model = this.#all.modelOf(process)
    const { status = 'open' } = filter
    for await (const id of this.#all.ids(model, status === 'all' || final.has(status))) {
      const found = await this.#replayed(model, id)
      if ('error' in found) yield { id, error: found.error }
      else if (hasStatus(found.state, status)) yield { id }
    }
  }

  /** The state of a process, or why this code cannot replay it. */
  async #replayed(
    model: ProcessModel,
    id: string,
  ): Promise<{ readonly state: ProcessState } | { readonly error: ReenactError }> {
    try {
      return { state: await this.#all.read(model, id) }
    } catch (error) {
      if (!isReenactError(error) || !faults.has(error.code)) throw error
      return { error }
    }
  }

  /**
   * The kinds of processes of this runtime, its own schedules last.
   *
   * @example
   * ```ts
   * console.log(runtime.processes.kinds.map(({ name }) => name))
   * ```
   */
  get kinds(): readonly AnyProcessManager[] {
    return this.#kinds
  }

  /**
   * Dead letters of processes: those of all kinds that do not go on by themselves. Nothing of them is lost: `retry`, `resume`,
   * `skip` and `cancel` say how each goes on.
   *
   * @example
   * ```ts
   * for await (const { process, id, error } of runtime.processes.parked()) {
   *   console.log(process.name, id, error.message)
   *   await runtime.processes.resume(process, id, { by: 'ann', reason: 'the bank is back' })
   * }
   * ```
   */
  async *parked(): AsyncGenerator<ParkedProcess> {
    for (const process of this.#kinds) {
      const model = this.#all.modelOf(process)
      for await (const id of this.#all.ids(model, false)) {
        const found = await this.#replayed(model, id)
        if ('error' in found) {
          const { code, message } = found.error
          const error = { kind: 'failed', message, code, attempts: 0 } as const
          yield { process, id, why: 'replay', step: null, error }
          continue
        }
        const { parked, stuck, time: since } = found.state
        if (parked) yield { process, id, ...parked, since }
        else if (stuck) yield { process, id, why: 'undo', ...stuck, since }
      }
    }
  }

  /**
   * One process as the log has it, ended or not.
   *
   * @throws `ProcessNotFound`; `NonDeterministic`, `NewerSchema` when this code cannot replay it
   * @example
   * ```ts
   * const { status, value, steps, timers } = await runtime.processes.show(OrderProcess, '4711')
   * ```
   */
  async show<P extends AnyProcessManager>(process: P, id: string): Promise<ProcessInfo<P>> {
    return infoOf<P>(await this.#all.read(this.#all.modelOf(process), id))
  }

  /**
   * Waits until a process has ended or was parked. One that is parked `early` has yet to begin, which is waited for.
   *
   * `timeoutMs`: default 30,000.
   *
   * @throws `ProcessNotFound` when time is up before it was started; `Timeout` when it goes on still
   * @example
   * ```ts
   * const { status, output } = await runtime.processes.settled(OrderProcess, '4711', { timeoutMs: 5_000 })
   * ```
   */
  async settled<P extends AnyProcessManager>(
    process: P,
    id: string,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<ProcessInfo<P>> {
    const { timeoutMs = 30_000 } = options
    const model = this.#all.modelOf(process)
    const { store, ports } = this.#deps.directory.deps
    const { stream } = new ProcessInstance(this.#deps.directory.deps, model, id)
    const subscription = store.subscribe({ stream })
    let timeUp = false
    const cancel = ports.timers.after(Math.min(timeoutMs, timerMsMax), () => {
      timeUp = true
      subscription.close()
    })
    try {
      for await (const message of subscription) {
        if (message.kind !== 'events') continue
        if (!message.events.some(({ type }) => settling.has(type))) continue
        const state = await this.#all.read(model, id)
        const isParked = state.status === 'parked' && !isEarly(state)
        if (isEnded(state) || isParked) return infoOf<P>(state)
      }
    } finally {
      cancel()
      subscription.close()
    }
    await this.#all.read(model, id)
    throw timeUp ? tooSlow(stream, timeoutMs) : closed()
  }

  /** @internal Ends the workers; after `graceMs` without waiting for them. */
  async close(graceMs: number): Promise<void> {
    if (this.#all.works.size === 0) return
    const { timers } = this.#deps.directory.deps.ports
    const workers = [...this.#all.workers.values()]
    const stopped = Promise.all([...this.#all.works].map((stop) => stop()))
    const waitMs = Math.min(graceMs, timerMsMax)
    await Promise.race([stopped, sleep(timers, waitMs, { background: true })])
    for (const worker of workers) worker.abort()
  }
}

const hasStatus = (state: ProcessState, wanted: ProcessFilter['status']): boolean =>
  wanted === 'all' || (wanted === 'open' ? !isEnded(state) : state.status === wanted)

const final: ReadonlySet<string> = new Set(['done', 'cancelled'])
const settling: ReadonlySet<string> = new Set([
  'reenact.ProcessEnded',
  'reenact.ProcessParked',
  'reenact.ProcessResumed',
  'reenact.StepRetried',
])

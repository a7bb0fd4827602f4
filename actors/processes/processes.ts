// The processes of a runtime: running them, looking at them, and what people can do to them.

import { decode, encode, type JsonObject, settled } from '../../runtime/codec/codec.ts'
import { sleep } from '../../runtime/core/clock.ts'
import { isReenactError, type ReenactError } from '../../runtime/core/errors.ts'
import { timerMsMax } from '../../runtime/core/limits.ts'
import type { Act } from '../parked-commands.ts'
import { ProcessDirectory, type ProcessesDeps } from './process-directory.ts'
import type { Entry } from './process-entry.ts'
import { closed, faults, notFound, tooSlow, wrong } from './process-errors.ts'
import { infoOf, type ProcessInfo } from './process-info.ts'
import { ProcessInstance } from './process-instance.ts'
import type { AnyProcessManager, ProcessEventOf } from './process-manager.ts'
import { isEnded, liveStep, type ProcessState, type ProcessStatus } from './process-state.ts'
import { type ProcessWork, type ProcessWorkOptions, startProcesses } from './process-work.ts'
import type { AnyReaction } from './reaction.ts'
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

/** Processes of a runtime, as `runtime.processes`. */
export class Processes {
  readonly #deps: ProcessesDeps
  readonly #all: ProcessDirectory

  /** @internal */
  constructor(
    deps: ProcessesDeps,
    processes: readonly AnyProcessManager[],
    reactions: readonly AnyReaction[],
  ) {
    this.#deps = deps
    this.#all = new ProcessDirectory(deps, processes, reactions)
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
   * Starts a process by hand, with an event that its machine takes. Started again under the same id it stays as it is.
   *
   * @throws `UnknownProcess`, `InvalidName`, `InvalidPayload`
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
    await this.#all.tell(model, id, (_, revision) => (revision >= 0 ? undefined : entry))
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
      if (stuck !== undefined && state.stuck !== stuck) continue
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
      try {
        const state = await this.#all.read(model, id)
        if (hasStatus(state, status)) yield { id }
      } catch (error) {
        if (!isReenactError(error) || !faults.has(error.code)) throw error
        yield { id, error }
      }
    }
  }

  /** @throws `ProcessNotFound`, `NonDeterministic` */
  async show<P extends AnyProcessManager>(process: P, id: string): Promise<ProcessInfo<P>> {
    return infoOf<P>(await this.#all.read(this.#all.modelOf(process), id))
  }

  /**
   * Waits until a process has ended or was parked.
   *
   * @throws `ProcessNotFound` when time is up before it was started; `Timeout` when it goes on still. `timeoutMs`: default 30,000.
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
        if (isEnded(state) || state.status === 'parked') return infoOf<P>(state)
      }
    } finally {
      cancel()
      subscription.close()
    }
    await this.#all.read(model, id)
    throw timeUp ? tooSlow(stream, timeoutMs) : closed()
  }

  /** Holds a process: what comes is kept, no step begins, no timer fires. */
  async pause(process: AnyProcessManager, id: string, act: Act): Promise<void> {
    await this.#act(process, id, act, ({ status }) =>
      status === 'running' || status === 'cancelling'
        ? { type: 'reenact.ProcessPaused', ...plainAct(act) }
        : undefined,
    )
  }

  /** Lets a paused or parked process go on. The step it was parked for begins anew. */
  async resume(process: AnyProcessManager, id: string, act: Act): Promise<void> {
    await this.#act(process, id, act, ({ status }) =>
      status === 'paused' || status === 'parked'
        ? { type: 'reenact.ProcessResumed', ...plainAct(act) }
        : undefined,
    )
  }

  /** Tries a step again now, with all its attempts. Default: the one that is parked, stuck, or waits. */
  async retry(
    process: AnyProcessManager,
    id: string,
    act: Act & { readonly step?: string },
  ): Promise<void> {
    await this.#act(process, id, act, (state) => {
      const step = this.#stepOf(process, state, act.step)
      return { type: 'reenact.StepRetried', step, ...plainAct(act) }
    })
  }

  /**
   * Goes on as if a step had succeeded with this output, or an undo had been done. Default: the one that is parked, stuck,
   * or waits.
   */
  async skip(
    process: AnyProcessManager,
    id: string,
    act: Act & { readonly step?: string; readonly output?: unknown },
  ): Promise<void> {
    const output = settled(act.output, 'The output')
    await this.#act(process, id, act, (state) => {
      const step = this.#stepOf(process, state, act.step)
      return { type: 'reenact.StepSkipped', step, output, ...plainAct(act) }
    })
  }

  /** Ends a process and undoes what it did. */
  async cancel(process: AnyProcessManager, id: string, act: Act): Promise<void> {
    await this.#act(process, id, act, ({ status }) =>
      status === 'cancelling' ? undefined : { type: 'reenact.ProcessCancelled', ...plainAct(act) },
    )
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

  async #act(
    process: AnyProcessManager,
    id: string,
    act: Act,
    make: (state: ProcessState) => Entry | undefined,
  ): Promise<void> {
    const { by, reason } = act
    if (typeof by !== 'string' || by === '' || typeof reason !== 'string' || reason === '') {
      throw wrong(
        by ? 'reason' : 'by',
        'is missing',
        "say who does this and why: { by: 'ann', reason: 'bank is back' }",
      )
    }
    const model = this.#all.modelOf(process)
    await this.#all.tell(model, id, (state, revision) => {
      if (revision === -1) throw notFound(model.name, id, 'there is none')
      if (isEnded(state)) throw notFound(model.name, id, `it is ${state.status}`)
      return make(state)
    })
  }

  #stepOf(process: AnyProcessManager, state: ProcessState, wanted: string | undefined): string {
    const { parked, steps, undoable, unresolved } = state
    const undo = state.stuck ? (unresolved.at(-1)?.key ?? undoable.at(-1)?.step.key) : undefined
    const waiting = [...steps.values()].filter(({ definition }) => definition.kind !== 'compensate')
    const found =
      wanted ?? parked?.step ?? undo ?? (waiting.length === 1 ? waiting[0]?.key : undefined)
    const isThere =
      found !== undefined &&
      (liveStep(state, found) !== undefined ||
        undoable.some(({ step }) => step.key === found) ||
        unresolved.some(({ key }) => key === found))
    if (isThere) return found
    throw notFound(
      process.name,
      state.id,
      wanted ? `it has no step '${wanted}'` : "say which 'step'",
    )
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

const plainAct = ({ by, reason }: Act): Act => ({ by, reason })

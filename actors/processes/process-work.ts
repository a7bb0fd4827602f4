// Running processes and reactions: a worker for each kind.

import { timerMsMax } from '../../runtime/core/limits.ts'
import type { Directory } from '../directory.ts'
import type { ProcessDirectory, ProcessesDeps } from './process-directory.ts'
import { unknownProcess, wrong } from './process-errors.ts'
import type { AnyProcessManager } from './process-manager.ts'
import type { ProcessMetrics } from './process-metrics.ts'
import { ProcessWorker } from './process-worker.ts'
import type { AnyReaction } from './reaction.ts'
import { type ReactionMetrics, ReactionWorker } from './reaction-worker.ts'

/** What a worker of processes is to do. Where neither is named: all processes and reactions of the runtime. */
export interface ProcessWorkOptions {
  /** Kinds of processes that run. Default: none where `reactions` are named, else all. */
  readonly processes?: readonly AnyProcessManager[]
  /** Reactions that run. Default: none where `processes` are named, else all. */
  readonly reactions?: readonly AnyReaction[]
  /** Steps attempted at the same time, for each kind of process. Default 256. */
  readonly concurrency?: number
  /** Timers that fire in a second at most, of each kind of process, when many are due at once. Default 1,000. */
  readonly timersPerSecondMax?: number
  /**
   * What is late, after downtime above all, fires oldest first, a tenth of `timersPerSecondMax` at a time. Each pause between, and
   * the one before the first, is longer by chance: by up to this share of the 100 ms from one to the next. So workers that begin at
   * the same moment do not fall upon what they depend on together. 0: no chance. Default 0.5.
   */
  readonly timerJitter?: number
}

/** Processes and reactions that run here. */
export interface ProcessWork {
  /**
   * Of one kind of process: counters since it began, and levels.
   *
   * @throws `UnknownProcess` for one that does not run here
   * @example
   * ```ts
   * const { open, ended, backlog } = work.metrics(OrderProcess)
   * ```
   */
  metrics(process: AnyProcessManager): Readonly<ProcessMetrics>
  /**
   * Of one reaction: counters since it began.
   *
   * @throws `UnknownProcess` for one that does not run here
   * @example
   * ```ts
   * const { events, posted, parked } = work.reactionMetrics(Loyalty)
   * ```
   */
  reactionMetrics(reaction: AnyReaction): Readonly<ReactionMetrics>
  /**
   * `waiting`: another worker runs it. `failing`: it tries again and again; `error` says why.
   *
   * @throws `UnknownProcess` for one that does not run here
   * @example
   * ```ts
   * const { state, error } = work.status(OrderProcess)
   * if (state === 'failing') console.error(error)
   * ```
   */
  status(which: AnyProcessManager | AnyReaction): {
    readonly state: 'waiting' | 'working' | 'failing' | 'stopped'
    readonly error?: string
  }
  /**
   * Begins nothing more, finishes what is under way, and hands over. Idempotent.
   *
   * @example
   * ```ts
   * process.once('SIGTERM', () => work.stop())
   * ```
   */
  stop(): Promise<void>
}

/** Starts workers. Throws `UnknownProcess`, `InvalidOption`. */
export function startProcesses(
  deps: ProcessesDeps,
  all: ProcessDirectory,
  options: ProcessWorkOptions,
): ProcessWork {
  const { concurrency = 256, timersPerSecondMax = 1_000, timerJitter = 0.5 } = options
  checkCount('concurrency', concurrency)
  checkCount('timersPerSecondMax', timersPerSecondMax)
  if (!(timerJitter >= 0 && timerJitter <= 1))
    throw wrong('timerJitter', `is ${timerJitter}`, 'give a number from 0 to 1')
  const { directory, models, newId } = deps
  const { processes, reactions } = chosen(all, options)
  const wakes = { perSecondMax: timersPerSecondMax, jitter: timerJitter }
  const owner = newId().slice(-12)
  const started = processes.map(
    (model) => new ProcessWorker({ directory, models, model, owner, concurrency, wakes }),
  )
  const reacting = reactions.map((model) => new ReactionWorker({ directory, models, model, owner }))
  for (const worker of started) all.workers.set(worker.model.name, worker)
  for (const worker of reacting) all.reactionWorkers.set(worker.model.name, worker)
  const awake = stayAlive(directory)
  let stopped: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    await Promise.all([...started, ...reacting].map((worker) => worker.stop()))
    for (const { model } of started) all.workers.delete(model.name)
    for (const { model } of reacting) all.reactionWorkers.delete(model.name)
    all.works.delete(stopOnce)
    awake()
  }
  const stopOnce = (): Promise<void> => {
    stopped ??= stop()
    return stopped
  }
  all.works.add(stopOnce)
  const workerOf = (process: AnyProcessManager) => found(started, all.modelOf(process).name)
  const reactionOf = (reaction: AnyReaction) => found(reacting, all.reactionOf(reaction).name)
  return {
    metrics: (process) => workerOf(process).metrics(),
    reactionMetrics: (reaction) => reactionOf(reaction).metrics(),
    status: (which) => ('machine' in which ? workerOf(which) : reactionOf(which)).status,
    stop: stopOnce,
  }
}

/** What is to run. Throws where it runs here already. */
function chosen(all: ProcessDirectory, { processes, reactions }: ProcessWorkOptions) {
  const everything = processes === undefined && reactions === undefined
  const models = everything
    ? [...all.models.values()]
    : (processes ?? []).map((one) => all.modelOf(one))
  const reacting = everything
    ? [...all.reactions.values()]
    : (reactions ?? []).map((one) => all.reactionOf(one))
  if (models.length + reacting.length === 0)
    throw wrong('processes', 'is empty', 'name at least one')
  for (const { name } of [...models, ...reacting]) {
    if (all.workers.has(name) || all.reactionWorkers.has(name)) {
      throw wrong('processes', `names '${name}', which runs here already`, 'stop it first')
    }
  }
  return { processes: models, reactions: reacting }
}

function found<W extends { readonly model: { readonly name: string } }>(
  workers: readonly W[],
  name: string,
): W {
  const worker = workers.find(({ model }) => model.name === name)
  if (!worker) throw unknownProcess(name)
  return worker
}

// Waiting for events keeps no process alive, a worker does.
function stayAlive({ deps: { ports } }: Directory): () => void {
  let cancel = (): void => {}
  const again = (): void => {
    cancel = ports.timers.after(timerMsMax, again)
  }
  again()
  return () => cancel()
}

function checkCount(option: string, count: number): void {
  if (Number.isSafeInteger(count) && count >= 1) return
  throw wrong(option, `is ${count}`, 'give a whole number from 1')
}

// Running processes: a worker for each kind.

import { timerMsMax } from '../../runtime/core/limits.ts'
import type { Directory } from '../directory.ts'
import type { ProcessDirectory, ProcessesDeps } from './process-directory.ts'
import { unknownProcess, wrong } from './process-errors.ts'
import type { AnyProcessManager } from './process-manager.ts'
import type { ProcessMetrics } from './process-metrics.ts'
import { ProcessWorker } from './process-worker.ts'

/** What a worker of processes is to do. */
export interface ProcessWorkOptions {
  /** Which ones. Default: all of the runtime. */
  readonly processes?: readonly AnyProcessManager[]
  /** Steps attempted at the same time, for each kind of process. Default 256. */
  readonly concurrency?: number
  /** Timers that fire in a second at most, when many are due at once. Default 1,000. */
  readonly timersPerSecondMax?: number
}

/** Processes that run here. */
export interface ProcessWork {
  /** Of one kind: counters since it began, and levels. */
  metrics(process: AnyProcessManager): Readonly<ProcessMetrics>
  /** `waiting`: another worker runs it. `failing`: it tries again and again; `error` says why. */
  status(process: AnyProcessManager): {
    readonly state: 'waiting' | 'working' | 'failing' | 'stopped'
    readonly error?: string
  }
  /** Begins nothing more, finishes what is under way, and hands over. Idempotent. */
  stop(): Promise<void>
}

/** Starts workers. Throws `UnknownProcess`, `InvalidOption`. */
export function startProcesses(
  deps: ProcessesDeps,
  all: ProcessDirectory,
  options: ProcessWorkOptions,
): ProcessWork {
  const { concurrency = 256, timersPerSecondMax = 1_000 } = options
  checkCount('concurrency', concurrency)
  checkCount('timersPerSecondMax', timersPerSecondMax)
  const { directory, models, newId } = deps
  const chosen = options.processes?.map((one) => all.modelOf(one)) ?? [...all.models.values()]
  if (chosen.length === 0) throw wrong('processes', 'is empty', 'name at least one')
  for (const { name } of chosen) {
    if (all.workers.has(name))
      throw wrong('processes', `names '${name}', which runs here already`, 'stop it first')
  }
  const owner = newId().slice(-12)
  const started = chosen.map(
    (model) =>
      new ProcessWorker({ directory, models, model, owner, concurrency, timersPerSecondMax }),
  )
  for (const worker of started) all.workers.set(worker.model.name, worker)
  const awake = stayAlive(directory)
  const find = (process: AnyProcessManager): ProcessWorker => {
    const { name } = all.modelOf(process)
    const found = started.find(({ model }) => model.name === name)
    if (!found) throw unknownProcess(name)
    return found
  }
  let stopped: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((worker) => worker.stop()))
    for (const { model } of started) all.workers.delete(model.name)
    all.works.delete(stopOnce)
    awake()
  }
  const stopOnce = (): Promise<void> => {
    stopped ??= stop()
    return stopped
  }
  all.works.add(stopOnce)
  return {
    metrics: (process) => find(process).metrics(),
    status: (process) => find(process).status,
    stop: stopOnce,
  }
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

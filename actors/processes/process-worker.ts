// A worker of one kind of process: feeds its instances from the log, runs them, and finds what is open after a restart.

import { wroteIt } from '../../runtime/codec/metadata.ts'
import { isReenactError } from '../../runtime/core/errors.ts'
import { categoryOf, idOf } from '../../runtime/core/stream-name.ts'
import type { LogFilter, RecordedEvent } from '../../runtime/ports/event-store.ts'
import type { Directory } from '../directory.ts'
import type { Model } from '../model.ts'
import { type FailedEvent, parkEvent } from './event-letters.ts'
import { namesOf } from './log-event.ts'
import { type FeedHandler, LogFeed } from './log-feed.ts'
import { unreplayable } from './process-errors.ts'
import { ProcessInstance, type Tell } from './process-instance.ts'
import { type ProcessMetrics, zeroProcessMetrics } from './process-metrics.ts'
import type { ProcessModel } from './process-model.ts'
import { ProcessRunner } from './process-runner.ts'
import type { ProcessState } from './process-state.ts'
import {
  isLetter,
  type ProcessTrigger,
  readTrigger,
  told,
  toldBlindly,
  triggerOf,
} from './trigger.ts'
import type { WakeLimits } from './wake-queue.ts'

/** What a worker needs. */
export interface ProcessWorkerDeps {
  readonly directory: Directory
  readonly models: ReadonlyMap<string, Model>
  readonly model: ProcessModel
  readonly owner: string
  readonly concurrency: number
  readonly wakes: WakeLimits
}

/** What people and other processes do to a process: the worker has to notice. */
const notices: readonly string[] = [
  'reenact.Triggered',
  'reenact.ProcessParked',
  'reenact.ProcessPaused',
  'reenact.ProcessResumed',
  'reenact.StepRetried',
  'reenact.StepSkipped',
  'reenact.StepCancelled',
  'reenact.ProcessCancelled',
]

const keptMax = 512 * 1024
const recoverAtOnce = 64
const takenAtOnce = 64

/** Runs one kind of process while it has the lease. */
export class ProcessWorker {
  readonly model: ProcessModel
  readonly #deps: ProcessWorkerDeps
  readonly #metrics = zeroProcessMetrics()
  readonly #feed: LogFeed
  #runner: ProcessRunner | undefined

  constructor(deps: ProcessWorkerDeps) {
    this.#deps = deps
    this.model = deps.model
    const { directory, model, owner } = deps
    const filter = filterOf(model, deps.models)
    this.#feed = new LogFeed(
      { deps: directory.deps, name: `process:${model.name}`, owner, filter },
      () => this.#handler(),
    )
  }

  get status() {
    return this.#feed.status
  }

  metrics(): Readonly<ProcessMetrics> {
    const runner = this.#runner
    return {
      ...this.#metrics,
      open: runner?.open.size ?? 0,
      parked: runner?.parked.size ?? 0,
      resident: runner?.residents ?? 0,
      backlog: runner?.backlog ?? 0,
    }
  }

  /** Tells a process something where it runs here; `undefined` where it does not. */
  tell(id: string, tell: Tell): Promise<ProcessState> | undefined {
    return this.#runner?.tell(id, tell)
  }

  /** Takes nothing more, finishes what has begun, and hands over. */
  stop(): Promise<void> {
    return this.#feed.stop()
  }

  /** Time is up: what is under way is left to whoever comes next. */
  abort(): void {
    this.#runner?.abort()
  }

  #handler(): FeedHandler {
    const { directory, models, model, concurrency, wakes } = this.#deps
    const metrics = this.#metrics
    const runner = new ProcessRunner({
      directory,
      models,
      model,
      concurrency,
      wakes,
      metrics,
    })
    return {
      begin: async ({ position, kept, afterCrash }) => {
        if (kept !== '') for (const id of JSON.parse(kept) as string[]) runner.open.add(id)
        await this.#findOpen(runner, position)
        this.#runner = runner
        await eachOf([...runner.open], (id) => runner.recover(id, afterCrash))
        return position
      },
      handle: (events) => this.#handle(runner, events),
      keep: () => {
        const text = JSON.stringify([...runner.open, ...runner.owing])
        // Too many to keep: the next owner finds them in the log, which takes longer.
        return text.length > keptMax ? undefined : text
      },
      lost: () => {
        this.#runner = undefined
        runner.abort()
      },
      end: async () => {
        await runner.stop()
        this.#runner = undefined
      },
    }
  }

  /** Which processes began or ended since the checkpoint, and which ended ones have something to undo. */
  async #findOpen({ open }: ProcessRunner, position: number): Promise<void> {
    const { store, ports } = this.#deps.directory.deps
    const types = [...notices, 'reenact.ProcessEnded', 'reenact.StepCompleted']
    const filter = { categories: [this.model.name], types }
    for (let after = position, end = false; !end; ) {
      const page = await store.readAll({ after, filter })
      for (const { stream, type, data } of page.events) {
        const id = idOf(stream)
        if (type === 'reenact.ProcessEnded' && !data.includes('"owes":true')) open.delete(id)
        else if (type !== 'reenact.StepCompleted' || data.includes('"late":true')) open.add(id)
      }
      after = page.position
      end = page.end
      await ports.timers.turn()
    }
  }

  /** What has begun goes before what is new: so few processes are half done at any time, whatever waits in the log. */
  async #handle(runner: ProcessRunner, events: readonly RecordedEvent[]): Promise<void> {
    for (let from = 0; from < events.length; from += takenAtOnce) {
      await runner.room()
      await this.#take(runner, events.slice(from, from + takenAtOnce))
    }
  }

  async #take(runner: ProcessRunner, events: readonly RecordedEvent[]): Promise<void> {
    const failed: FailedEvent[] = []
    const byProcess = new Map<string, (() => Promise<unknown>)[]>()
    const add = (id: string, work: () => Promise<unknown>) => {
      const all = byProcess.get(id)
      if (all) all.push(work)
      else byProcess.set(id, [work])
    }
    for (const recorded of events) {
      if (categoryOf(recorded.stream) === this.model.name) {
        if (wroteIt(this.#deps.directory.deps.writer, recorded)) continue
        const id = idOf(recorded.stream)
        add(id, () => runner.refresh(id, recorded.revision))
      } else {
        const read = readTrigger(this.#deps.models, this.model, recorded)
        if (!read) continue
        try {
          const trigger = triggerOf(this.model, read)
          add(trigger.id, async () => {
            try {
              await this.#trigger(runner, trigger)
            } catch (error) {
              if (!isLetter(error)) throw error
              failed.push({ ...read, error })
            }
          })
        } catch (error) {
          failed.push({ ...read, error })
        }
      }
    }
    await Promise.all(
      [...byProcess.values()].map(async (all) => {
        for (const work of all) await work()
      }),
    )
    this.#metrics.failedTriggers += failed.length
    failed.sort((a, b) => a.position - b.position)
    for (const one of failed) await parkEvent(this.#deps.directory.deps, this.model.name, one)
  }

  async #trigger(runner: ProcessRunner, { id, ...trigger }: ProcessTrigger): Promise<void> {
    let taken = false
    const tell: Tell = (state, revision) => {
      const entry = told(this.model, trigger, { state, revision })
      taken = entry !== undefined
      return entry
    }
    try {
      await runner.tell(id, tell)
    } catch (error) {
      if (!isReenactError(error) || !unreplayable.has(error.code)) throw error
      const entry = toldBlindly(this.model, trigger)
      await new ProcessInstance(this.#deps.directory.deps, this.model, id).hold(entry)
    }
    if (taken) this.#metrics.triggers += 1
    else this.#metrics.passedOver += 1
  }
}

/** Triggers by all the names they ever had, and what people do to processes of this kind. */
function filterOf(model: ProcessModel, models: ReadonlyMap<string, Model>): LogFilter {
  const categories = new Set([model.name])
  const types = new Set(notices)
  for (const { kind, type } of model.triggers.values()) {
    categories.add(kind)
    for (const name of namesOf(models.get(kind), type)) types.add(name)
  }
  return { categories: [...categories], types: [...types] }
}

async function eachOf<Item>(items: Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  const one = async () => {
    for (let item = items.pop(); item !== undefined; item = items.pop()) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(recoverAtOnce, items.length) }, one))
}

// Commands by way of the log: posting them, waiting for what becomes of them, and the workers that handle them.

import { ReenactError } from '../runtime/core/errors.ts'
import { resultOf, type SendResult } from './actor.ts'
import { DeadLetters } from './dead-letters.ts'
import type { Directory } from './directory.ts'
import { type RetryPolicies, retryDefaults } from './failure.ts'
import type { Model } from './model.ts'
import { type Awaited, OutcomeWatch } from './outcome-watch.ts'
import {
  appendCommands,
  type OutcomeOptions,
  type Posted,
  type PostItem,
  type Prepared,
  prepare,
} from './post.ts'
import type { AnyAggregate } from './types.ts'
import { startWorker, type Worker } from './worker.ts'

/** Options of `runtime.work`, without the kinds. */
export interface WorkOptions {
  /**
   * Prefix of the consumer groups: workers with the same one share the work. 1 to 64 letters, digits, dots, dashes or
   * underscores. Default `reenact`.
   */
  readonly group?: string
  /** Actors handled at the same time. Default 256. */
  readonly concurrency?: number
  /** How often what fails is tried again before it is parked; what is not given keeps its default. */
  readonly retry?: Partial<RetryPolicies>
}

/** Names of groups and claims begin with it, up to a colon. */
const groupPattern = /^[\w.-]{1,64}$/

const wrongOption = (option: string, value: unknown, fix: string): ReenactError =>
  new ReenactError('InvalidOption', `'${option}' is ${String(value)}: ${fix}.`, { option, fix })

/** The command streams of one runtime. */
export class CommandBus {
  readonly deadLetters: DeadLetters
  readonly #directory: Directory
  readonly #newId: () => string
  readonly #watch: OutcomeWatch
  readonly #workers = new Set<Worker>()

  constructor(directory: Directory, models: ReadonlyMap<string, Model>, newId: () => string) {
    this.#directory = directory
    this.#newId = newId
    this.#watch = new OutcomeWatch(directory, [...models.keys()])
    this.deadLetters = new DeadLetters(directory.deps, models)
  }

  /** Writes commands. Nothing is written unless all of them are valid. */
  async post<A extends AnyAggregate>(
    model: Model,
    items: readonly PostItem<A>[],
  ): Promise<readonly Posted<A>[]> {
    const { deps } = this.#directory
    const prepared = items.map((item) => prepare(deps, model, this.#newId, item))
    const places = await appendCommands(deps, prepared)
    return prepared.map((one, index) => {
      const { revision, position } = places[index] ?? { revision: -1, position: 0 }
      return this.#posted<A>(model, one, { revision, position })
    })
  }

  /** Waits for what becomes of a command. */
  async outcome<A extends AnyAggregate>(
    awaited: Awaited,
    options?: OutcomeOptions,
  ): Promise<SendResult<A>> {
    const outcome = await this.#watch.outcome(awaited, options)
    return resultOf<A>(awaited.model, 'command', outcome)
  }

  /** Starts a worker. It ends with the runtime. */
  work(
    models: readonly Model[],
    { group = 'reenact', concurrency = 256, retry }: WorkOptions,
  ): Worker {
    if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
      throw wrongOption('concurrency', concurrency, 'give a whole number from 1')
    }
    if (typeof group !== 'string' || !groupPattern.test(group)) {
      throw wrongOption('group', group, 'give 1 to 64 letters, digits, dots, dashes or underscores')
    }
    const worker = startWorker({
      directory: this.#directory,
      models,
      group,
      concurrency,
      retry: { ...retryDefaults, ...retry },
      name: this.#newId().slice(-12),
      decided: (...given) => this.#watch.decided(...given),
    })
    this.#workers.add(worker)
    return worker
  }

  /** Whether there is anything to end. */
  get working(): boolean {
    return this.#workers.size > 0 || this.#watch.active
  }

  /** Ends the workers after what they have begun. */
  async close(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.stop()))
    this.#watch.close()
  }

  #posted<A extends AnyAggregate>(
    model: Model,
    { checked, streams: { id } }: Prepared,
    { revision, position }: { revision: number; position: number },
  ): Posted<A> {
    const { commandId, payloadHash, type } = checked
    const awaited = { model, id, commandId, payloadHash }
    return {
      commandId,
      revision,
      position,
      outcome: async (options) =>
        resultOf<A>(model, type, await this.#watch.outcome(awaited, options)),
    }
  }
}

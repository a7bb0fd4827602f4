// Commands by way of the log, as users of a runtime see them.

import {
  type AnyAggregate,
  type CommandBus,
  type CommandOf,
  type DeadLetters,
  modelOf,
  type OutcomeOptions,
  type Posted,
  type PostItem,
  type PostOptions,
  type SendResult,
  type Worker,
  type WorkOptions,
} from '../../actors/index.ts'
import { ReenactError } from '../core/errors.ts'

/** What a worker is to do. */
export interface WorkInput extends WorkOptions {
  /** The kinds of actors whose commands it handles. Default: all of the runtime. */
  readonly actors?: readonly AnyAggregate[]
}

/** Commands that wait in the log until a worker handles them, in this process or another one. */
export interface CommandStreams {
  /**
   * Writes a command to its actor's command stream, such as `account:command-ann`, and answers when that is durable.
   * Some worker handles it; commands of one actor are handled in the order of the stream.
   *
   * @throws `InvalidCommand` when it fails its schema; `InvalidName`, `UnknownActor`
   * @throws `Overloaded`, `DiskFull`, `TooLarge`, `Closed`, `ReadOnly`: it was not posted
   * @throws `UnknownOutcome`: post it again with the same `commandId`
   * @example
   * ```ts
   * const posted = await runtime.post(Account, 'ann', { type: 'deposit', amount: 50 }, { commandId: 'order-4711' })
   * const { accepted } = await posted.outcome()
   * ```
   */
  post<A extends AnyAggregate>(
    aggregate: A,
    id: string,
    command: CommandOf<A>,
    options?: PostOptions,
  ): Promise<Posted<A>>
  /**
   * Posts many commands with few commits, those of one actor in their order. Nothing is posted unless all are valid;
   * where the store fails in between, some may be: post all again with the same command ids.
   *
   * @throws what `post` throws, for the first command that fails
   * @example
   * ```ts
   * const posted = await runtime.postMany(Account, [
   *   { id: 'ann', command: { type: 'deposit', amount: 5 }, options: { commandId: 'bonus-ann' } },
   *   { id: 'bob', command: { type: 'deposit', amount: 5 }, options: { commandId: 'bonus-bob' } },
   * ])
   * ```
   */
  postMany<A extends AnyAggregate>(
    aggregate: A,
    items: readonly PostItem<A>[],
  ): Promise<readonly Posted<A>[]>
  /**
   * Waits for what becomes of a command that was posted here or elsewhere.
   *
   * @throws `CommandParked` when it is a dead letter
   * @throws `UnknownOutcome` when time ran out: nothing is decided yet
   * @example
   * ```ts
   * const result = await runtime.outcome(Account, 'ann', 'order-4711', { timeoutMs: 10_000 })
   * console.log(result.accepted ? result.events : result.message)
   * ```
   */
  outcome<A extends AnyAggregate>(
    aggregate: A,
    id: string,
    commandId: string,
    options?: OutcomeOptions,
  ): Promise<SendResult<A>>
  /**
   * Starts handling posted commands, until `stop` or the end of the runtime. Workers of one `group` share the work, each
   * actor with one of them at a time; they may join and leave whenever they like. A worker keeps its process alive.
   *
   * @throws `InvalidOption`, `UnknownActor`
   * @example
   * ```ts
   * const worker = runtime.work({ actors: [Account], concurrency: 32 })
   * process.once('SIGTERM', () => worker.stop())
   * ```
   */
  work(input?: WorkInput): Worker
  /** Commands that were given up, and what can be done about them. */
  readonly deadLetters: DeadLetters
}

/** The part of a runtime that deals with command streams. `check` throws `UnknownActor`. */
export function commandStreams(
  bus: CommandBus,
  kinds: readonly AnyAggregate[],
  check: (aggregate: AnyAggregate) => void,
): CommandStreams {
  const models = (aggregates: readonly AnyAggregate[]) => {
    if (aggregates.length === 0) throw nothingToDo()
    for (const aggregate of aggregates) check(aggregate)
    return aggregates.map(modelOf)
  }
  return {
    deadLetters: bus.deadLetters,
    post: async <A extends AnyAggregate>(
      aggregate: A,
      id: string,
      command: CommandOf<A>,
      options: PostOptions = {},
    ) => {
      check(aggregate)
      const [posted] = await bus.post<A>(modelOf(aggregate), [{ id, command, options }])
      return posted as Posted<A>
    },
    postMany: async (aggregate, items) => {
      check(aggregate)
      return bus.post(modelOf(aggregate), items)
    },
    outcome: async (aggregate, id, commandId, options) => {
      check(aggregate)
      return bus.outcome({ model: modelOf(aggregate), id, commandId }, options)
    },
    work: ({ actors = kinds, ...options } = {}) => bus.work(models(actors), options),
  }
}

const nothingToDo = (): ReenactError => {
  const fix = 'name at least one aggregate'
  return new ReenactError('InvalidOption', `'actors' of work is empty: ${fix}.`, {
    option: 'actors',
    fix,
  })
}

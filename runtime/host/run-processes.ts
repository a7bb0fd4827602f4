// Processes and schedules, as users of a runtime see them.

import type {
  Act,
  AnyAggregate,
  CommandBus,
  CommandOf,
  Directory,
  modelOf,
} from '../../actors/index.ts'
import type { AnyProcessManager } from '../../actors/processes/process-manager.ts'
import { Processes } from '../../actors/processes/processes.ts'
import { type AnyReaction, reactionModelOf } from '../../actors/processes/reaction.ts'
import { reactAgain } from '../../actors/processes/reaction-worker.ts'
import {
  type ScheduleOptions,
  scheduleOf,
  scheduleProcess,
} from '../../actors/processes/schedules.ts'
import { copyOf } from '../codec/codec.ts'
import { streamName } from '../core/stream-name.ts'

/** A command that is posted later. */
export interface Scheduled {
  /** Names the schedule, as given or made. */
  readonly scheduleId: string
  /**
   * Ends the schedule; says who and why.
   *
   * @throws `InvalidOption` when `by` or `reason` is missing; `ProcessNotFound` when it has ended
   * @example
   * ```ts
   * const { cancel } = await runtime.schedule(Account, 'ann', { type: 'deposit', amount: 5 }, { cron: '0 8 1 * *' })
   * await cancel({ by: 'ann', reason: 'the campaign is over' })
   * ```
   */
  cancel(act: Act): Promise<void>
}

/** What goes on by itself. */
export interface ProcessRuntime {
  /** Processes: run them, list them, and what people can do to them. */
  readonly processes: Processes
  /**
   * Posts a command later (`at`), or again and again (`cron`; what is missed while nobody works is made up for once).
   * `runtime.processes.work()` does it, in this process or another; `runtime.work()` handles what was posted.
   *
   * @throws `InvalidOption`, `UnknownActor`, `InvalidPayload`
   * @example
   * ```ts
   * const { cancel } = await runtime.schedule(Account, 'ann', { type: 'payInterest' }, { cron: '0 8 1 * *' })
   * ```
   */
  schedule<A extends AnyAggregate>(
    aggregate: A,
    id: string,
    command: CommandOf<A>,
    options: ScheduleOptions,
  ): Promise<Scheduled>
}

/** What processes need of their runtime. `check` throws `UnknownActor`. */
interface RunDeps {
  readonly directory: Directory
  readonly bus: CommandBus
  readonly models: ReadonlyMap<string, ReturnType<typeof modelOf>>
  readonly newId: () => string
  readonly check: (aggregate: AnyAggregate) => void
}

/** The part of a runtime that deals with processes. */
export function runProcesses(
  { directory, bus, models, newId, check }: RunDeps,
  kinds: readonly AnyProcessManager[],
  reactions: readonly AnyReaction[],
): ProcessRuntime {
  const now = () => directory.deps.ports.clock.now()
  const schedules = scheduleProcess({ bus, models, now })
  const processes = new Processes({ directory, models, newId }, [...kinds, schedules], reactions)
  for (const reaction of reactions) {
    const model = reactionModelOf(reaction)
    bus.deadLetters.add(model.name, reactAgain(directory, model))
  }
  for (const kind of kinds) bus.deadLetters.add(kind.name, processes.triggerAgain(kind))
  return {
    processes,
    schedule: async (aggregate, id, command, scheduleOptions) => {
      check(aggregate)
      streamName(aggregate.name, id)
      const { scheduleId = newId() } = scheduleOptions
      const post = { kind: aggregate.name, actorId: id, command: copyOf(command).copy as never }
      const begin = scheduleOf(post, scheduleOptions, now())
      await processes.start(schedules, scheduleId, begin)
      return { scheduleId, cancel: (act) => processes.cancel(schedules, scheduleId, act) }
    },
  }
}

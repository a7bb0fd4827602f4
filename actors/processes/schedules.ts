// Commands that are posted later, or again and again: each schedule is a process of the runtime's own.

import { Cron } from 'croner'
import { assign, setup } from 'xstate'
import type { JsonObject } from '../../runtime/codec/codec.ts'
import { messageOf } from '../../runtime/core/errors.ts'
import { checkOptions } from '../../runtime/core/options.ts'
import { type TimeInput, toTime } from '../../runtime/core/time.ts'
import type { CommandBus } from '../command-bus.ts'
import { classOf } from '../failure.ts'
import type { Model } from '../model.ts'
import { wrong } from './process-errors.ts'
import { processManager } from './process-manager.ts'
import { TerminalError } from './step-error.ts'
import { type ActivityArgs, activity } from './step-logic.ts'

/** When a command is to be posted: once, or again and again. */
export type ScheduleOptions = {
  /** Names the schedule: given again, the first one stays. Default: a new id. */
  readonly scheduleId?: string
} & (
  | { readonly at: TimeInput; readonly cron?: undefined }
  | {
      /** Minute, hour, day, month, weekday; with a sixth field before them for seconds. */
      readonly cron: string
      /** IANA name, such as `Europe/Berlin`. Default: UTC. */
      readonly timezone?: string
      readonly at?: undefined
    }
)

interface Scheduled {
  readonly kind: string
  readonly actorId: string
  readonly command: JsonObject & { readonly type: string }
  /** When it is due next. */
  readonly at: number
  /** When that was worked out. */
  readonly now: number
  readonly cron: string | null
  readonly timezone: string
}

/** What begins a schedule. */
export interface Schedule extends Scheduled {
  readonly type: 'schedule'
}

type Post = Pick<Scheduled, 'kind' | 'actorId' | 'command'>

const centuryMs = 100 * 365 * 24 * 3_600_000

/** The first time after a moment. Pure. */
function nextTime(cron: string, timezone: string, after: number): number {
  const next = new Cron(cron, { timezone }).nextRun(new Date(after))
  // A schedule of the past waits for ever, and ends with its deadline.
  return next?.getTime() ?? after + centuryMs
}

const machine = setup({
  types: {
    context: {} as Scheduled,
    events: {} as Schedule,
    input: {} as { readonly event: Schedule },
  },
  actors: {
    post: activity<Post, { readonly now: number }>(() => {
      throw new TerminalError('there is no runtime')
    }),
  },
  delays: { due: ({ context: { at, now } }) => Math.max(0, at - now) },
  guards: { again: ({ context: { cron } }) => cron !== null },
}).createMachine({
  id: 'schedule',
  context: ({ input: { event } }) => event,
  initial: 'waiting',
  states: {
    waiting: { after: { due: 'posting' } },
    posting: {
      invoke: {
        src: 'post',
        input: ({ context: { kind, actorId, command } }) => ({ kind, actorId, command }),
        onDone: [
          {
            guard: 'again',
            target: 'waiting',
            actions: assign(({ context: { at, cron, timezone }, event: { output } }) => {
              // The clock may go back: what was posted is not due again.
              const now = Math.max(at, output.now)
              return { at: nextTime(cron ?? '', timezone, now), now }
            }),
          },
          { target: 'posted' },
        ],
      },
    },
    posted: { type: 'final' },
  },
})

/** What posting needs. */
export interface SchedulesDeps {
  readonly bus: CommandBus
  readonly models: ReadonlyMap<string, Model>
  readonly now: () => number
}

/** The kind of process that keeps schedules. */
export function scheduleProcess({ bus, models, now }: SchedulesDeps) {
  const post = activity(
    async ({ input, idempotencyKey }: ActivityArgs<Post>) => {
      const model = models.get(input.kind)
      if (!model) throw new Error(`'${input.kind}' is not an actor of this runtime`)
      const options = { commandId: idempotencyKey }
      try {
        await bus.post(model, [{ id: input.actorId, command: input.command as never, options }])
      } catch (error) {
        // It is the command: the schedule is parked, and whoever mends that resumes it.
        if (classOf(error) === 'permanent')
          throw new TerminalError(messageOf(error), { cause: error })
        throw error
      }
      return { now: now() }
    },
    { retry: { delayMs: (attempt) => Math.min(1_000 * 2 ** attempt, 60_000) } },
  )
  return processManager('reenact_schedule', machine.provide({ actors: { post } }), {
    on: [],
    deadlineMs: centuryMs,
  })
}

/** What begins a schedule, checked. Throws `InvalidOption`. */
export function scheduleOf(post: Post, options: ScheduleOptions, now: number): Schedule {
  checkOptions(options, ['scheduleId', 'at', 'cron', 'timezone'], 'schedule')
  const common = { type: 'schedule', ...post, now } as const
  if (options.cron === undefined) {
    return { ...common, at: toTime(options.at, 'at'), cron: null, timezone: 'UTC' }
  }
  const { cron, timezone = 'UTC' } = options
  const fix = "write 'minute hour day month weekday', such as '0 8 * * 1'"
  checkTimezone(timezone)
  let at: number
  try {
    at = nextTime(cron, timezone, now)
  } catch (error) {
    throw wrong('cron', `is not a schedule (${messageOf(error)})`, fix)
  }
  if (at === now + centuryMs) throw wrong('cron', `never comes ('${cron}')`, fix)
  return { ...common, at, cron, timezone }
}

function checkTimezone(timezone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch {
    throw wrong(
      'timezone',
      `is '${timezone}', which nobody knows`,
      "give a name such as 'Europe/Berlin'",
    )
  }
}

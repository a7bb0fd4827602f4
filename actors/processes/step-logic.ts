// The steps of a process: actor logics of XState that stand for durable work.

import { fromPromise, type PromiseActorLogic } from 'xstate'
import { ReenactError } from '../../runtime/core/errors.ts'
import type { RetryPolicy } from '../../runtime/core/retry-policy.ts'
import { type Aggregate, modelOf } from '../aggregate.ts'
import type { Model } from '../model.ts'
import type { AnyAggregate, CommandOf, EventOf } from '../types.ts'
import type { DependencyOptions } from './dependency.ts'
import { checkFunction, checkStep } from './step-options.ts'

/** How a step is attempted. */
export interface StepOptions {
  /**
   * When a failed attempt is repeated. Each delay is drawn between nothing and what the policy says (full jitter).
   * Default: of an activity 1, 2, 4 and 8 s; of a command by the class of the failure, as posted commands.
   */
  readonly retry?: RetryPolicy
  /** Longest time of one attempt, ms; at most 2^31-1. Default 30,000 for an activity, 5,000 for a command. */
  readonly timeoutMs?: number
  /** What it depends on: steps that name the same dependency share its circuit breaker and retry budget. */
  readonly dependency?: DependencyOptions
}

/** What a command step is invoked with. */
export interface CommandInput<A extends AnyAggregate = AnyAggregate> {
  /** Id of the actor. */
  readonly id: string
  /** The command, as `send` takes it. */
  readonly command: CommandOf<A>
}

/** What a command step gives to `onDone`. */
export interface CommandOutput<A extends AnyAggregate = AnyAggregate> {
  /** Id of the actor. */
  readonly id: string
  /** Id the command was sent under. */
  readonly commandId: string
  /** What the actor emitted. */
  readonly events: readonly EventOf<A>[]
  /** Revision of the actor right after the command. */
  readonly revision: number
  /** Position of the log right after the command. */
  readonly position: number
}

/** Options of {@link command}. */
export interface CommandStepOptions<
  A extends AnyAggregate,
  Undo extends CommandOf<A> | undefined = CommandOf<A> | undefined,
> extends StepOptions {
  /** The command, for the same actor, that takes back what this one did. `undefined`: there is nothing to take back. */
  readonly undo?: (done: {
    readonly input: CommandInput<A>
    readonly output: CommandOutput<A>
  }) => Undo
}

/** What an activity is called with. */
export interface ActivityArgs<Input> {
  /** What it was invoked with. */
  readonly input: Input
  /** The same at every attempt, also after a crash. Give it to whatever must do this once. */
  readonly idempotencyKey: string
  /**
   * Beside the commands that it sends or posts itself: `metadata` among their options. So what they lead to is known to come from this
   * process, and a circle is found.
   */
  readonly metadata: Readonly<Record<string, unknown>>
  /** Aborts when time is up, when the step is left, and when the worker has to stop. */
  readonly signal: AbortSignal
  /** Counts from 1. */
  readonly attempt: number
}

/** What the undo of an activity is called with. */
export interface UndoArgs<Input, Output> extends ActivityArgs<Input> {
  /** `undefined` when it is not known whether the activity had its effect: then this must be safe if it had none. */
  readonly output: Output | undefined
  /** The key that the activity itself had. */
  readonly activityKey: string
}

/** Options of {@link activity}. */
export interface ActivityOptions<Input, Output> extends StepOptions {
  /** Takes back what the activity did. It is repeated until it succeeds. */
  readonly undo?: (args: UndoArgs<Input, Output>) => unknown
}

/** A step as the runtime knows it. */
export type StepDefinition =
  | {
      readonly kind: 'command'
      readonly model: Model
      readonly options: StepOptions
      readonly undo: ((done: { input: unknown; output: unknown }) => object | undefined) | undefined
      /** It makes a try of the same input final, by this command. */
      readonly confirms?: {
        readonly tried: StepDefinition
        readonly command: (input: unknown) => object
      }
    }
  | {
      readonly kind: 'activity'
      readonly run: (args: ActivityArgs<never>) => unknown
      readonly options: StepOptions
      readonly undo: ((args: UndoArgs<never, never>) => unknown) | undefined
    }
  | { readonly kind: 'compensate'; readonly options: StepOptions; readonly undo: undefined }

const definition = Symbol.for('reenact.step')

/** Makes a logic stand for a step. */
export const asStep = <Logic extends object>(logic: Logic, step: StepDefinition): Logic =>
  Object.defineProperty(logic, definition, { value: step, configurable: true })

/** The step a logic stands for, if it is one of ours. */
export const stepOf = (logic: unknown): StepDefinition | undefined =>
  (logic as Record<symbol, StepDefinition | undefined> | undefined)?.[definition]

/**
 * A step that sends a command, exactly once however often it has to be tried. `onDone` receives the events,
 * `onError` a {@link StepError}: kind `rejected` when the aggregate said no.
 *
 * @throws `InvalidOption` when the aggregate is none, and for wrong options
 * @example
 * ```ts
 * const reserve = command(Stock, { undo: ({ output }) => ({ type: 'release', reservation: output.commandId }) })
 * setup({ actors: { reserve } })
 * // invoke: { src: 'reserve', input: ({ context }) => ({ id: context.item, command: { type: 'reserve', units: 1 } }) }
 * ```
 */
export function command<
  A extends AnyAggregate,
  const Undo extends CommandOf<A> | undefined = undefined,
>(
  aggregate: A,
  options: CommandStepOptions<A, Undo> = {},
): PromiseActorLogic<CommandOutput<A>, CommandInput<A>> {
  const model = modelOf(aggregate as Aggregate)
  checkStep(`a command step of '${model.name}'`, options, ['undo'])
  const undo = options.undo as unknown as Extract<StepDefinition, { kind: 'command' }>['undo']
  const logic = fromPromise<CommandOutput<A>, CommandInput<A>>(() => Promise.reject(needsRuntime()))
  return asStep(logic, { kind: 'command', model, options, undo })
}

/**
 * A step that does anything: calls a service, sends a mail. It is attempted at least once: after a crash it may run
 * again with the same `idempotencyKey`. What it returns is kept in the log, so it must be plain data.
 *
 * @throws `InvalidOption` for wrong options
 * @example
 * ```ts
 * const charge = activity(
 *   async ({ input, idempotencyKey, signal }: ActivityArgs<{ amount: number }>) =>
 *     payments.charge(input.amount, { key: idempotencyKey, signal }),
 *   { undo: ({ activityKey }) => payments.refund(activityKey), timeoutMs: 2_000 },
 * )
 * ```
 */
export function activity<Input, Output>(
  run: (args: ActivityArgs<Input>) => Promise<Output> | Output,
  options: ActivityOptions<Input, Output> = {},
): PromiseActorLogic<Output, Input> {
  checkFunction('activity', run)
  checkStep('an activity', options, ['undo'])
  const logic = fromPromise<Output, Input>(async ({ input, signal }) =>
    run({ input, signal, idempotencyKey: 'none', metadata: {}, attempt: 1 }),
  )
  const { undo } = options
  return asStep(logic, { kind: 'activity', run, options, undo })
}

/** What {@link compensate} gives to `onDone`. */
export interface Compensated {
  /** How many steps were undone. */
  readonly undone: number
}

/**
 * The step that undoes: invoked, it runs the `undo` of every completed step in reverse order until all are done. A step
 * whose outcome is unknown is resolved first. A step that succeeds after all, even later, is undone too.
 *
 * @example
 * ```ts
 * undoing: { invoke: { src: compensate, onDone: 'cancelled' } }
 * ```
 */
export const compensate: PromiseActorLogic<Compensated, unknown> = asStep(
  fromPromise<Compensated, unknown>(() => Promise.reject(needsRuntime())),
  { kind: 'compensate', options: {}, undo: undefined },
)

const needsRuntime = (): ReenactError =>
  new ReenactError(
    'InvalidOption',
    "This step needs a runtime. Define the machine with 'processManager(…)' and list it in 'processes' of createRuntime.",
    { option: 'processes', fix: 'run it in a runtime, or provide({ actors }) fakes' },
  )

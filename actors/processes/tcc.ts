// `tcc(aggregate, { confirm, cancel })`: try, then confirm or cancel.

import type { PromiseActorLogic } from 'xstate'
import { forever } from '../../runtime/core/retry-policy.ts'
import type { AnyAggregate, CommandOf } from '../types.ts'
import {
  asStep,
  type CommandInput,
  type CommandOutput,
  command,
  type StepDefinition,
  type StepOptions,
  stepOf,
} from './step-logic.ts'

/** Options of {@link tcc}; those of a step are for the try. */
export interface TccOptions<
  A extends AnyAggregate,
  Confirm extends CommandOf<A> = CommandOf<A>,
  Cancel extends CommandOf<A> = CommandOf<A>,
> extends StepOptions {
  /** The command that makes what was tried final. */
  readonly confirm: (tried: { readonly input: CommandInput<A> }) => Confirm
  /** The command that takes back what was tried. */
  readonly cancel: (tried: {
    readonly input: CommandInput<A>
    readonly output: CommandOutput<A>
  }) => Cancel
}

/** The steps of {@link tcc}. */
export interface Tcc<A extends AnyAggregate> {
  /** Undone by `cancel`, until it is confirmed. */
  readonly try: PromiseActorLogic<CommandOutput<A>, CommandInput<A>>
  /** Invoked with the same input as the try it confirms. */
  readonly confirm: PromiseActorLogic<CommandOutput<A>, CommandInput<A>>
}

/**
 * Steps for try, confirm, cancel. The try is undone by `cancel` where the process compensates; the confirm ends that: what is
 * confirmed is not cancelled any more. Both are repeated until they are done.
 *
 * An empty cancel and a late try do not come up: a try or confirm whose outcome is unknown is sent again under its id and
 * so becomes definite before anything is cancelled, a try that was rejected is not cancelled, and one that comes twice is
 * a duplicate.
 *
 * @example
 * ```ts
 * const payment = tcc(Wallet, {
 *   confirm: ({ input }) => ({ type: 'deduct', order: input.command.order }),
 *   cancel: ({ input }) => ({ type: 'unfreeze', order: input.command.order }),
 * })
 * setup({ actors: { freeze: payment.try, deduct: payment.confirm, compensate } })
 * ```
 */
export function tcc<
  A extends AnyAggregate,
  const Confirm extends CommandOf<A>,
  const Cancel extends CommandOf<A>,
>(aggregate: A, options: TccOptions<A, Confirm, Cancel>): Tcc<A> {
  const { confirm, cancel, ...step } = options
  const tried = command(aggregate, { ...step, undo: cancel })
  const logic = command(aggregate, {
    ...step,
    retry: forever({ delayMsMin: 100, delayMsMax: 30_000 }),
  })
  const definition = stepOf(logic) as Extract<StepDefinition, { kind: 'command' }>
  const confirms = {
    tried: stepOf(tried) as StepDefinition,
    command: (input: unknown) => confirm({ input: input as CommandInput<A> }),
  }
  return Object.freeze({ try: tried, confirm: asStep(logic, { ...definition, confirms }) })
}

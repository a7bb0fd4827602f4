// `reject(...)`: how a machine's author says why a command is refused.

import type { ActionFunction, EventObject, MachineContext } from 'xstate'
import { kindOf, wrongOption } from '../runtime/core/options.ts'

// Shared by every copy of the package in a process.
const mark = Symbol.for('reenact.reject')

/** What the machine knows when it refuses. */
export interface RejectArgs<Context, Command> {
  /** The context as it is. */
  readonly context: Context
  /** The command. */
  readonly event: Command
}

interface Tag {
  readonly reason: string
  readonly details: unknown
}

/** JSON data that explains a rejection. */
export type Details = string | number | boolean | null | object

/** The action made by {@link reject}. XState sees an ordinary function that does nothing. */
export type RejectAction<
  Context extends MachineContext,
  Command extends EventObject,
  AnyEvent extends EventObject,
> = ActionFunction<Context, Command, AnyEvent, undefined, never, never, never, never, never>

/**
 * An action that refuses the command with a reason. The outcome of `send` is then a rejection; nothing moves.
 * A transition that rejects must not emit.
 *
 * @param reason - a stable word or sentence for the caller
 * @param details - JSON data, or a function of context and command that makes it
 * @throws `InvalidOption` without a reason
 * @example
 * ```ts
 * withdraw: [
 *   { guard: 'covered', actions: emit(({ event }) => ({ type: 'Withdrawn', amount: event.amount })) },
 *   { actions: reject('overdraft', ({ context }) => ({ balance: context.balance })) },
 * ]
 * ```
 */
export function reject<
  Context extends MachineContext,
  Command extends EventObject,
  AnyEvent extends EventObject,
>(
  reason: string,
  details?: Details | ((args: RejectArgs<Context, Command>) => Details),
): RejectAction<Context, Command, AnyEvent> {
  if (typeof reason !== 'string' || reason === '') {
    const what = reason === '' ? 'is empty' : `is ${kindOf(reason)}`
    throw wrongOption('reason', `of reject ${what}`, "say why: reject('overdraft')")
  }
  const action = (): void => {}
  Object.defineProperty(action, mark, { value: { reason, details } satisfies Tag })
  return action
}

/** The reason and details of a reject action; `undefined` for anything else. */
export const rejectTag = (action: unknown): Tag | undefined =>
  typeof action === 'function' && mark in action
    ? ((action as unknown as Record<symbol, Tag>)[mark] as Tag)
    : undefined

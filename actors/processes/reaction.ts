// `reaction(name, { from, on, to, send })`: an event calls for commands, and nothing is remembered in between.

import { ReenactError } from '../../runtime/core/errors.ts'
import { checkCategory } from '../../runtime/core/stream-name.ts'
import { type Aggregate, modelOf } from '../aggregate.ts'
import { impurityOf } from '../machine-text.ts'
import type { Model } from '../model.ts'
import type { AnyAggregate, EventOf } from '../types.ts'
import type { TriggerInfo } from './process-model.ts'
import type { CommandInput } from './step-logic.ts'

/** Beside an event that is reacted to. */
export interface ReactionInfo extends TriggerInfo {
  /** Id of the event. */
  readonly eventId: string
}

/** What a reaction answers: the commands an event calls for, each with the id of its actor. */
export type ReactionCommands<To extends AnyAggregate> =
  | CommandInput<To>
  | readonly CommandInput<To>[]
  | undefined

/** Options of {@link reaction}. */
export interface ReactionOptions<
  From extends AnyAggregate,
  On extends EventOf<From>['type'],
  To extends AnyAggregate,
  Sent extends ReactionCommands<To> = ReactionCommands<To>,
> {
  /** Whose events are reacted to. */
  readonly from: From
  /** Which of them. */
  readonly on: On | readonly On[]
  /** Who gets the commands. */
  readonly to: To
  /** The commands an event calls for; `undefined` or an empty array: none. Pure: after a crash it may be asked again. */
  readonly send: (event: Extract<EventOf<From>, { readonly type: On }>, info: ReactionInfo) => Sent
  /**
   * Where it begins when it runs for the very first time: with the first event of the log, or with what comes from then
   * on. Default `beginning`.
   */
  readonly startAt?: 'beginning' | 'end'
}

/** A reaction. Make it with {@link reaction}. */
export interface Reaction<
  From extends AnyAggregate = AnyAggregate,
  On extends EventOf<From>['type'] = EventOf<From>['type'],
  To extends AnyAggregate = AnyAggregate,
> extends Pick<ReactionOptions<From, On, To>, 'send'> {
  /** Names its checkpoint, its commands and its dead letters. */
  readonly name: string
}

/** Any reaction. */
export interface AnyReaction {
  /** Names its checkpoint, its commands and its dead letters. */
  readonly name: string
}

/** What the runtime knows of a reaction. */
export interface ReactionModel {
  /** Names its checkpoint, its commands and its dead letters. */
  readonly name: string
  readonly from: Model
  readonly types: ReadonlySet<string>
  readonly to: Model
  readonly send: (
    event: { readonly type: string },
    info: ReactionInfo,
  ) => ReactionCommands<AnyAggregate>
  readonly startAt: 'beginning' | 'end'
}

const model = Symbol.for('reenact.reaction')

/**
 * Declares a reaction: whenever this happens, that is to be done. For choreography, where no process has to remember
 * anything in between; what needs order, time or undoing is a `processManager`.
 *
 * Its commands are posted, each under an id made of the reaction's name, the event and the command's place. So every event
 * has its effect once; `runtime.work()` handles them with the retries and dead letters of posted commands. An event
 * `send` throws for, or asks an invalid command for, is a dead letter of the reaction's name; the events after it go on. So is
 * the 64th in a row of reactions that lead in a circle.
 *
 * @param name - a letter, then letters, digits or underscores; it names the checkpoint and the command ids, so keep it
 * @throws `InvalidName`, `InvalidOption`
 * @example
 * ```ts
 * const Loyalty = reaction('loyalty', {
 *   from: Order,
 *   on: 'Placed',
 *   to: Points,
 *   send: (event, { actorId }) => ({
 *     id: event.customer,
 *     command: { type: 'grant', order: actorId, points: event.amount },
 *   }),
 * })
 * const runtime = await createRuntime({ store, actors: [Order, Points], reactions: [Loyalty] })
 * runtime.processes.work()
 * runtime.work()
 * ```
 */
export function reaction<
  From extends AnyAggregate,
  const On extends EventOf<From>['type'],
  To extends AnyAggregate,
  const Sent extends ReactionCommands<To>,
>(name: string, options: ReactionOptions<From, On, To, Sent>): Reaction<From, On, To> {
  checkCategory(name)
  const { send, startAt = 'beginning' } = options
  const from = modelOf(options.from as unknown as Aggregate)
  const types = new Set<string>([options.on].flat())
  if (types.size === 0) throw wrong(name, 'on', 'is empty', 'name at least one event')
  for (const type of types) {
    if (from.events.has(type)) continue
    const known = [...from.events.keys()].join(', ')
    throw wrong(
      name,
      'on',
      `names '${type}', which '${from.name}' does not emit`,
      `name one of ${known}`,
    )
  }
  const impurity = typeof send === 'function' ? impurityOf(send) : 'is not a function'
  if (impurity) {
    const fix = 'make the commands of the event and what stands beside it'
    throw wrong(name, 'send', impurity, fix)
  }
  const made: Reaction<From, On, To> = { name, send }
  const known: ReactionModel = {
    name,
    from,
    types,
    to: modelOf(options.to as unknown as Aggregate),
    send: send as unknown as ReactionModel['send'],
    startAt,
  }
  Object.defineProperty(made, model, { value: known })
  return Object.freeze(made)
}

/** The internals of a reaction. */
export function reactionModelOf(given: AnyReaction): ReactionModel {
  const found = (given as unknown as Record<symbol, ReactionModel | undefined>)[model]
  if (found) return found
  const fix = "make it with 'reaction(name, { from, on, to, send })'"
  throw new ReenactError('InvalidOption', `This is not a reaction: ${fix}.`, {
    option: 'reactions',
    fix,
  })
}

const wrong = (name: string, option: string, what: string, fix: string): ReenactError =>
  new ReenactError(
    'InvalidOption',
    `'${option}' of reaction '${name}' ${what}. To mend it: ${fix}.`,
    { option, fix },
  )

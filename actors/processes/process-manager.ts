// `processManager(name, machine, options)`: a vanilla XState machine becomes a kind of durable process.

import type { AnyStateMachine, EmittedFrom, EventFrom } from 'xstate'
import type { Upcasters } from '../../runtime/codec/upcasting.ts'
import { ReenactError } from '../../runtime/core/errors.ts'
import { checkOptions, kindOf } from '../../runtime/core/options.ts'
import { checkCategory } from '../../runtime/core/stream-name.ts'
import type { EventDefinition } from '../aggregate.ts'
import { isMachine, readEvents, readUpcasters, wholeFrom1 } from '../declarations.ts'
import type { Model } from '../model.ts'
import type { AnyAggregate, EventOf } from '../types.ts'
import { ProcessMachine } from './process-machine.ts'
import type { ProcessModel, TriggerInfo, TriggerModel } from './process-model.ts'
import { checkProcess } from './process-rules.ts'

/**
 * The events of an aggregate as the machine of a process takes them: `Placed` of `order` is `order.Placed`.
 *
 * @example
 * ```ts
 * setup({ types: { events: {} as DomainEvent<typeof Order> | Deadline } })
 * ```
 */
export type DomainEvent<A extends AnyAggregate> =
  EventOf<A> extends infer Event extends { readonly type: string }
    ? Event extends unknown
      ? {
          readonly [Key in keyof Event]: Key extends 'type'
            ? `${A['name']}.${Event['type']}`
            : Event[Key]
        }
      : never
    : never

/** What a machine takes when the deadline of its process has passed. */
export interface Deadline {
  /** Its type. */
  readonly type: 'reenact.deadline'
}

/** What the context of a machine can be made of. */
export interface ProcessInput<Event = { readonly type: string }> {
  /** Id of the process. */
  readonly id: string
  /** The event that starts it. The machine takes it too, right after its initial state. */
  readonly event: Event
}

type Trigger<Event> = Event extends { readonly type: `${string}.${string}` }
  ? Event extends Deadline
    ? never
    : {
        /** `order.Placed`: the aggregate's name and the event's. */
        readonly event: Event['type']
        /** Which process it belongs to. Default: the id of the actor it comes from. */
        readonly id?: (event: Event, info: TriggerInfo) => string
        /** It starts the process if there is none. Otherwise it is passed over until one was started, unless it is kept: `early`. */
        readonly starts?: boolean
        /**
         * Of one that does not start the process: what becomes of it when it comes before that was started. `'park'`: it is held, and the
         * process is there, parked, until an event that starts it comes; its machine takes that first, then what was held. Default: it is
         * passed over.
         */
        readonly early?: 'park'
      }
  : never

/** Options of {@link processManager}. */
export interface ProcessOptions<M extends AnyStateMachine> {
  /** Which events of which actors start and feed a process. */
  readonly on: readonly Trigger<EventFrom<M>>[]
  /**
   * Longest life of a process, ms; then its machine takes `reenact.deadline`, or it is parked if nothing there takes it.
   * Default: 30 days.
   */
  readonly deadlineMs?: number
  /**
   * Of its own events, those it emits, the ones that changed: version, and how older ones are read. An event of a newer version
   * than this code knows is `NewerSchema`. Default: all have version 1.
   */
  readonly events?: {
    readonly [Type in EmittedFrom<M>['type']]?: Pick<
      EventDefinition,
      'version' | 'upcast' | 'aliases'
    >
  }
  /** Own events that old processes hold and the machine emits no more. */
  readonly ignored?: readonly string[]
  /**
   * Version of the machine, from 1. Default 1. A process runs the version it began with: raise it when running processes could not
   * be replayed by the changed machine, and keep the machine before in `earlier`.
   */
  readonly version?: number
  /** Machines of earlier versions, until the last process that began with them has ended. */
  readonly earlier?: Readonly<Record<number, AnyStateMachine>>
  /** `false`: XState works out every step of all its machines, with the same results and several times slower. Default `true`. */
  readonly compile?: boolean
}

/** A kind of process. Make it with {@link processManager}. */
export interface ProcessManager<M extends AnyStateMachine = AnyStateMachine> {
  /** The category of its streams: process `4711` of `order_process` lives in `order_process-4711`. */
  readonly name: string
  /** The machine as it was given. */
  readonly machine: M
  /** Whether the machine runs by a table made once, or what in it leaves every step to XState. */
  readonly compiled: 'yes' | { readonly no: string }
}

/** Any process manager, whatever its machine. */
export type AnyProcessManager = ProcessManager<AnyStateMachine>

/** The events the machine of a process takes. */
export type ProcessEventOf<P extends AnyProcessManager> = EventFrom<P['machine']>

const model = Symbol.for('reenact.process')
const optionNames = [
  'on',
  'deadlineMs',
  'events',
  'ignored',
  'version',
  'earlier',
  'compile',
] as const
const deadlineMsDefault = 30 * 24 * 3_600_000

/**
 * Declares a kind of process: an XState machine whose `invoke` and `after` are durable. They survive restarts; no step is
 * lost or done twice.
 *
 * @param name - a letter, then letters, digits or underscores; the category of the streams
 * @param machine - a vanilla XState v5 machine whose actors are made by `command`, `activity` and `compensate`
 * @throws `InvalidMachine` for what cannot be made durable, with the reason
 * @throws `InvalidName`, `InvalidOption` for the name and the options
 * @example
 * ```ts
 * const OrderProcess = processManager('order_process', machine, {
 *   on: [{ event: 'order.Placed', starts: true }],
 * })
 * ```
 */
export function processManager<const M extends AnyStateMachine>(
  name: string,
  machine: M,
  options: ProcessOptions<M>,
): ProcessManager<M> {
  checkCategory(name)
  checkOptions(options, optionNames, `process '${name}'`)
  const { deadlineMs = deadlineMsDefault, events, ignored = [], compile = true } = options
  if (typeof compile !== 'boolean') {
    throw optionError(name, 'compile', `is ${kindOf(compile)}`, 'give true or false')
  }
  const version = wholeFrom1(name, 'version', options.version ?? 1)
  const written = { ...options.earlier, [version]: machine }
  const machines = new Map<number, ProcessMachine>()
  const models = new Set<Model>()
  for (const [key, one] of Object.entries(written)) {
    const of = wholeFrom1(name, 'earlier', Number(key))
    if (of > version || !isMachine(one) || options.earlier?.[version]) {
      throw optionError(
        name,
        'earlier',
        `has '${key}'`,
        `give machines of versions below ${version}`,
      )
    }
    for (const model of checkProcess(name, one)) models.add(model)
    machines.set(of, new ProcessMachine(name, one, { compile }))
  }
  if (!Number.isFinite(deadlineMs) || deadlineMs <= 0) {
    throw optionError(name, 'deadlineMs', `is ${deadlineMs}`, 'give ms above 0')
  }
  const triggers = new Map<string, TriggerModel>()
  for (const given of options.on as readonly GivenTrigger[]) {
    const trigger = readTrigger(name, given)
    if (triggers.has(trigger.event)) {
      throw optionError(name, 'on', `names '${trigger.event}' twice`, 'keep one of them')
    }
    triggers.set(trigger.event, trigger)
  }
  const { compiled } = machines.get(version) as ProcessMachine
  const made: ProcessManager<M> = { name, machine, compiled }
  const known: ProcessModel = {
    name,
    version,
    machines,
    events: readOwnEvents(name, events, ignored),
    models,
    triggers,
    deadlineMs,
    upcasters: new Map(),
  }
  Object.defineProperty(made, model, { value: known })
  return Object.freeze(made)
}

function readOwnEvents(name: string, events: unknown, ignored: readonly string[]): Upcasters {
  if (events === undefined) return readUpcasters(name, {}, ignored)
  readEvents(name, events)
  const definitions = events as Readonly<Record<string, EventDefinition>>
  for (const [type, { schema }] of Object.entries(definitions)) {
    if (schema === undefined) continue
    throw optionError(name, `events.${type}.schema`, 'is not for processes', 'leave it out')
  }
  return readUpcasters(name, definitions, ignored)
}

/** The internals of a process manager. */
export function processModelOf(process: AnyProcessManager): ProcessModel {
  const found = (process as unknown as Record<symbol, ProcessModel | undefined>)[model]
  if (found) return found
  throw new ReenactError(
    'InvalidOption',
    "This is not a process manager. Make it with 'processManager(…)'.",
    { option: 'processes', fix: "make it with 'processManager(name, machine, { on })'" },
  )
}

interface GivenTrigger {
  readonly event: string
  readonly id?: TriggerModel['id']
  readonly starts?: boolean
  readonly early?: string
}

function readTrigger(name: string, given: GivenTrigger): TriggerModel {
  const { event, id, starts = false, early } = given
  const dot = event.indexOf('.')
  const kind = event.slice(0, dot)
  if (dot < 1 || dot === event.length - 1 || kind === 'reenact') {
    throw optionError(
      name,
      'on',
      `names '${event}'`,
      "write 'order.Placed': the aggregate and its event",
    )
  }
  if (early !== undefined && (early !== 'park' || starts)) {
    const fix = starts ? "leave 'early' out: it starts the process" : "give 'park', or nothing"
    throw optionError(name, 'on', `gives '${event}' early: '${early}'`, fix)
  }
  const byActor: TriggerModel['id'] = (_, { actorId }) => actorId
  const type = event.slice(dot + 1)
  return { event, kind, type, id: id ?? byActor, starts, early: early === 'park' }
}

const optionError = (name: string, option: string, what: string, fix: string): ReenactError =>
  new ReenactError(
    'InvalidOption',
    `'${option}' of process '${name}' ${what}. To mend it: ${fix}.`,
    {
      option,
      fix,
    },
  )

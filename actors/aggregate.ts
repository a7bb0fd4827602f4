// `aggregate(name, machine, options)`: a vanilla XState machine becomes a kind of actor.

import type { AnyStateMachine, ContextFrom } from 'xstate'
import { decode, deepFreeze, encode } from '../runtime/codec/codec.ts'
import type { Upcaster } from '../runtime/codec/upcasting.ts'
import { messageOf, ReenactError } from '../runtime/core/errors.ts'
import { checkOptions, kindOf } from '../runtime/core/options.ts'
import { checkCategory } from '../runtime/core/stream-name.ts'
import {
  isMachine,
  optionError,
  readCommands,
  readEvents,
  readUpcasters,
  wholeFrom1,
} from './declarations.ts'
import { MachineRunner, type Snapshot } from './machine.ts'
import { checkMachine } from './machine-rules.ts'
import { machineKey } from './machine-text.ts'
import type { Model } from './model.ts'
import type { Schema } from './schema.ts'
import type { MachineCommand, MachineEvent } from './types.ts'

/** How one event type is declared. `{}` is enough. */
export interface EventDefinition {
  /** Checks what the machine emits. Any Standard Schema. */
  readonly schema?: Schema
  /** Version of the data's shape, from 1. Default 1. Raise it together with an upcaster. */
  readonly version?: number
  /** For each older version, how its data becomes the data of the next. Pure. */
  readonly upcast?: Readonly<Record<number, Upcaster>>
  /** Names this type had before. */
  readonly aliases?: readonly string[]
}

/** Shown by TypeScript where a machine does not say which events it emits. */
type Undeclared = 'declare what the machine emits: setup({ types: { emitted: {} as Event } })'

/** Options of {@link aggregate}. */
export interface AggregateOptions<M extends AnyStateMachine> {
  /** Every event type the machine emits, and no other. */
  readonly events: string extends MachineEvent<M>['type']
    ? Undeclared
    : { readonly [Type in MachineEvent<M>['type']]: EventDefinition }
  /** Schemas of commands, checked before the machine sees them. */
  readonly commands?: {
    readonly [Type in MachineCommand<M>['type']]?: { readonly schema: Schema }
  }
  /** Types that old streams hold and replay passes over. */
  readonly ignored?: readonly string[]
  /** Raise it when a function used by the machine, but not written in it, changes its meaning. Default 1. */
  readonly version?: number
  /** `false`: XState works out every step, with the same results and many times slower. Default `true`. */
  readonly compile?: boolean
}

const optionNames = ['events', 'commands', 'ignored', 'version', 'compile'] as const

// Keeps the internals out of the public type and of printouts.
const modelOf_ = Symbol.for('reenact.model')

/** A kind of actor. Make it with {@link aggregate}. */
export interface Aggregate<
  M extends AnyStateMachine = AnyStateMachine,
  Name extends string = string,
> {
  /** The category of its streams: actor `ann` of `account` lives in `account-ann`. */
  readonly name: Name
  /** The machine as it was given. It runs inside actors only. */
  readonly machine: M
  /** Whether snapshots speed up activation, or why not. */
  readonly snapshots: 'on' | { readonly off: string }
  /** Whether the machine runs by a table made once, or what in it leaves every step to XState. */
  readonly compiled: 'yes' | { readonly no: string }
}

/**
 * Declares a kind of actor.
 *
 * Commands are what the machine takes and does not emit; events are what it emits. Handling a command may
 * only emit or reject; handling an event may only move and assign.
 *
 * @param name - a letter, then letters, digits or underscores; the category of the streams
 * @param machine - a vanilla XState v5 machine
 * @throws `InvalidMachine` where the machine breaks a rule, naming state, type and fix
 * @throws `InvalidName`, `InvalidOption` for the name and the options
 * @example
 * ```ts
 * const Account = aggregate('account', machine, { events: { Opened: {}, Deposited: {} } })
 * ```
 */
export function aggregate<const M extends AnyStateMachine, const Name extends string>(
  name: Name,
  machine: M,
  options: AggregateOptions<M>,
): Aggregate<M, Name> {
  checkCategory(name)
  if (!isMachine(machine)) {
    throw optionError(name, 'machine', `is ${kindOf(machine)}`, 'give what createMachine returns')
  }
  checkOptions(options, optionNames, `aggregate '${name}'`)
  const version = wholeFrom1(name, 'version', options.version ?? 1)
  const { compile = true } = options
  if (typeof compile !== 'boolean') {
    throw optionError(name, 'compile', `is ${kindOf(compile)}`, 'give true or false')
  }
  const declared = options.events as unknown as Readonly<Record<string, EventDefinition>>
  const events = readEvents(name, declared)
  const upcasters = readUpcasters(name, declared, options.ignored ?? [])
  const facts = checkMachine({ aggregate: name, machine, events: new Set(events.keys()) })
  const runner = new MachineRunner(machine, name, { compile })
  const found = readInitial(name, runner)
  const snapshots = snapshotsOf(found.context)
  const initial = snapshots === 'on' ? settledInitial(runner, found) : found
  if (snapshots !== 'on') {
    const warning = `Aggregate '${name}' has no snapshots: ${snapshots.off}`
    process.emitWarning(warning, { code: 'REENACT_NO_SNAPSHOTS' })
  }
  const commandSchemas = readCommands(name, options.commands ?? {}, facts)
  const model: Model = {
    name,
    runner,
    initial,
    freshInitial: snapshots === 'on' ? undefined : () => freshInitial(machine, runner),
    events,
    commands: facts.commands,
    hasWildcard: facts.hasWildcard,
    commandSchemas,
    upcasters,
    snapshotKey: snapshots === 'on' ? machineKey(machine, upcasters, version) : undefined,
  }
  const made: Aggregate<M, Name> = { name, machine, snapshots, compiled: runner.compiled }
  Object.defineProperty(made, modelOf_, { value: model })
  return Object.freeze(made)
}

/** The internals of an aggregate. */
export function modelOf(aggregate: Aggregate): Model {
  const model = (aggregate as unknown as Record<symbol, Model | undefined> | undefined)?.[modelOf_]
  if (model) return model
  throw new ReenactError(
    'InvalidOption',
    "This is not an aggregate. Make it with 'aggregate(…)'.",
    {
      option: 'actors',
      fix: "make it with 'aggregate(name, machine, { events })'",
    },
  )
}

function readInitial(name: string, runner: MachineRunner): Snapshot {
  const refuse = (what: string, fix: string, cause?: unknown) =>
    new ReenactError(
      'InvalidMachine',
      `The machine of '${name}' cannot be an aggregate: ${what}. To mend it: ${fix}.`,
      { aggregate: name, state: 'initial', fix },
      cause,
    )
  const fix = "give 'context' as an object or a function without input"
  try {
    const step = runner.initial()
    if (step.emitted.length > 0)
      throw refuse('its initial entry emits', 'emit on a command instead')
    if (step.forbiddenAction) {
      throw refuse(
        `its initial entry has the action '${step.forbiddenAction}'`,
        'use only assign there',
      )
    }
    return step.snapshot
  } catch (error) {
    if (error instanceof ReenactError) throw error
    throw refuse(`its initial state fails: ${messageOf(error)}`, fix, error)
  }
}

/** The initial state with a context of its own: the machine's config stays the user's. */
function settledInitial(runner: MachineRunner, found: Snapshot): Snapshot {
  const context = deepFreeze(decode(encode(found.context)))
  const initial = runner.restore({ ...runner.plain(found), context })
  deepFreeze(initial.value)
  return initial
}

/** What cannot be frozen must not be shared either. */
function freshInitial(machine: AnyStateMachine, runner: MachineRunner): Snapshot {
  const { snapshot } = runner.initial()
  if (typeof machine.config.context === 'function') return snapshot
  try {
    const context: unknown = structuredClone(snapshot.context)
    return runner.restore({ ...runner.plain(snapshot), context })
  } catch {
    return snapshot // Functions cannot be copied, nor do they change.
  }
}

function snapshotsOf(context: ContextFrom<AnyStateMachine>): Aggregate['snapshots'] {
  try {
    encode(context)
    return 'on'
  } catch (error) {
    return { off: `the context cannot be stored: ${messageOf(error)}` }
  }
}

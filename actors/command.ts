// A command as a sender gives it, checked and copied: what the sender holds can no longer change it.

import { copyOf, deepFreeze, type JsonObject, payloadHash } from '../runtime/codec/codec.ts'
import { runtimeTypePrefix } from '../runtime/codec/upcasting.ts'
import { isReenactError, messageOf, ReenactError } from '../runtime/core/errors.ts'
import type { ExpectedRevision } from '../runtime/core/expected-revision.ts'
import { timerMsMax } from '../runtime/core/limits.ts'
import { checkOptions, isRecord, kindOf, wrongOption } from '../runtime/core/options.ts'
import { type TimeInput, toTime } from '../runtime/core/time.ts'
import type { Command } from './decide.ts'
import { isWildcard } from './machine-rules.ts'
import type { Model } from './model.ts'
import { validate } from './schema.ts'

/** How a command is to be handled. */
export interface SendOptions {
  /**
   * Makes the command safe to send again: the same id answers with the first outcome, which is recorded even
   * when it is a rejection. A UUID version 7 is looked up fastest. Default: a new one.
   */
  readonly commandId?: string
  /** Last revision the stream must have; `none`: no domain event yet. Otherwise `WrongExpectedRevision`. */
  readonly expectedRevision?: ExpectedRevision
  /** When it happened, for imports. Not before the stream's last event, nor five minutes ahead. */
  readonly occurredAt?: TimeInput
  /** Allows an `occurredAt` before the last event. For `at` it counts as the last event's time. */
  readonly late?: boolean
  /** Kept with the events, for the audit. JSON data. */
  readonly metadata?: Readonly<Record<string, unknown>>
  /** The conversation this belongs to. Default: the command id. */
  readonly correlationId?: string
  /** The message that caused this command. Default: the command id. */
  readonly causationId?: string
  /** W3C trace context, kept with the events. */
  readonly traceparent?: string
  /** Longest wait for the outcome, ms. Default 5,000; `Infinity` waits for ever. */
  readonly timeoutMs?: number
  /** Stops waiting. */
  readonly signal?: AbortSignal
}

/** What most commands are sent with. */
export const noOptions: SendOptions = {}

/** Commands that were read together. */
export interface CommandPage {
  /** One of them did not get its turn: somebody else was here, and what follows must be read again. */
  missed: boolean
}

/** The place of a command on its actor's command stream. */
export interface Turn {
  readonly revision: number
  /** What must be the last one handled when it is decided. */
  readonly after: number
  readonly page: CommandPage
  /** It was given up: the machine is not asked, but who still decides it elsewhere meets a conflict. */
  readonly passed?: true
}

/** A command on its way. */
export class CheckedCommand {
  readonly type: string
  /** As it was given, whatever a schema makes of it. */
  readonly payload: JsonObject
  /** Of the payload as given: a repetition is one also after the schema has changed. */
  readonly payloadHash: string
  /** Length of the payload's text. */
  readonly length: number
  readonly commandId: string
  /** The caller gave the id, so the command may come again. */
  readonly mayRepeat: boolean
  readonly occurredAt: number | undefined
  readonly custom: Readonly<Record<string, unknown>> | undefined
  readonly options: SendOptions
  /** Of a command from the actor's command stream. */
  readonly turn: Turn | undefined
  readonly #model: Model
  readonly #stream: string
  #command: Command | undefined

  /** Use {@link checkCommand}. */
  constructor(model: Model, stream: string, given: Given, newId: () => string) {
    const { type, copy, length, options, turn } = given
    this.#model = model
    this.#stream = stream
    this.type = type
    // Whatever the machine does with it, the record says what was given.
    this.payload = deepFreeze(copy)
    this.length = length
    this.options = options
    this.turn = turn
    this.occurredAt = ownTime(options.occurredAt)
    this.custom = options.metadata && storable(stream, type, options.metadata, "'metadata'").copy
    this.mayRepeat = options.commandId !== undefined
    if (!this.mayRepeat) this.read()
    this.payloadHash = given.payloadHash
    this.commandId = options.commandId ?? newId()
  }

  /** The command as the machine takes it. Throws `InvalidCommand`. */
  read(): Command {
    this.#command ??= readCommand(this.#model, this.#stream, this.type, this.payload)
    return this.#command
  }
}

type Copied = ReturnType<typeof copyOf>

interface Given {
  readonly type: string
  readonly copy: JsonObject
  readonly length: number
  readonly payloadHash: string
  readonly options: SendOptions
  readonly turn: Turn | undefined
}

/**
 * Checks what the sender gave. Throws `InvalidCommand` or `InvalidOption`.
 *
 * Of a command that may come again, type and schema are checked only when it is decided: by then it is known
 * whether it is a repetition, which is answered whatever today's code would say.
 */
export function checkCommand(
  model: Model,
  stream: string,
  given: unknown,
  givenOptions: SendOptions,
  newId: () => string,
  turn?: Turn,
): CheckedCommand {
  const type = (given as { type?: unknown } | null | undefined)?.type
  if (typeof type !== 'string') throw noType(stream, given)
  const options = givenOptions === noOptions ? noOptions : readOptions(givenOptions)
  const { copy, canonicalText } = storable(stream, type, given, `Command '${type}'`)
  const { length } = canonicalText
  const hash = payloadHash(canonicalText)
  const checked = { type, copy, length, payloadHash: hash, options, turn }
  return new CheckedCommand(model, stream, checked, newId)
}

/** A command as the poster checked, copied and hashed it. Throws `InvalidCommand`, `InvalidOption`. */
export function checkPosted(
  model: Model,
  stream: string,
  given: Given,
  commandId: string,
): CheckedCommand {
  const options = readOptions(given.options)
  return new CheckedCommand(model, stream, { ...given, options }, () => commandId)
}

/** Copies. Throws `InvalidCommand` for what is no plain data. */
function storable(stream: string, type: string, value: unknown, what: string): Copied {
  try {
    return copyOf(value, { what })
  } catch (error) {
    if (!isReenactError(error, 'InvalidPayload')) throw error
    throw invalid(stream, type, [messageOf(error)], error)
  }
}

function readCommand(model: Model, stream: string, type: string, payload: JsonObject): Command {
  const refuse = (issues: readonly string[]) => invalid(stream, type, issues)
  if (model.events.has(type)) throw refuse(['it is an event; only the machine emits events'])
  const isKnown = model.commands.has(type) || (model.hasWildcard && allowedByWildcard(type))
  if (!isKnown) {
    const taken = [...model.commands].join(', ') || 'no names with wildcards'
    throw refuse([`'${model.name}' takes ${taken}`])
  }
  const schema = model.commandSchemas.get(type)
  if (!schema) return payload as unknown as Command
  const validation = validate(schema, payload)
  if (validation.issues) throw refuse(validation.issues)
  if (!isRecord(validation.value)) {
    throw refuse([`its schema gives ${kindOf(validation.value)}, not an object`])
  }
  // A schema need not know of `type`, and may leave it out.
  const valid = { ...validation.value, type }
  return deepFreeze(storable(stream, type, valid, `Command '${type}'`).copy) as unknown as Command
}

const noType = (stream: string, given: unknown): ReenactError => {
  const what = isRecord(given) ? "it has no 'type'" : `it is ${kindOf(given)}`
  const message = `A command for ${stream} is not valid: ${what}. Send an object such as { type: 'open' }.`
  return new ReenactError('InvalidCommand', message, { actor: stream, type: '', issues: [what] })
}

const invalid = (
  stream: string,
  type: string,
  issues: readonly string[],
  cause?: unknown,
): ReenactError =>
  new ReenactError(
    'InvalidCommand',
    `Command '${type}' for ${stream} is not valid: ${sentence(issues)}`,
    { actor: stream, type, issues },
    cause,
  )

/** A time that can be written as a date. */
function ownTime(given: TimeInput | undefined): number | undefined {
  if (given === undefined) return undefined
  const time = toTime(given, 'occurredAt')
  return toTime(new Date(time), 'occurredAt')
}

const known: readonly (keyof SendOptions)[] = [
  'commandId',
  'expectedRevision',
  'occurredAt',
  'late',
  'metadata',
  'correlationId',
  'causationId',
  'traceparent',
  'timeoutMs',
  'signal',
]

/** A copy. Throws `InvalidOption` for what is not checked elsewhere. */
function readOptions(given: SendOptions): SendOptions {
  checkOptions(given, known, 'a command')
  const options = { ...given }
  const { commandId, late, timeoutMs = 1, signal, expectedRevision = 'any' } = options
  if (commandId !== undefined) {
    const isText = typeof commandId === 'string'
    if (!isText || commandId === '' || commandId.length > 255) {
      throw wrongOption('commandId', 'is no id', 'give a text of 1 to 255 characters')
    }
  }
  for (const name of ['correlationId', 'causationId', 'traceparent'] as const) {
    const value: unknown = options[name]
    if (value !== undefined && typeof value !== 'string') {
      throw wrongOption(name, `is ${kindOf(value)}`, 'give a text')
    }
  }
  if (late !== undefined && typeof late !== 'boolean') {
    throw wrongOption('late', `is ${kindOf(late)}`, 'give true or false')
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw wrongOption('signal', 'is no AbortSignal', "give a controller's 'signal'")
  }
  const isRevision = Number.isInteger(expectedRevision) && Number(expectedRevision) >= -1
  if (!isRevision && !['any', 'none', 'exists'].includes(String(expectedRevision))) {
    const fix = "give a whole number from -1, 'none', 'exists' or 'any'"
    throw wrongOption('expectedRevision', `is ${String(expectedRevision)}`, fix)
  }
  const isTimeout = typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs <= timerMsMax
  if (!isTimeout && timeoutMs !== Number.POSITIVE_INFINITY) {
    const fix = `give a number above 0 and up to ${timerMsMax}, or Infinity`
    throw wrongOption('timeoutMs', `is ${String(timeoutMs)}`, fix)
  }
  return options
}

/** Issues as one sentence; some end with a full stop of their own. */
const sentence = (issues: readonly string[]): string => `${issues.join('; ').replace(/\.$/, '')}.`

const allowedByWildcard = (type: string): boolean =>
  !isWildcard(type) && !type.startsWith('xstate.') && !type.startsWith(runtimeTypePrefix)

// A command on its way through an actor, and the promise of its outcome.

import { decode, encode, type JsonObject, payloadHash } from '../runtime/codec/codec.ts'
import type { Timers } from '../runtime/core/clock.ts'
import { isReenactError, messageOf, ReenactError } from '../runtime/core/errors.ts'
import type { ExpectedRevision } from '../runtime/core/expected-revision.ts'
import { timerMsMax } from '../runtime/core/limits.ts'
import { type TimeInput, toTime } from '../runtime/core/time.ts'
import type { Command } from './decide.ts'
import { isWildcard } from './machine-rules.ts'
import { type Model, runtimeTypePrefix } from './model.ts'
import type { RawOutcome } from './outcome.ts'
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

/** A checked command: what the sender holds can no longer change it. */
export interface CheckedCommand {
  readonly command: Command
  readonly payload: JsonObject
  readonly payloadHash: string
  readonly commandId: string
  /** The caller gave the id, so the command may come again. */
  readonly mayRepeat: boolean
  readonly occurredAt: number | undefined
  readonly custom: Readonly<Record<string, unknown>> | undefined
  readonly options: SendOptions
}

/** Checks what the sender gave. Throws `InvalidCommand` or `InvalidOption`. */
export function checkCommand(
  model: Model,
  stream: string,
  given: unknown,
  options: SendOptions,
  newId: () => string,
): CheckedCommand {
  const type = (given as { type?: unknown } | null)?.type
  const refuse = (issues: readonly string[], cause?: unknown) =>
    new ReenactError(
      'InvalidCommand',
      `Command '${String(type)}' for ${stream} is not valid: ${issues.join('; ')}.`,
      { actor: stream, type: String(type), issues },
      cause,
    )
  if (typeof type !== 'string') throw refuse(["it has no 'type'"])
  if (model.events.has(type)) throw refuse(['it is an event; only the machine emits events'])
  const known = model.commands.has(type) || (model.hasWildcard && allowedByWildcard(type))
  if (!known) throw refuse([`'${model.name}' takes ${[...model.commands].join(', ')}`])
  const schema = model.commandSchemas.get(type)
  const validation = schema ? validate(schema, given) : { value: given }
  if (validation.issues) throw refuse(validation.issues)
  const { commandId } = options
  const wrong = wrongOption(options)
  if (wrong) throw refuse([wrong])
  if (
    commandId !== undefined &&
    (typeof commandId !== 'string' || commandId === '' || commandId.length > 255)
  ) {
    throw refuse(["'commandId' is not a text of 1 to 255 characters"])
  }
  try {
    // A schema need not know of `type`, and may leave it out.
    const valid = schema ? { ...(validation.value as object), type } : given
    const payload = decode(encode(valid, { what: `Command '${type}'` }))
    const custom = options.metadata && decode(encode(options.metadata, { what: "'metadata'" }))
    return {
      command: payload as unknown as Command,
      payload,
      payloadHash: payloadHash(payload),
      commandId: commandId ?? newId(),
      mayRepeat: commandId !== undefined,
      occurredAt: ownTime(options.occurredAt),
      custom,
      options,
    }
  } catch (error) {
    if (isReenactError(error, 'InvalidPayload')) throw refuse([messageOf(error)], error)
    throw error
  }
}

/** A time that can be written as a date. */
function ownTime(given: TimeInput | undefined): number | undefined {
  if (given === undefined) return undefined
  const time = toTime(given, 'occurredAt')
  return toTime(new Date(time), 'occurredAt')
}

/** What is wrong with the options that are not checked elsewhere. */
function wrongOption(options: SendOptions): string | undefined {
  for (const name of ['correlationId', 'causationId', 'traceparent'] as const) {
    const value: unknown = options[name]
    if (value !== undefined && typeof value !== 'string') return `'${name}' is not a text`
  }
  const { timeoutMs = 1 } = options
  if (timeoutMs !== Number.POSITIVE_INFINITY && !(timeoutMs > 0 && timeoutMs <= timerMsMax)) {
    return `'timeoutMs' is not a number above 0 and up to ${timerMsMax}, or Infinity`
  }
  return undefined
}

const allowedByWildcard = (type: string): boolean =>
  !isWildcard(type) && !type.startsWith('xstate.') && !type.startsWith(runtimeTypePrefix)

/** One waiting command. It is settled exactly once. */
export class Envelope {
  readonly checked: CheckedCommand
  readonly outcome: Promise<RawOutcome>
  /** Set when deciding begins: from then on giving up means the outcome is unknown. */
  begun = false
  #settled = false
  #resolve: (outcome: RawOutcome) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  #release: (() => void) | undefined

  constructor(checked: CheckedCommand) {
    this.checked = checked
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get settled(): boolean {
    return this.#settled
  }

  /** Gives up after a time or on a signal; `leave` takes a command that was not begun out of the queue. */
  limit(timers: Timers, actor: string, timeoutMs: number, leave: () => void): void {
    const { signal } = this.checked.options
    const giveUp = (notBegun: () => ReenactError) => {
      if (this.#settled) return
      this.fail(this.begun ? this.unknown(actor) : notBegun())
      leave()
    }
    const cancel = Number.isFinite(timeoutMs)
      ? timers.after(timeoutMs, () => giveUp(() => timedOut(actor, timeoutMs)))
      : () => {}
    const abort = () => giveUp(() => aborted(actor))
    signal?.addEventListener('abort', abort, { once: true })
    this.#release = () => {
      cancel()
      signal?.removeEventListener('abort', abort)
    }
    if (signal?.aborted) abort()
  }

  succeed(outcome: RawOutcome): void {
    if (this.#settle()) this.#resolve(outcome)
  }

  fail(error: unknown): void {
    if (this.#settle()) this.#reject(error)
  }

  /** What the caller hears when the answer is not known. */
  unknown(actor: string, cause?: unknown): ReenactError {
    const { commandId } = this.checked
    return new ReenactError(
      'UnknownOutcome',
      `It is not known whether the command for ${actor} was applied. Send it again with commandId '${commandId}': it is applied at most once.`,
      { actor, commandId },
      cause,
    )
  }

  #settle(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#release?.()
    return true
  }
}

const timedOut = (actor: string, timeoutMs: number): ReenactError =>
  new ReenactError(
    'Timeout',
    `The command for ${actor} was not started within ${timeoutMs} ms. It was not applied; send it again.`,
    { actor, timeoutMs },
  )

const aborted = (actor: string): ReenactError =>
  new ReenactError(
    'Aborted',
    `The command for ${actor} was aborted before it started. It was not applied.`,
    {
      actor,
    },
  )

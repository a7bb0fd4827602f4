// Posting: a command is written to its actor's command stream, and some worker handles it.

import { ReenactError } from '../runtime/core/errors.ts'
import { batchBytesMax } from '../runtime/core/limits.ts'
import type { EventToAppend } from '../runtime/ports/event-store.ts'
import type { SendResult } from './actor.ts'
import type { ActorDeps } from './actor-deps.ts'
import { appendAny } from './append-any.ts'
import { type CheckedCommand, checkCommand, type SendOptions } from './command.ts'
import { type ActorStreams, encodeCommand, streamsOf } from './command-stream.ts'
import type { Model } from './model.ts'
import type { AnyAggregate, CommandOf } from './types.ts'

/** How a command is to be posted and handled. */
export interface PostOptions
  extends Pick<
    SendOptions,
    | 'commandId'
    | 'expectedRevision'
    | 'occurredAt'
    | 'late'
    | 'metadata'
    | 'correlationId'
    | 'causationId'
    | 'traceparent'
  > {
  /**
   * Handled not before so long, ms; later commands do not wait for it. A worker holds 10,000 delayed commands of a kind;
   * further ones are looked at as those fall due. Default 0.
   */
  readonly delayMs?: number
}

/** How long to wait for what becomes of a posted command. */
export interface OutcomeOptions {
  /** Longest wait, ms. Default 30,000; `Infinity` waits for ever. */
  readonly timeoutMs?: number
  /** Stops waiting. */
  readonly signal?: AbortSignal
}

/** A command that is durably on its actor's command stream. */
export interface Posted<A extends AnyAggregate = AnyAggregate> {
  /** The id it was posted under, given or made: ask for the outcome with it. */
  readonly commandId: string
  /** Revision on the command stream; of a delayed command on the stream of those. */
  readonly revision: number
  /** Place of the command in the log. */
  readonly position: number
  /**
   * Waits for what became of it: the same answer that `send` gives.
   *
   * @throws `IdempotencyMismatch` when the id was used before with another payload
   * @throws `CommandParked` when it ended as a dead letter
   * @throws `UnknownOutcome` when time ran out or the signal aborted: nothing is decided yet
   * @example
   * ```ts
   * const posted = await runtime.post(Account, 'ann', { type: 'withdraw', amount: 50 })
   * const result = await posted.outcome({ timeoutMs: 10_000 })
   * if (!result.accepted) console.log(result.message)
   * ```
   */
  outcome(options?: OutcomeOptions): Promise<SendResult<A>>
}

/** One command of `postMany`. */
export interface PostItem<A extends AnyAggregate = AnyAggregate> {
  /** Id of the actor. */
  readonly id: string
  /** What the actor is to do. */
  readonly command: CommandOf<A>
  /** As for `post`. Default: none. */
  readonly options?: PostOptions
}

/** A command that is ready to be written. */
export interface Prepared {
  readonly streams: ActorStreams
  readonly checked: CheckedCommand
  /** Where it is written: the command stream, or that of the delayed. */
  readonly stream: string
  readonly event: EventToAppend
}

/** Checks a command against its actor's schemas and encodes it. Throws `InvalidCommand`, `InvalidName`. */
export function prepare(
  { ports, writer }: Pick<ActorDeps, 'ports' | 'writer'>,
  model: Model,
  newId: () => string,
  { id, command, options = {} }: PostItem,
): Prepared {
  const streams = streamsOf(model.name, id)
  const { delayMs = 0, commandId = newId(), ...rest } = options
  const checked = checkCommand(model, streams.stream, command, { ...rest, commandId }, newId)
  checked.read()
  if (!(Number.isFinite(delayMs) && delayMs >= 0)) throw wrongDelay(delayMs)
  const time = ports.clock.now()
  const dueAt = delayMs > 0 ? Math.ceil(time + delayMs) : undefined
  const stream = dueAt === undefined ? streams.commands : streams.delayed
  return {
    streams,
    checked,
    stream,
    event: encodeCommand(stream, checked, { writer, time, dueAt }),
  }
}

const wrongDelay = (delayMs: number): ReenactError => {
  const fix = 'give ms from 0'
  return new ReenactError('InvalidOption', `'delayMs' is ${delayMs}: ${fix}.`, {
    option: 'delayMs',
    fix,
  })
}

interface Run {
  readonly stream: string
  readonly events: EventToAppend[]
  readonly indexes: number[]
  /** The same command twice is the same event twice, which no append may hold. */
  readonly ids: Set<string>
  bytes: number
}

const runMax = 512
const appendsMax = 256

/**
 * Writes commands, those of one actor in their order and together. Answers where each is, in the order given. Throws
 * the first error; what was written before it is written.
 */
export async function appendCommands(
  deps: Pick<ActorDeps, 'store' | 'ports'>,
  prepared: readonly Prepared[],
): Promise<readonly { readonly revision: number; readonly position: number }[]> {
  // Most are posted alone: then there is nothing to sort.
  const [first] = prepared
  if (first && prepared.length === 1) return [await appendAny(deps, first.stream, [first.event])]
  const places: { revision: number; position: number }[] = []
  const runs = runsOf(prepared)
  const append = async ({ stream, events, indexes }: Run): Promise<void> => {
    const { revision, position } = await appendAny(deps, stream, events)
    const last = events.length - 1
    for (const [at, index] of indexes.entries()) {
      places[index] = { revision: revision - (last - at), position: position - (last - at) }
    }
  }
  // One append of a stream at a time keeps its order; many streams at once share commits.
  const byStream = new Map<string, Run[]>()
  for (const run of runs) byStream.set(run.stream, [...(byStream.get(run.stream) ?? []), run])
  const waiting = [...byStream.values()]
  const work = async (): Promise<void> => {
    for (let own = waiting.shift(); own; own = waiting.shift()) {
      for (const run of own) await append(run)
    }
  }
  await Promise.all(Array.from({ length: Math.min(appendsMax, waiting.length) }, work))
  return places
}

function runsOf(prepared: readonly Prepared[]): readonly Run[] {
  const runs: Run[] = []
  const open = new Map<string, Run>()
  for (const [index, { stream, event }] of prepared.entries()) {
    const bytes =
      Buffer.byteLength(event.type) +
      Buffer.byteLength(event.data) +
      Buffer.byteLength(event.metadata)
    let run = open.get(stream)
    const full = run && (run.events.length === runMax || run.bytes + bytes > batchBytesMax)
    if (!run || full || run.ids.has(event.id)) {
      run = { stream, events: [], indexes: [], ids: new Set(), bytes: 0 }
      open.set(stream, run)
      runs.push(run)
    }
    run.events.push(event)
    run.ids.add(event.id)
    run.indexes.push(index)
    run.bytes += bytes
  }
  return runs
}

// Waiting for what becomes of posted commands: one subscription to the log for all who wait.

import { readHeader } from '../runtime/codec/metadata.ts'
import { isReenactError, messageOf, ReenactError } from '../runtime/core/errors.ts'
import { timerMsMax } from '../runtime/core/limits.ts'
import { streamName } from '../runtime/core/stream-name.ts'
import type { RecordedEvent, Subscription } from '../runtime/ports/event-store.ts'
import type { CheckedCommand } from './command.ts'
import { parkedCategory, streamsOf } from './command-stream.ts'
import type { Directory } from './directory.ts'
import { classOf } from './failure.ts'
import type { Model } from './model.ts'
import {
  type FoundOutcome,
  findOutcome,
  lookupOf,
  outcomeAt,
  type RawOutcome,
  usedBefore,
} from './outcome.ts'
import { type GivenUp, givenUp } from './parked-commands.ts'
import type { OutcomeOptions } from './post.ts'
import type { Replayed } from './rehydrate.ts'

/** A posted command. */
export interface Awaited {
  readonly model: Model
  readonly id: string
  readonly commandId: string
  /** Of its payload; unknown where only the id of the command is known. */
  readonly payloadHash?: string
}

type Find = () => Promise<RawOutcome | undefined>

interface Waiter {
  readonly awaited: Awaited
  /** There may be an outcome. */
  look(find: Find): void
  settle(outcome: RawOutcome): void
}

const waitersMax = 100_000
const timeoutMsDefault = 30_000
const resubscribeMs = 500

/** All who wait on one runtime. */
export class OutcomeWatch {
  readonly #directory: Directory
  readonly #kinds: readonly string[]
  readonly #waiters = new Map<string, Set<Waiter>>()
  #count = 0
  #subscription: Subscription | undefined

  constructor(directory: Directory, kinds: readonly string[]) {
    this.#directory = directory
    this.#kinds = kinds
  }

  /** The outcome of a command, once there is one. */
  async outcome(awaited: Awaited, options: OutcomeOptions = {}): Promise<RawOutcome> {
    if (this.#count >= waitersMax) throw overloaded()
    return new Promise<RawOutcome>((resolve, reject) => {
      const waiter = this.#watch(awaited, options, { resolve, reject })
      // What was decided before is found by looking, what comes by watching.
      waiter.look(() => this.#find(awaited))
    })
  }

  /** A worker of this runtime had it decided: who waits here need not read what became of it. */
  decided(model: Model, stream: string, checked: CheckedCommand, outcome: RawOutcome): void {
    const { commandId, payloadHash } = checked
    for (const { awaited, settle } of this.#waiters.get(commandId) ?? []) {
      const { payloadHash: hash = payloadHash, id } = awaited
      if (awaited.model !== model || hash !== payloadHash) continue
      // What is read from the log is a repetition, and nobody shall see a difference.
      if (streamName(model.name, id) === stream) settle({ ...outcome, duplicate: true })
    }
  }

  /** Whether anybody waits. */
  get active(): boolean {
    return this.#count > 0
  }

  close(): void {
    const subscription = this.#subscription
    this.#subscription = undefined
    subscription?.close()
  }

  #watch(
    awaited: Awaited,
    { timeoutMs = timeoutMsDefault, signal }: OutcomeOptions,
    promise: { resolve(outcome: RawOutcome): void; reject(error: unknown): void },
  ): Waiter {
    const { timers } = this.#directory.deps.ports
    const { model, id, commandId } = awaited
    let open = true
    const over = (settle: () => void): void => {
      if (!open) return
      open = false
      cancel()
      signal?.removeEventListener('abort', giveUp)
      this.#remove(waiter)
      settle()
    }
    const giveUp = () => over(() => promise.reject(undecided(model, id, commandId)))
    const cancel =
      timeoutMs === Number.POSITIVE_INFINITY
        ? () => {}
        : timers.after(Math.min(timeoutMs, timerMsMax), giveUp)
    const look = (find: Find): void => {
      find().then(
        (found) => found && settle(found),
        (error: unknown) => {
          if (!isAway(error)) over(() => promise.reject(error))
          // It says nothing about the command: asked again until time runs out.
          else if (open) timers.after(resubscribeMs, () => open && look(find), { background: true })
        },
      )
    }
    const settle = (outcome: RawOutcome) => over(() => promise.resolve(outcome))
    const waiter: Waiter = { awaited, look, settle }
    signal?.addEventListener('abort', giveUp, { once: true })
    this.#add(waiter)
    if (signal?.aborted) giveUp()
    return waiter
  }

  #add(waiter: Waiter): void {
    const { commandId } = waiter.awaited
    const waiters = this.#waiters.get(commandId) ?? new Set()
    this.#waiters.set(commandId, waiters.add(waiter))
    this.#count += 1
    if (!this.#subscription) void this.#follow()
  }

  #remove(waiter: Waiter): void {
    const { commandId } = waiter.awaited
    const waiters = this.#waiters.get(commandId)
    if (!waiters?.delete(waiter)) return
    if (waiters.size === 0) this.#waiters.delete(commandId)
    this.#count -= 1
    if (this.#count > 0) return
    this.close()
  }

  async #follow(): Promise<void> {
    const { store, ports } = this.#directory.deps
    const categories = this.#kinds.flatMap((kind) => [kind, parkedCategory(kind)])
    let own: Subscription | undefined
    try {
      own = store.subscribe({ filter: { categories }, after: 'end' })
      this.#subscription = own
      let begun = false
      for await (const message of own) {
        // Who looked while this was only beginning may have looked too early.
        if (!begun) this.#lookAgain()
        begun = true
        if (message.kind !== 'events') continue
        for (const recorded of message.events) this.#seen(recorded)
      }
    } catch (error) {
      if (!isReenactError(error, 'Closed')) {
        process.emitWarning(`Waiting for outcomes: ${messageOf(error)}`, {
          code: 'REENACT_OUTCOME',
        })
      }
    }
    if (this.#subscription !== own) return
    // It was lost: what was missed is found by looking again.
    this.#subscription = undefined
    ports.timers.after(resubscribeMs, () => this.#followAgain(), { background: true })
  }

  #followAgain(): void {
    if (this.#subscription || this.#count === 0) return
    // What was missed is found by looking again when this one has begun.
    void this.#follow()
  }

  #lookAgain(): void {
    for (const { awaited, look } of [...this.#waiters.values()].flatMap((some) => [...some])) {
      look(() => this.#find(awaited))
    }
  }

  #seen(recorded: RecordedEvent): void {
    const { commandId } = readHeader(recorded)
    if (commandId === undefined) return
    for (const { awaited, look } of this.#waiters.get(commandId) ?? []) {
      look(() => this.#read(awaited, recorded))
    }
  }

  /** The outcome an event of the command tells. */
  async #read(awaited: Awaited, recorded: RecordedEvent): Promise<RawOutcome | undefined> {
    const { model, id, commandId } = awaited
    const { stream } = streamsOf(model.name, id)
    if (recorded.stream !== stream) return this.#find(awaited)
    const { deps } = this.#directory
    const found = await outcomeAt(deps, model, stream, recorded.revision, commandId)
    return found ? told(awaited, stream, found) : this.#find(awaited)
  }

  /** The outcome as far as there is one. Throws `CommandParked`. */
  async #find(awaited: Awaited): Promise<RawOutcome | undefined> {
    const { model, id, commandId } = awaited
    const { deps } = this.#directory
    const { stream, commands, parked } = streamsOf(model.name, id)
    // An actor that cannot be replayed: the worker meets it too, and parks the command.
    const state = await this.#stateOf(model, stream)
    const found = state && (await findOutcome(deps, model, stream, lookupOf(commandId, state)))
    // What was decided stays so, whatever was parked under the same id later.
    if (found) return told(awaited, stream, found)
    const given = await givenUp(deps.store, parked, commandId)
    if (!given) return undefined
    const { payloadHash = awaited.payloadHash } = given.letter.metadata
    if (awaited.payloadHash !== undefined && payloadHash !== awaited.payloadHash) {
      throw usedBefore(commands, commandId, given.letter.commandRevision)
    }
    throw isParked(stream, `${commands}@${given.letter.commandRevision}`, given)
  }

  async #stateOf(model: Model, stream: string): Promise<Replayed | undefined> {
    try {
      return await this.#directory.actor(model, stream).current()
    } catch (error) {
      if (isReenactError(error, 'Closed') || isAway(error)) throw error
      return undefined
    }
  }
}

/** It is the store that does not answer. */
const isAway = (error: unknown): boolean => ['transient', 'busy'].includes(classOf(error))

/** The first outcome of the id, unless it is that of another command. */
function told(
  { commandId, payloadHash }: Awaited,
  stream: string,
  found: FoundOutcome,
): Promise<RawOutcome> {
  if (payloadHash === undefined || (found.payloadHash ?? payloadHash) === payloadHash) {
    return found.read()
  }
  throw usedBefore(stream, commandId, found.revision)
}

const undecided = ({ name }: Model, id: string, commandId: string): ReenactError =>
  new ReenactError(
    'UnknownOutcome',
    `The command for ${name} '${id}' is not decided yet. Ask again with commandId '${commandId}', and see that a worker runs.`,
    { actor: `${name}-${id}`, commandId },
  )

function isParked(actor: string, deadLetter: string, { letter, skipped }: GivenUp): ReenactError {
  const { commandId, error } = letter
  const then = skipped
    ? `It was dead letter '${deadLetter}', which ${skipped.by} skipped: ${skipped.reason}. If it is still due, post it with a new id.`
    : `It is dead letter '${deadLetter}': mend the cause, then retry it with 'runtime.deadLetters.retry'. Posting it again does not.`
  return new ReenactError(
    'CommandParked',
    `The command for ${actor} could not be handled: ${error.message} ${then}`,
    { actor, commandId, deadLetter },
  )
}

const overloaded = (): ReenactError =>
  new ReenactError(
    'Overloaded',
    `${waitersMax} outcomes are already waited for. Wait for some of them first.`,
    { queue: 'awaited outcomes', limit: waitersMax },
  )

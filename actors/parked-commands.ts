// The parked stream of an actor: its dead letters, and what people did about each of them.

import { decode, encode, type JsonObject } from '../runtime/codec/codec.ts'
import { readMetadata } from '../runtime/codec/metadata.ts'
import { type Ports, sleep } from '../runtime/core/clock.ts'
import { messageOf } from '../runtime/core/errors.ts'
import { fullJitter } from '../runtime/core/retry-policy.ts'
import type { AppendOutcome, EventStore, RecordedEvent } from '../runtime/ports/event-store.ts'
import type { FailureClass, FailureRecord } from './failure.ts'
import { identify } from './recorded.ts'

/** What a dead letter holds. */
export interface ParkedCommand {
  /** As it was posted, with its type. */
  readonly command: JsonObject
  /** The id it was posted under. */
  readonly commandId: string
  /** Revision on the command stream. */
  readonly commandRevision: number
  /** What stood beside it on the command stream. */
  readonly metadata: JsonObject
  /** Class of the failure, which chose the retry policy. */
  readonly failure: FailureClass
  /** The error of the last attempt. */
  readonly error: FailureRecord
  /** Attempts in all. */
  readonly attempts: number
  /** Revision of the actor when it was given up; `null` when the actor could not be loaded. */
  readonly actorRevision: number | null
}

/** What somebody did about a dead letter. */
export interface Act {
  /** Name of the person or program. Not empty. */
  readonly by: string
  /** Why, for those who read the record later. Not empty. */
  readonly reason: string
}

/** An event of a parked stream. */
export type ParkedEvent =
  | ({ readonly type: 'reenact.CommandParked' } & ParkedCommand)
  | ({
      readonly type: 'reenact.CommandRetried'
      readonly commandRevision: number
      readonly commandId: string
      /** Where it was posted again. */
      readonly postedRevision: number
    } & Act)
  | ({
      readonly type: 'reenact.CommandSkipped'
      readonly commandRevision: number
      readonly commandId: string
    } & Act)

/** An event of a parked stream and when it was. */
export interface ParkedEntry {
  readonly event: ParkedEvent
  readonly time: number
}

/** What parked streams need. */
export interface ParkedDeps {
  readonly store: EventStore
  readonly ports: Ports
  readonly writer: string
}

/** What the lane of an actor needs to know of a dead letter. */
export interface ParkedTurn {
  readonly type: string
  readonly commandId: string
  readonly commandRevision: number
  /** Missing where a foreign writer wrote the command. */
  readonly payloadHash: string | undefined
}

/** A parked stream as it is now. */
export interface ParkedSoFar {
  /** That of the highest command revision. */
  readonly last: ParkedTurn | undefined
  /** Nobody retried or skipped them. */
  readonly open: readonly ParkedTurn[]
  /** The command ids that are given up: parked or skipped, and not retried. */
  readonly ids: ReadonlySet<string>
}

/** Reads a parked stream. */
export async function parkedSoFar(store: EventStore, stream: string): Promise<ParkedSoFar> {
  let last: ParkedTurn | undefined
  const open = new Map<number, ParkedTurn>()
  const ids = new Set<string>()
  for await (const { event } of parkedEntries(store, stream)) {
    const { commandId, commandRevision } = event
    if (event.type === 'reenact.CommandRetried') ids.delete(commandId)
    else ids.add(commandId)
    if (event.type === 'reenact.CommandParked') {
      const { payloadHash } = event.metadata
      const turn = {
        type: String(event.command['type']),
        commandId,
        commandRevision,
        payloadHash: typeof payloadHash === 'string' ? payloadHash : undefined,
      }
      open.set(commandRevision, turn)
      if (commandRevision > (last?.commandRevision ?? -1)) last = turn
    } else open.delete(commandRevision)
  }
  return { last, open: [...open.values()], ids }
}

/** Why a command is not handled any more. */
export interface GivenUp {
  readonly letter: ParkedCommand
  readonly skipped: Act | undefined
}

/** Whether this command is given up: parked or skipped, and not retried since. */
export async function givenUp(
  store: EventStore,
  stream: string,
  commandId: string,
): Promise<GivenUp | undefined> {
  let found: GivenUp | undefined
  for await (const { event } of parkedEntries(store, stream)) {
    if (event.commandId !== commandId) continue
    if (event.type === 'reenact.CommandParked') found = { letter: event, skipped: undefined }
    else if (event.type === 'reenact.CommandRetried') found = undefined
    else if (found) found = { ...found, skipped: event }
  }
  return found
}

/** The events of a parked stream, oldest first. */
export async function* parkedEntries(
  store: EventStore,
  stream: string,
): AsyncGenerator<ParkedEntry> {
  for (let from = 0, end = false; !end; ) {
    const page = await store.readStream(stream, { from, limit: 64, eventsOnly: true })
    for (const recorded of page.events) yield entryOf(recorded)
    from = (page.events.at(-1)?.revision ?? from) + 1
    end = page.end || page.events.length === 0
  }
}

function entryOf(recorded: RecordedEvent): ParkedEntry {
  const { time = recorded.recordedAt } = readMetadata(recorded)
  const data = decode(recorded.data) as unknown as object
  return { event: { ...data, type: recorded.type } as ParkedEvent, time }
}

const commandTextMax = 512 * 1024

/**
 * Appends to a parked stream until it is there: what cannot be parked is never dropped.
 */
export async function appendParked(
  deps: ParkedDeps,
  stream: string,
  event: ParkedEvent,
): Promise<void> {
  const { store, ports, writer } = deps
  const { type, ...data } = event
  const text = encode(small(data), { what: 'The dead letter', isRecord: true })
  for (let attempt = 1; ; attempt += 1) {
    const page = await store.readStream(stream, { direction: 'backwards', limit: 1 })
    const last = page.events[0]
    const through = (last && readMetadata(last).commandRevision) ?? -1
    // Parked by another worker, or by an attempt whose answer was lost.
    if (type === 'reenact.CommandParked' && through >= event.commandRevision) return
    const commandRevision = Math.max(through, event.commandRevision)
    const metadata = JSON.stringify({
      schemaVersion: 1,
      time: ports.clock.now(),
      commandId: event.commandId,
      writer,
      commandRevision,
    })
    const made = identify({ stream, revision: page.head + 1, type, data: text, metadata }).event
    const expected = page.head === -1 ? 'none' : page.head
    const outcome = await store.append(stream, [made], { expected })
    if (outcome.outcome === 'committed') return
    if (outcome.outcome === 'refused' && !outcome.error.retryable) throw outcome.error
    if (attempt === attemptsQuiet) warnWaiting(stream, outcome)
    await sleep(ports.timers, fullJitter(ports.random, Math.min(2 ** attempt * 10, 2_000)))
  }
}

/** After so many attempts, a few seconds, it is told that somebody waits. */
const attemptsQuiet = 8

function warnWaiting(stream: string, outcome: AppendOutcome): void {
  const why = 'error' in outcome ? messageOf(outcome.error) : outcome.outcome
  process.emitWarning(
    `A dead letter cannot be written to '${stream}': ${why} What waits behind it goes on when it is there; it is tried again.`,
    { code: 'REENACT_PARKING' },
  )
}

/** A command near the size limit is left out: it is on the command stream. */
function small(data: Omit<ParkedEvent, 'type'>): unknown {
  if (!('command' in data)) return data
  const { command } = data as ParkedCommand
  const text = JSON.stringify(command)
  return text.length > commandTextMax ? { ...data, command: { type: command['type'] } } : data
}

// Rehydration: a snapshot, if one fits, and the events after it give the state at a moment.

import { type EventHeader, readHeader, readMetadata } from '../runtime/codec/metadata.ts'
import { readTyped, runtimeTypePrefix } from '../runtime/codec/upcasting.ts'
import type { Clock, Timers } from '../runtime/core/clock.ts'
import { messageOf, ReenactError } from '../runtime/core/errors.ts'
import type { EventStore, RecordedEvent, StreamPage } from '../runtime/ports/event-store.ts'
import { CommandWindow } from './command-window.ts'
import { type Event, evolve } from './evolve.ts'
import type { Snapshot } from './machine.ts'
import type { Model } from './model.ts'
import { always, type Within } from './moment.ts'
import { hashOf, wrongHash } from './recorded.ts'

/** An actor as replay knows it. Changed only by its owner. */
export interface Replayed {
  snapshot: Snapshot
  /** -1 before the first event. */
  revision: number
  position: number
  recordedAt: number
  /** Effective own time of the last event; -Infinity before the first. */
  time: number
  /** Hash of the last event; empty before the first. */
  hash: string
  /** Whether a domain event happened; records of the runtime do not count. */
  started: boolean
  commands: CommandWindow
  /** The last handled revision of its command stream; -1 before the first. */
  commandRevision: number
}

/** What reading needs. */
export interface ReadDeps {
  readonly store: EventStore
  readonly clock: Clock
  readonly timers: Timers
}

/** Called for each event before it is folded. */
export type Visit = (recorded: RecordedEvent) => void

/** Work goes on so long before the event loop has its turn. */
const sliceMs = 8
const pageLimit = 512

/** The state before any event. */
export const unborn = (model: Model): Replayed => ({
  snapshot: model.freshInitial?.() ?? model.initial,
  revision: -1,
  position: 0,
  recordedAt: 0,
  time: Number.NEGATIVE_INFINITY,
  hash: '',
  started: false,
  commands: new CommandWindow(),
  commandRevision: -1,
})

/** Applies one event of the log. Throws `ActorFaulted` where the machine cannot take it. */
export function fold(
  model: Model,
  state: Replayed,
  recorded: RecordedEvent,
  header: EventHeader,
): void {
  const { revision, type } = recorded
  const event = readTyped(model.upcasters, recorded, header)
  if (!type.startsWith(runtimeTypePrefix)) {
    if (event) state.snapshot = evolveRecorded(model, state.snapshot, recorded, event)
    state.started = true
  }
  state.revision = revision
  state.position = recorded.position
  state.recordedAt = recorded.recordedAt
  state.time = Math.max(state.time, header.time ?? recorded.recordedAt)
}

function evolveRecorded(
  model: Model,
  snapshot: Snapshot,
  { stream, revision, type }: RecordedEvent,
  event: Event,
): Snapshot {
  try {
    return evolve(model, snapshot, event)
  } catch (error) {
    throw new ReenactError(
      'ActorFaulted',
      `${stream} cannot be replayed past revision ${revision - 1}: '${type}' fails: ${messageOf(error)}`,
      { actor: stream, type },
      error,
    )
  }
}

/**
 * Folds what the stream holds after `state`, up to a moment. Long streams are folded in slices. Commands are remembered
 * only up to the present: nobody sends one to the past.
 */
export async function catchUp(
  deps: ReadDeps,
  model: Model,
  stream: string,
  state: Replayed,
  options: { readonly within?: Within; readonly visit?: Visit } = {},
): Promise<void> {
  const { within = always, visit } = options
  const isPresent = within === always
  const start = state.revision
  let last: RecordedEvent | undefined
  let commandId: string | undefined
  let sliceEnd = deps.clock.monotonic() + sliceMs
  for (let end = false; !end; ) {
    const page = await deps.store.readStream(stream, { from: state.revision + 1, limit: pageLimit })
    if (page.deleted !== 'no') throw gone(stream, page.deleted)
    if (state.revision === start) checkStart(stream, state, page)
    end = page.end
    for (const recorded of page.events) {
      if (recorded.revision !== state.revision + 1) throw gap(stream, state, recorded)
      const header = readHeader(recorded)
      const { revision, position, recordedAt } = recorded
      if (!isPresent) {
        const time = Math.max(state.time, header.time ?? recordedAt)
        if (!within({ revision, position, recordedAt, time })) {
          end = true
          break
        }
      }
      visit?.(recorded)
      fold(model, state, recorded, header)
      // The events of one command stand together: only its first is remembered.
      if (isPresent && header.commandId !== undefined && header.commandId !== commandId) {
        commandId = header.commandId
        state.commands.add(commandId, revision, recordedAt)
      }
      last = recorded
      if ((revision & 63) === 63 && deps.clock.monotonic() > sliceEnd) {
        await deps.timers.turn()
        sliceEnd = deps.clock.monotonic() + sliceMs
      }
    }
  }
  if (!last) return
  state.hash = checkedHash(last)
  // Each event of an actor with a command stream says it: the last one is enough.
  if (last.metadata.includes('"commandRevision":')) {
    const { commandRevision = -1 } = readMetadata(last)
    state.commandRevision = Math.max(state.commandRevision, commandRevision)
  }
}

/** The hash the next event will hold. An id that does not agree with the bytes is fatal. */
function checkedHash(last: RecordedEvent): string {
  const { hash, idMatches } = hashOf(last)
  // Foreign writers give ids of their own and no chain: they are reported by `verify`, not refused.
  if (!idMatches && readMetadata(last).previousHash !== undefined) {
    throw wrongHash(last, 'its id does not agree with its bytes')
  }
  return hash
}

/** Whether the log still continues what is known. */
function checkStart(stream: string, state: Replayed, page: StreamPage): void {
  if (page.head < state.revision) {
    throw new ReenactError(
      'AheadOfLog',
      `What is known of ${stream} reaches revision ${state.revision}, its log only ${page.head}. The log lost its end or is another one: restore the right log, or delete the state entry 'snapshot:${stream}'.`,
      { stream, revision: state.revision, head: page.head },
    )
  }
  const firstRevision = page.events[0]?.revision ?? page.head + 1
  if (firstRevision > state.revision + 1) throw truncated(stream, firstRevision)
}

/** The beginning is gone. */
export const truncated = (stream: string, firstRevision: number): ReenactError =>
  new ReenactError(
    'HistoryTruncated',
    `The events of ${stream} before revision ${firstRevision} are gone and no snapshot covers them. Restore them, or start a new actor.`,
    { stream, firstRevision },
  )

/** The stream was deleted. */
export const gone = (stream: string, how: 'soft' | 'tombstone'): ReenactError =>
  new ReenactError(
    'StreamDeleted',
    `${stream} was deleted${how === 'tombstone' ? ' for ever' : ''}. Use another id.`,
    { stream, tombstoned: how === 'tombstone' },
  )

const gap = (stream: string, state: Replayed, recorded: RecordedEvent): ReenactError =>
  new ReenactError(
    'RevisionGap',
    `${stream} goes from revision ${state.revision} to ${recorded.revision}. Restore the events between from a backup; the other actors go on.`,
    { stream, expected: state.revision + 1, found: recorded.revision },
  )

// The stream of a process: entries and what they call for, written together and replayed alike.

import { decode } from '../../runtime/codec/codec.ts'
import { readMetadata, writeMetadata } from '../../runtime/codec/metadata.ts'
import { messageOf, ReenactError } from '../../runtime/core/errors.ts'
import type { EventStore, EventToAppend, RecordedEvent } from '../../runtime/ports/event-store.ts'
import { hashOf, identify } from '../recorded.ts'
import { gone } from '../rehydrate.ts'
import { type Plan, plan } from './plan.ts'
import { type Entry, type Intention, isIntention } from './process-entry.ts'
import type { ProcessModel } from './process-model.ts'
import { type ProcessState, unborn } from './process-state.ts'
import { inTodaysShape } from './trigger-shape.ts'

/** Where a stream ends, and the state there. */
export interface ProcessAt {
  readonly state: ProcessState
  /** -1: there is nothing yet. */
  readonly revision: number
  /** Hash of the last event. */
  readonly hash: string
}

export const nowhere = (id: string): ProcessAt => ({ state: unborn(id), revision: -1, hash: '' })

interface Written {
  readonly type: string
  readonly data: string
}

/** What entries hold was settled when it came in: it needs no second check. */
function written({ type, ...data }: Entry | Intention): Written {
  return { type, data: JSON.stringify(data) }
}

/** The events of a plan, and where the stream is after them. */
export function recordsOf(
  stream: string,
  at: ProcessAt,
  { state, entry, intentions }: Plan,
  writer: string,
): { readonly events: readonly EventToAppend[]; readonly at: ProcessAt } {
  const events: EventToAppend[] = []
  let { revision, hash } = at
  const commandId = entry.type === 'reenact.Triggered' ? entry.eventId : `${stream}@${revision + 1}`
  for (const one of [entry, ...intentions]) {
    const { type, data } = written(one)
    revision += 1
    const metadata = writeMetadata({
      schemaVersion: 1,
      time: state.time,
      commandId,
      late: false,
      payloadHash: '',
      $correlationId: state.correlationId || commandId,
      $causationId: commandId,
      writer,
      previousHash: hash,
      traceparent: undefined,
      commandRevision: -1,
      custom: undefined,
    })
    const identified = identify({ stream, revision, type, data, metadata })
    hash = identified.hash
    events.push(identified.event)
  }
  return { events, at: { state, revision, hash } }
}

/** Replays what the stream holds after `at`. Throws `NonDeterministic`, `StreamDeleted`. */
export async function readProcess(
  store: EventStore,
  model: ProcessModel,
  stream: string,
  at: ProcessAt,
): Promise<ProcessAt> {
  const replay = new Replay(model, at)
  for (let from = at.revision + 1, end = false; !end; ) {
    const page = await store.readStream(stream, { from, limit: 512 })
    if (page.deleted !== 'no') throw gone(stream, page.deleted)
    for (const recorded of page.events) replay.take(recorded)
    from = replay.revision + 1
    end = page.end || page.events.length === 0
  }
  return replay.result()
}

class Replay {
  readonly #model: ProcessModel
  #state: ProcessState
  #last: RecordedEvent | undefined
  /** What the entry before calls for and was not seen yet. */
  #owed: Written[] = []
  readonly #before: ProcessAt
  revision: number

  constructor(model: ProcessModel, at: ProcessAt) {
    this.#model = model
    this.#before = at
    this.#state = at.state
    this.revision = at.revision
  }

  take(recorded: RecordedEvent): void {
    const { stream, revision } = recorded
    if (revision !== this.revision + 1) {
      throw new ReenactError(
        'RevisionGap',
        `${stream} goes from revision ${this.revision} to ${revision}. Restore the events between from a backup; the other processes go on.`,
        { stream, expected: this.revision + 1, found: revision },
      )
    }
    if (isIntention(recorded.type)) this.#expect(recorded)
    else this.#entry(recorded)
    this.revision = revision
    this.#last = recorded
  }

  result(): ProcessAt {
    const [missing] = this.#owed
    if (missing) throw this.#other(`it calls for '${missing.type}', which is not recorded`)
    const hash = this.#last ? hashOf(this.#last).hash : this.#before.hash
    return { state: this.#state, revision: this.revision, hash }
  }

  #expect({ type, data }: RecordedEvent): void {
    const owed = this.#owed.shift()
    if (owed?.type === type && owed.data === data) return
    throw this.#other(
      owed
        ? `it calls for ${textOf(owed)}, not ${textOf({ type, data })}`
        : `nothing calls for ${textOf({ type, data })}`,
    )
  }

  #entry(recorded: RecordedEvent): void {
    const [missing] = this.#owed
    if (missing) throw this.#other(`it calls for ${textOf(missing)}, which is not recorded`)
    const stored = { ...decode(recorded.data), type: recorded.type } as unknown as Entry
    const entry = inTodaysShape(this.#model, stored, recorded)
    const { time = recorded.recordedAt } = readMetadata(recorded)
    const { revision } = recorded
    let planned: Plan
    try {
      planned = plan(this.#model, this.#state, entry, { revision, time })
    } catch (error) {
      throw this.#other(`'${recorded.type}' fails: ${messageOf(error)}`, error)
    }
    if (planned.unhandled) throw this.#other(`nothing takes '${recorded.type}'`)
    this.#state = planned.state
    this.#owed = planned.intentions.map(written)
  }

  #other(what: string, cause?: unknown): ReenactError {
    const { name } = this.#model
    const { id } = this.#state
    const revision = this.revision + 1
    return new ReenactError(
      'NonDeterministic',
      `Process '${id}' of ${name} does not replay at revision ${revision}: ${what}. Run the machine it began with, or cancel it; the other processes go on.`,
      { process: name, id, revision },
      cause,
    )
  }
}

const textOf = ({ type, data }: Written): string => `'${type}' ${data.slice(0, 200)}`

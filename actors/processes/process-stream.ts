// The stream of a process: entries and what they call for, written together and replayed alike.

import { canonical, decode, type Json, quoted } from '../../runtime/codec/codec.ts'
import { readHeader, writeMetadata } from '../../runtime/codec/metadata.ts'
import { type Upcasters, upcast } from '../../runtime/codec/upcasting.ts'
import { isReenactError, messageOf, ReenactError } from '../../runtime/core/errors.ts'
import type { EventStore, EventToAppend, RecordedEvent } from '../../runtime/ports/event-store.ts'
import { hashOf, identify } from '../recorded.ts'
import { gone } from '../rehydrate.ts'
import { type Plan, plan } from './plan.ts'
import { type Entry, type Intention, isEntryType, isIntention } from './process-entry.ts'
import { unreplayable } from './process-errors.ts'
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
function written(entry: Entry | Intention): Written {
  const { type } = entry
  const text = JSON.stringify(entry)
  const start = `{"type":${quoted(type)}`
  // Cutting it off is cheaper than a copy without it. Of the process's own events it need not come first.
  if (text.startsWith(start)) {
    const rest = text.slice(start.length + 1)
    return { type, data: rest === '' ? '{}' : `{${rest}` }
  }
  const { type: _, ...data } = entry
  return { type, data: JSON.stringify(data) }
}

/** The events of a plan, and where the stream is after them. */
export function recordsOf(
  stream: string,
  at: ProcessAt,
  { state, entry, intentions }: Plan,
  { writer, versions }: { readonly writer: string; readonly versions: Upcasters },
): { readonly events: readonly EventToAppend[]; readonly at: ProcessAt } {
  const events: EventToAppend[] = []
  let { revision, hash } = at
  const commandId = entry.type === 'reenact.Triggered' ? entry.eventId : `${stream}@${revision + 1}`
  for (const one of [entry, ...intentions]) {
    const { type, data } = written(one)
    revision += 1
    const metadata = writeMetadata({
      schemaVersion: versions.get(type)?.version ?? 1,
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

  #expect(recorded: RecordedEvent): void {
    const { type, data } = recorded
    const next = this.#owed[0]
    const { schemaVersion: version = 1 } = readHeader(recorded)
    if (next?.type === type && next.data === data && version === this.#versionOf(type)) {
      this.#owed.shift()
      return
    }
    const today = this.#today(recorded, version)
    // It is passed over: the machine need not call for it any more.
    if (!today) return
    const owed = this.#owed.shift()
    if (owed?.type === today.type && canonical(decode(owed.data)) === canonical(today.data)) return
    throw this.#other(
      owed
        ? `it calls for ${textOf(owed)}, not ${textOf({ type, data })}`
        : `nothing calls for ${textOf({ type, data })}`,
    )
  }

  #versionOf(type: string): number {
    return this.#model.events.get(type)?.version ?? 1
  }

  /** An event of the process itself as today's code knows it. Throws `NewerSchema`. */
  #today(
    { stream, revision, type, data: text }: RecordedEvent,
    version: number,
  ): { readonly type: string; readonly data: Json } | undefined {
    const data = decode(text)
    const { events } = this.#model
    // What was never declared has the first version.
    const rules = events.has(type) ? events : new Map([[type, { type, version: 1, steps: {} }]])
    return upcast(rules, { stream, revision, type, version, data })
  }

  /** Of the runtime's own entries there is one version. */
  #checkKnown({ stream, revision, type }: RecordedEvent, version: number): void {
    if (!isEntryType(type)) {
      throw new ReenactError(
        'UnknownEvent',
        `${stream}@${revision} holds '${type}', which this code does not know. Deploy the newer code here.`,
        { stream, revision, type },
      )
    }
    if (version === 1) return
    throw new ReenactError(
      'NewerSchema',
      `${stream}@${revision} holds '${type}' version ${version}; this code knows up to 1. Deploy the newer code here.`,
      { stream, revision, type, found: version, known: 1 },
    )
  }

  #entry(recorded: RecordedEvent): void {
    const [missing] = this.#owed
    if (missing) throw this.#other(`it calls for ${textOf(missing)}, which is not recorded`)
    const { time = recorded.recordedAt, schemaVersion = 1 } = readHeader(recorded)
    this.#checkKnown(recorded, schemaVersion)
    const stored = { ...decode(recorded.data), type: recorded.type } as unknown as Entry
    const entry = inTodaysShape(this.#model, stored, recorded)
    const { revision } = recorded
    let planned: Plan
    try {
      planned = plan(this.#model, this.#state, entry, { revision, time })
    } catch (error) {
      // The machine it began with is not here: that says it all.
      if (isReenactError(error) && unreplayable.has(error.code)) throw error
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
      `Process '${id}' of ${name} does not replay at revision ${revision}: ${what}. Give the changed machine a new 'version' and list the one it began with in 'earlier'; the other processes go on.`,
      { process: name, id, revision },
      cause,
    )
  }
}

const textOf = ({ type, data }: Written): string => `'${type}' ${data.slice(0, 200)}`

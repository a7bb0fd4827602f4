// The state store as streams: `reenact.state-KEY`, of which only the last event is kept.
//
// A removed entry is an event too, so that revisions go on and remain fencing tokens. A value beyond one event lies
// in pieces in a stream of its own, which the entry names.

import { createHash } from 'node:crypto'
import { v4 as newUuid } from 'uuid'
import { ReenactError } from '../../core/errors.ts'
import type { ExpectedRevision } from '../../core/expected-revision.ts'
import { streamNameBytesMax } from '../../core/stream-name.ts'
import type { RecordedEvent } from '../../ports/event-store.ts'
import type { StateEntry, StateStore } from '../../ports/state-store.ts'
import { isStorable } from '../append-rules.ts'
import { compareBytes } from '../byte-order.ts'
import { checkStateText } from '../state-rules.ts'
import { type Sent, send } from './appending.ts'
import type { Connection } from './connection.ts'
import { readStream, statePrefix } from './reading.ts'
import type { StreamNames } from './stream-names.ts'

const written = 'reenact.StateWritten'
const removed = 'reenact.StateRemoved'
/** UTF-16 units of a piece: in JSON each may take six bytes, and a server may take 1 MiB. */
const pieceUnits = 128 * 1024
/** Keys that are remembered. */
const wholeMax = 1_024

/** What an event of a state stream holds. */
interface Entry {
  readonly key: string
  readonly value?: string
  /** The stream with the pieces of the value. */
  readonly pieces?: string
}

export class EventStoreDbState implements StateStore {
  readonly #connection: Connection
  readonly #names: StreamNames
  /** Keys whose last entry was written from here, whole: nothing has to be looked for before the next. */
  readonly #whole = new Set<string>()
  /** What listing keys found in a stream, and how much had been seen of it then. */
  readonly #listed = new Map<string, { readonly seen: number; readonly key: string | undefined }>()

  constructor(connection: Connection, names: StreamNames) {
    this.#connection = connection
    this.#names = names
  }

  async get(key: string): Promise<StateEntry | undefined> {
    this.#connection.checkOpen()
    if (!isStorable(key)) return undefined
    for (;;) {
      const last = await this.#last(streamOf(key))
      if (last?.type !== written) return undefined
      const { value, pieces } = entryOf(last)
      if (value !== undefined) return { value, revision: last.revision }
      const whole = await this.#join(pieces ?? '')
      if (whole !== undefined) return { value: whole, revision: last.revision }
      // Its pieces were removed: somebody wrote a newer value meanwhile.
      const now = await this.#last(streamOf(key))
      if (now?.revision === last.revision) throw lost(key)
    }
  }

  async put(key: string, value: string, expected?: number): Promise<number | undefined> {
    this.#connection.checkOpen()
    checkStateText(key, value)
    const known = expected === undefined && this.#whole.has(key)
    const before = known ? undefined : await this.#last(streamOf(key))
    if (expected !== undefined) {
      const present = before?.type === written ? before.revision : -1
      if (present !== expected) return undefined
    }
    const pieces = value.length > pieceUnits ? await this.#split(value) : undefined
    const entry = pieces === undefined ? { key, value } : { key, pieces }
    const at = expected === undefined ? 'any' : (before?.revision ?? 'none')
    this.#remember(key, pieces === undefined)
    const revision = await this.#write(streamOf(key), written, entry, at)
    const old = revision === undefined ? pieces : before && entryOf(before).pieces
    if (old !== undefined) await this.#removePieces(old)
    return revision
  }

  async delete(key: string): Promise<void> {
    this.#connection.checkOpen()
    if (!isStorable(key)) return
    const before = await this.#last(streamOf(key))
    if (before?.type !== written) return
    await this.#write(streamOf(key), removed, { key }, 'any')
    const { pieces } = entryOf(before)
    if (pieces !== undefined) await this.#removePieces(pieces)
  }

  async keys(prefix: string): Promise<readonly string[]> {
    this.#connection.checkOpen()
    const names = await this.#names.startingWith(`${statePrefix}state`)
    const candidates = [...names].filter(([name]) => {
      const key = keyIn(name)
      return key === undefined || key.startsWith(prefix)
    })
    const found = await Promise.all(candidates.map(([name, seen]) => this.#keyOf(name, seen)))
    return found.flatMap((key) => (key?.startsWith(prefix) ? [key] : [])).sort(compareBytes)
  }

  /** The key of an entry that is there. Read only where something was written since the last time. */
  async #keyOf(stream: string, seen: number): Promise<string | undefined> {
    const known = this.#listed.get(stream)
    if (known?.seen === seen) return known.key
    const last = await this.#last(stream)
    const key = last?.type === written ? entryOf(last).key : undefined
    this.#listed.set(stream, { seen, key })
    return key
  }

  async #last(stream: string): Promise<RecordedEvent | undefined> {
    // Two, though only one is kept: a crash may have come between the first entry and its rule.
    const last = { direction: 'backwards', limit: 2, eventsOnly: true } as const
    const page = await readStream(this.#connection, stream, last)
    if (page.events.length > 1) await this.#keepOne(stream)
    return page.events[0]
  }

  #remember(key: string, isWhole: boolean): void {
    if (this.#whole.size >= wholeMax) this.#whole.clear()
    if (isWhole) this.#whole.add(key)
    else this.#whole.delete(key)
  }

  /** Writes an entry, sending it again until it is known what became of it; `undefined` where another was first. */
  async #write(
    stream: string,
    type: string,
    entry: Entry,
    expected: ExpectedRevision,
  ): Promise<number | undefined> {
    const event = { id: newUuid(), type, data: JSON.stringify(entry), metadata: '' }
    const sent = await this.#connection.insistently(async () => {
      const outcome: Sent = await send(this.#connection, stream, [event], expected)
      if (outcome.outcome === 'unknown') throw unanswered(this.#connection, outcome.error)
      return outcome
    })
    if (sent.outcome === 'refused') throw sent.error
    if (sent.outcome !== 'written') return undefined
    if (sent.revision === 0) await this.#keepOne(stream)
    return sent.revision
  }

  async #keepOne(stream: string): Promise<void> {
    const { client } = this.#connection
    await this.#connection.insistently(() =>
      this.#connection.withinTime(client.setStreamMetadata(stream, { maxCount: 1 })),
    )
  }

  async #split(value: string): Promise<string> {
    const stream = `${statePrefix}pieces-${newUuid()}`
    for (let start = 0; start < value.length; start += pieceUnits) {
      const piece = { key: '', value: value.slice(start, start + pieceUnits) }
      const index = start / pieceUnits
      await this.#piece(stream, piece, index === 0 ? 'none' : index - 1)
    }
    return stream
  }

  async #piece(stream: string, piece: Entry, expected: ExpectedRevision): Promise<void> {
    const event = { id: newUuid(), type: written, data: JSON.stringify(piece), metadata: '' }
    await this.#connection.insistently(async () => {
      const outcome = await send(this.#connection, stream, [event], expected)
      if (outcome.outcome === 'refused') throw outcome.error
      if (outcome.outcome !== 'written') throw unanswered(this.#connection, outcome)
    })
  }

  async #join(stream: string): Promise<string | undefined> {
    const parts: string[] = []
    for (let end = false; !end; ) {
      const page = await readStream(this.#connection, stream, { from: parts.length, limit: 64 })
      if (page.events.length === 0) return undefined
      parts.push(...page.events.map((event) => entryOf(event).value ?? ''))
      end = page.end
    }
    return parts.join('')
  }

  // Pieces nobody names any more take room and do no harm: a failure here is no failure of the entry.
  async #removePieces(stream: string): Promise<void> {
    const { client } = this.#connection
    await this.#connection.withinTime(client.deleteStream(stream)).catch(() => {})
  }
}

const entryOf = ({ data }: RecordedEvent): Entry => JSON.parse(data) as Entry

const unanswered = (connection: Connection, cause: unknown): ReenactError =>
  connection.unavailable('silent', 'it is not known whether an entry of state was written', cause)

const lost = (key: string): ReenactError =>
  new ReenactError(
    'CorruptEvent',
    `The value of state '${key}' lost its pieces. Delete the entry: it is written anew where it is a cache.`,
    { stream: streamOf(key), revision: 0, check: 'content' },
  )

const named = `${statePrefix}state-`

/** The stream of an entry. A key that is too long for a name is told by its hash. */
function streamOf(key: string): string {
  const name = `${named}${key}`
  if (Buffer.byteLength(name) <= streamNameBytesMax) return name
  return `${statePrefix}statehash-${createHash('sha256').update(key).digest('hex')}`
}

const keyIn = (stream: string): string | undefined =>
  stream.startsWith(named) ? stream.slice(named.length) : undefined

// The last 1,024 command ids of a stream and where their outcomes are.
//
// An id is kept as a 31-bit fingerprint beside revision and time, so that a thousand ids cost a few kilobytes;
// whoever finds one reads that event to be sure. Entries leave oldest first.

import { issuedAt } from '../runtime/core/ids.ts'

/** How many command ids an actor remembers. */
export const commandsMax = 1024

/** So many older ids are remembered by fingerprint, once somebody asked for one; beyond, the stream is read again. */
const forgottenMax = 262_144

const width = 3 // fingerprint, revision, and the later of when it was issued and recorded

/** Plain data of a window, for snapshots. */
export interface PlainWindow {
  /** Fingerprint, revision and time of recording in turns, oldest first. One text: many numbers are dear. */
  readonly entries: string
  readonly evictedAt: number | null
}

/** FNV-1a, 31 bits: a small integer for the engine. */
export function fingerprint(id: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < id.length; index += 1) {
    hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193)
  }
  return hash >>> 1
}

/** Remembers where the outcome of each command begins. */
export class CommandWindow {
  readonly #entries: number[]
  #next = 0
  #evictedAt: number | undefined
  /** Fingerprints of all forgotten commands, once somebody had to look for one. */
  #forgotten: Set<number> | undefined

  constructor(plain?: PlainWindow) {
    this.#entries = plain?.entries ? plain.entries.split(' ').map(Number) : []
    this.#evictedAt = plain?.evictedAt ?? undefined
  }

  /** No forgotten command was issued or recorded after this, ms; `undefined` while all are remembered. */
  get evictedAt(): number | undefined {
    return this.#evictedAt
  }

  /** Fingerprints of the forgotten, if they were collected. */
  get forgotten(): ReadonlySet<number> | undefined {
    return this.#forgotten
  }

  /** Where the oldest remembered command begins; -1 when none is. */
  get oldestRevision(): number {
    return this.#entries[this.#next + 1] ?? -1
  }

  add(commandId: string, revision: number, recordedAt: number): void {
    const entries = this.#entries
    // Whatever the sender's clock said: an id younger than all forgotten ones is not among them.
    const latestAt = Math.max(recordedAt, issuedAt(commandId) ?? recordedAt)
    const print = fingerprint(commandId)
    if (entries.length < width * commandsMax) {
      entries.push(print, revision, latestAt)
      return
    }
    const at = this.#next
    this.#evictedAt = Math.max(this.#evictedAt ?? 0, entries[at + 2] as number)
    if (this.#forgotten) this.collect(this.#forgotten.add(entries[at] as number))
    entries[at] = print
    entries[at + 1] = revision
    entries[at + 2] = latestAt
    this.#next = (at + width) % (width * commandsMax)
  }

  /** Keeps the fingerprints of everything older than this window, unless they are too many. */
  collect(forgotten: Set<number>): void {
    this.#forgotten = forgotten.size <= forgottenMax ? forgotten : undefined
  }

  /** Revisions where the outcome of this command may begin. */
  find(commandId: string): readonly number[] {
    const entries = this.#entries
    const print = fingerprint(commandId)
    const found: number[] = []
    for (let at = 0; at < entries.length; at += width) {
      if (entries[at] === print) found.push(entries[at + 1] as number)
    }
    return found
  }

  plain(): PlainWindow {
    const entries = [...this.#entries.slice(this.#next), ...this.#entries.slice(0, this.#next)]
    return { entries: entries.join(' '), evictedAt: this.#evictedAt ?? null }
  }
}

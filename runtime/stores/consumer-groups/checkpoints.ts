// How far a group is, and when that is written down.

import type { Alarm } from './alarm.ts'
import type { GroupRecord } from './group-record.ts'
import type { Message } from './message.ts'

/** What checkpoints need of their group. */
export interface CheckpointHost {
  monotonic(): number
  /** Everything that was read and is not finished. */
  open(): Iterable<Message>
  readonly alarm: Alarm
}

/** Positions looked at without a match that are worth a write. */
const passedMin = 512

/** One write at a time; a crash repeats what came after the last one. */
export class Checkpoints {
  readonly #record: GroupRecord
  readonly #host: CheckpointHost
  #readTo: number
  #finished = 0
  /** Something but progress is to be remembered. */
  #changed = false
  #dueMs = Number.POSITIVE_INFINITY
  #writing: Promise<void> | undefined
  #closed = false

  constructor(record: GroupRecord, host: CheckpointHost) {
    this.#record = record
    this.#host = host
    this.#readTo = record.stored.checkpoint
  }

  get readTo(): number {
    return this.#readTo
  }

  /** Everything up to here was read. */
  advance(readTo: number): void {
    this.#readTo = readTo
    if (readTo - this.#record.stored.checkpoint >= passedMin) this.#later()
  }

  /** One more is done. */
  finished(): void {
    this.#finished += 1
    this.#later()
  }

  /** A retry was counted. */
  changed(): void {
    this.#changed = true
    this.#later()
  }

  /** Writes when enough is done. */
  consider(): void {
    if (this.#finished >= this.#record.stored.settings.checkpointMax) this.#write()
  }

  /** Writes when it is time. */
  ring(nowMs: number): void {
    if (nowMs < this.#dueMs) {
      this.#host.alarm.setTo(this.#dueMs)
      return
    }
    this.#dueMs = Number.POSITIVE_INFINITY
    const { checkpointMin } = this.#record.stored.settings
    const passed = this.#finished === 0
    if (this.#finished >= checkpointMin || this.#changed || passed) this.#write()
  }

  /** Writes what is not written yet, for the last time. */
  async close(): Promise<void> {
    await this.#writing
    this.#closed = true
    await this.#save()
  }

  #later(): void {
    if (this.#dueMs !== Number.POSITIVE_INFINITY) return
    this.#dueMs = this.#host.monotonic() + this.#record.stored.settings.checkpointAfterMs
    this.#host.alarm.setTo(this.#dueMs)
  }

  // What cannot be written now is written with the next progress; until then a crash repeats more.
  #write(): void {
    if (this.#closed) return
    this.#writing ??= this.#save()
      .catch(() => this.#later())
      .finally(() => {
        this.#writing = undefined
        this.consider()
      })
  }

  async #save(): Promise<void> {
    let checkpoint = this.#readTo
    const retries: Record<string, number> = {}
    for (const { place, parkedAt, retries: count } of this.#host.open()) {
      if (parkedAt !== undefined) continue
      checkpoint = Math.min(checkpoint, place - 1)
      if (count > 0) retries[place] = count
    }
    const unchanged = checkpoint === this.#record.stored.checkpoint && !this.#changed
    this.#finished = 0
    this.#changed = false
    if (unchanged) return
    await this.#record.save({ checkpoint, retries })
  }
}

// A group at work: reads on while there is room, dispatches, waits for answers, and remembers how far it is.

import type {
  ConsumeOptions,
  Consumer,
  GroupInfo,
  NackAction,
  NackOptions,
} from '../../ports/consumer-groups.ts'
import type { EventStore, RecordedEvent } from '../../ports/event-store.ts'
import { Alarm, type GroupPorts } from './alarm.ts'
import { Backlog } from './backlog.ts'
import { Checkpoints } from './checkpoints.ts'
import { tooManyConsumers } from './group-errors.ts'
import { GroupReader, type ReaderHost } from './group-reader.ts'
import { type GroupRecord, isGroupStream, parkedStreamOf } from './group-record.ts'
import { InFlight } from './in-flight.ts'
import { Member, type MemberHost } from './member.ts'
import { bucketOf, type Message } from './message.ts'
import { ParkedMessages } from './parked-messages.ts'
import { createStrategy, type Strategy } from './strategy.ts'

export class LiveGroup implements MemberHost, ReaderHost {
  readonly record: GroupRecord
  readonly #ports: GroupPorts
  readonly #strategy: Strategy
  readonly #reader: GroupReader
  readonly #parked: ParkedMessages
  readonly #checkpoints: Checkpoints
  readonly #alarm: Alarm
  readonly #members = new Set<Member>()
  readonly #backlog = new Backlog()
  readonly #inFlight: InFlight
  readonly #counts = { delivered: 0, acked: 0, retried: 0, parked: 0 }
  #readingParked = false
  #closed = false
  #closing: Promise<void> | undefined

  constructor(store: EventStore, ports: GroupPorts, record: GroupRecord) {
    this.record = record
    this.#ports = ports
    this.#strategy = createStrategy(record.stored.settings.strategy)
    this.#inFlight = new InFlight(this.#strategy)
    this.#reader = new GroupReader(store, this)
    this.#parked = new ParkedMessages(store, ports, parkedStreamOf(record.stored))
    this.#alarm = new Alarm(ports, () => this.#ring())
    this.#checkpoints = new Checkpoints(record, {
      monotonic: () => ports.clock.monotonic(),
      open: () => this.#openMessages(),
      alarm: this.#alarm,
    })
  }

  /** Nobody can join any more: it could not read on, or was closed. */
  get closed(): boolean {
    return this.#closed
  }

  /** Lets a consumer in. */
  join(options: ConsumeOptions): Consumer {
    const { stored } = this.record
    if (this.#members.size >= stored.settings.consumersMax) throw tooManyConsumers(stored)
    const member = new Member(this, options)
    this.#members.add(member)
    this.#choose()
    this.#reader.start(stored)
    this.#dispatch()
    return member
  }

  ack(member: Member, eventIds: readonly string[]): void {
    for (const message of this.#inFlight.take(member, eventIds)) {
      this.#counts.acked += 1
      this.#finish(message)
    }
    this.#goOn()
  }

  async nack(
    member: Member,
    eventIds: readonly string[],
    action: NackAction,
    { delayMs = 0, reason = 'nacked' }: NackOptions,
  ): Promise<void> {
    const decided: Promise<void>[] = []
    for (const message of this.#inFlight.take(member, eventIds)) {
      if (action === 'skip') this.#finish(message)
      else if (action === 'stop') this.#backlog.addRetried(message)
      else if (action === 'park') decided.push(this.#park(message, reason))
      else decided.push(this.#retry(message, delayMs, reason))
    }
    if (action === 'stop') member.close()
    this.#goOn()
    await Promise.all(decided)
  }

  /** A stalled consumer answers again. */
  recovered(): void {
    this.#choose()
  }

  leave(member: Member): void {
    if (!this.#members.delete(member)) return
    this.#choose()
    for (const message of this.#inFlight.takeAll(member)) {
      if (message.received && !this.#closed) this.#retrySoon(message, 'its consumer left')
      else this.#backlog.addRetried(message)
    }
    this.#dispatch()
  }

  async replayParked(limit: number): Promise<number> {
    const count = await this.#parked.replay(limit)
    this.#dispatch()
    return count
  }

  async info(): Promise<GroupInfo> {
    const { name, stream, filter, settings, annotations, checkpoint } = this.record.stored
    return {
      name,
      ...(stream === undefined ? {} : { stream }),
      filter,
      settings,
      annotations,
      consumers: [...this.#members].map(({ info }) => info),
      status: this.#reader.status,
      checkpoint,
      readTo: this.#checkpoints.readTo,
      inFlight: this.#inFlight.size,
      waiting: this.#backlog.size,
      parked: await this.#parked.count(),
      parkedStream: this.#parked.stream,
      counts: { ...this.#counts },
    }
  }

  /** Ends its consumers and writes how far it is. */
  close(failure?: unknown): Promise<void> {
    this.#closed = true
    this.#closing ??= this.#close(failure)
    return this.#closing
  }

  async #close(failure: unknown): Promise<void> {
    for (const member of this.#members) {
      member.end(failure)
      this.leave(member)
    }
    this.#reader.close()
    this.#alarm.stop()
    await this.#parked.settled()
    await this.#checkpoints.close()
  }

  read(events: readonly RecordedEvent[], checkpoint: number): void {
    const { stream, retries } = this.record.stored
    for (const event of events) {
      if (stream === undefined && isGroupStream(event.stream)) continue
      const place = stream === undefined ? event.position : event.revision
      this.#backlog.addFresh(this.#message(event, place, retries[place] ?? 0))
    }
    this.#checkpoints.advance(checkpoint)
    this.#dispatch()
  }

  hasRoom(): boolean {
    return this.#backlog.size < this.record.stored.settings.bufferMax
  }

  readingEnded(failure: unknown): void {
    // What could not be written by closing is repeated.
    if (!this.#closed) this.close(failure).catch(() => {})
  }

  #message(event: RecordedEvent, place: number, retries: number, parkedAt?: number): Message {
    const bucket = bucketOf(this.record.stored.settings.strategy, event)
    const nowhere = { member: undefined, received: false, dueMs: 0 }
    return { event, place, bucket, retries, parkedAt, ...nowhere }
  }

  #goOn(): void {
    this.#checkpoints.consider()
    this.#dispatch()
  }

  /** Gives out what can be given out, then sees to it that there is more. */
  #dispatch(): void {
    if (this.#closed) return
    let credit = 0
    for (const { inFlight, inFlightMax } of this.#members) credit += inFlightMax - inFlight
    const { messageTimeoutMs } = this.record.stored.settings
    const dueMs = this.#ports.clock.monotonic() + messageTimeoutMs
    const given = this.#backlog.offer(credit, (message) => this.#inFlight.give(message, dueMs))
    this.#counts.delivered += given
    if (given > 0) this.#alarm.setTo(dueMs)
    if (this.#parked.replaying && this.#backlog.noneReplayed && credit > given) {
      void this.#readParked()
    }
    this.#reader.goOn()
  }

  async #readParked(): Promise<void> {
    if (this.#readingParked) return
    this.#readingParked = true
    try {
      const { readMax } = this.record.stored.settings
      for (const { event, parkedAt } of await this.#parked.read(readMax)) {
        this.#backlog.addReplayed(this.#message(event, event.position, 0, parkedAt))
      }
    } catch (error) {
      this.readingEnded(error)
    } finally {
      this.#readingParked = false
    }
    this.#dispatch()
  }

  #finish(message: Message): void {
    if (message.parkedAt !== undefined) this.#parked.done(message.parkedAt)
    else this.#checkpoints.finished()
  }

  /** Once more, or aside after the last time. */
  async #retry(message: Message, delayMs: number, reason: string): Promise<void> {
    if (message.retries >= this.record.stored.settings.retriesMax) {
      await this.#park(message, `${reason}; ${message.retries} retries`)
      return
    }
    message.retries += 1
    this.#counts.retried += 1
    this.#checkpoints.changed()
    if (delayMs <= 0) this.#backlog.addRetried(message)
    else {
      message.dueMs = this.#ports.clock.monotonic() + delayMs
      this.#backlog.addDelayed(message)
      this.#alarm.setTo(message.dueMs)
    }
  }

  // Parking goes on until it is done; only closing the store ends it, and then the message comes again.
  #retrySoon(message: Message, reason: string): void {
    this.#retry(message, 0, reason).catch(() => {})
  }

  async #park(message: Message, reason: string): Promise<void> {
    this.#backlog.parking.add(message)
    await this.#parked.park(message.event, reason, message.retries)
    this.#backlog.parking.delete(message)
    this.#counts.parked += 1
    this.#finish(message)
    this.#goOn()
  }

  #ring(): void {
    const nowMs = this.#ports.clock.monotonic()
    const overdue = this.#inFlight.takeOverdue(nowMs)
    for (const message of overdue) this.#retrySoon(message, 'no answer in time')
    if (overdue.length > 0) this.#choose()
    this.#backlog.wake(nowMs)
    this.#checkpoints.ring(nowMs)
    this.#alarm.setTo(Math.min(this.#inFlight.nextDueMs, this.#backlog.nextDueMs))
    this.#dispatch()
  }

  // Who does not answer gets nothing more while there are others who do.
  #choose(): void {
    const answering = [...this.#members].filter(({ stalled }) => !stalled)
    this.#strategy.members(answering.length > 0 ? answering : [...this.#members])
  }

  *#openMessages(): Generator<Message> {
    yield* this.#inFlight
    yield* this.#backlog
  }
}

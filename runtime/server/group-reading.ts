// PersistentSubscriptions/Read: one consumer of a group, its deliveries and its answers.

import { v4 as newUuid } from 'uuid'
import type { Timers } from '../core/clock.ts'
import { isReenactError } from '../core/errors.ts'
import type { Consumer, Delivery, GroupInfo, NackAction } from '../ports/consumer-groups.ts'
import type { EventStore } from '../ports/event-store.ts'
import { groupFilter, keyOf } from './group-settings.ts'
import type { LinkStreams } from './link-streams.ts'
import { fail, type SendingCall, send } from './outgoing.ts'
import type { GroupReadOptions, GroupReadRequest } from './protocol/group-messages.ts'
import { deliveriesOf, encoded, wantsStructured } from './read-messages.ts'
import { dropped, invalidArgument, rpcErrorOf, tooManySubscribers } from './rpc-error.ts'
import { uuidOf } from './stored-event.ts'

/** In flight at a consumer that does not say how many it takes. */
const bufferDefault = 10

const actions: readonly (NackAction | undefined)[] = [undefined, 'park', 'retry', 'skip', 'stop']

interface ReadingHost {
  readonly store: EventStore
  readonly links: LinkStreams
  readonly timers: Timers
}

/** Throws for a caller who may not read the source of a group. */
type CheckRead = (source: string) => Promise<void>

/** The consumer behind one call. */
export class GroupReading {
  readonly #host: ReadingHost
  readonly #call: SendingCall
  readonly #checkRead: CheckRead
  #consumer: Promise<Consumer> | undefined
  /** Told to the group all at once when this turn of the event loop is over: clients answer each event alone. */
  #acked: string[] = []
  #telling = false

  constructor(host: ReadingHost, call: SendingCall, checkRead: CheckRead) {
    this.#host = host
    this.#call = call
    this.#checkRead = checkRead
  }

  /** Takes a request of the client. Throws where the call cannot go on. */
  async take({ content, options, ack, nack }: GroupReadRequest): Promise<void> {
    if (content === 'options' && options) {
      if (this.#consumer !== undefined)
        throw invalidArgument('The call has joined a group already.')
      const joining = this.#join(options)
      this.#consumer = joining.then(({ consumer }) => consumer)
      // Told below.
      this.#consumer.catch(() => {})
      const { consumer, info } = await joining
      void this.#deliver(consumer, info, options)
      return
    }
    if (this.#consumer === undefined) throw invalidArgument('The call has not joined a group.')
    if (ack) {
      for (const id of ack.ids) this.#acked.push(uuidOf(id))
      // The first of this turn tells for all of them.
      if (this.#telling) return
      this.#telling = true
      await this.#host.timers.turn()
      await this.#tell()
    } else if (nack) {
      await this.#tell()
      const consumer = await this.#consumer
      const { ids, action, reason } = nack
      await consumer.nack(ids.map(uuidOf), actions[action] ?? 'retry', {
        ...(reason && { reason }),
      })
    }
  }

  /** The client left. */
  close(): void {
    const leave = async () => {
      try {
        await this.#tell()
      } finally {
        const consumer = await this.#consumer
        consumer?.close()
      }
    }
    // Who could not join has nothing to leave.
    leave().catch(() => {})
  }

  async #tell(): Promise<void> {
    this.#telling = false
    const consumer = await this.#consumer
    const acked = this.#acked
    this.#acked = []
    if (acked.length > 0) await consumer?.ack(acked)
  }

  async #join(options: GroupReadOptions): Promise<{ consumer: Consumer; info: GroupInfo }> {
    const { store, links } = this.#host
    const key = keyOf(options)
    await this.#checkRead(key.stream ?? '$all')
    const info = await store.groups.info(key)
    if (key.stream !== undefined) await links.follow(key.stream)
    const inFlightMax = options.bufferSize > 0 ? options.bufferSize : bufferDefault
    const consumer = await store.groups.consume(key, { inFlightMax }).catch((error) => {
      if (!isReenactError(error, 'Overloaded')) throw error
      throw tooManySubscribers(key.stream ?? '$all', key.name)
    })
    if (this.#call.cancelled) consumer.close()
    return { consumer, info }
  }

  async #deliver(consumer: Consumer, info: GroupInfo, options: GroupReadOptions): Promise<void> {
    const call = this.#call
    try {
      const { store } = this.#host
      const filter = groupFilter(info)
      const resolveLinks = info.annotations['resolveLinks'] === true
      const structured = wantsStructured(options)
      const confirmation = { subscriptionId: newUuid() }
      if (!(await send(call, [{ subscriptionConfirmation: confirmation }]))) return
      for await (const deliveries of consumer) {
        const wanted = deliveries.filter(({ event }) => filter?.takes(event) ?? true)
        await passOver(consumer, deliveries, wanted)
        const events = wanted.map(({ event }) => event)
        const resolved = await deliveriesOf(store, events, resolveLinks)
        const retries = wanted.map((delivery) => delivery.retries)
        if (!(await send(call, encoded(resolved, structured, retries)))) return
      }
      // It ended: the client stopped it, or its group was changed or deleted. Without an error a client that goes on
      // sending would never notice.
      fail(call, dropped(info.stream ?? '$all', info.name))
    } catch (error) {
      fail(call, rpcErrorOf(error))
    } finally {
      consumer.close()
    }
  }
}

/** What the filter does not take is done: the store's own filter knows no regular expressions. */
async function passOver(
  consumer: Consumer,
  all: readonly Delivery[],
  wanted: readonly Delivery[],
): Promise<void> {
  if (wanted.length === all.length) return
  const kept = new Set(wanted)
  await consumer.ack(all.filter((one) => !kept.has(one)).map(({ event }) => event.id))
}

// Tells that the log has grown, by one live subscription for the whole store.
//
// What is new is read in pages, as in every other store: so a slow reader piles up nothing, and a subscription of
// the client that stalls, ends or repeats itself can cost time but never an event.

import { ChangeSignal } from '../change-signal.ts'
import type { Connection } from './connection.ts'

interface Live {
  on(event: 'data' | 'confirmation' | 'caughtUp' | 'end' | 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: unknown) => void): unknown
  unsubscribe(): Promise<void>
}

/** How long a live subscription may be trusted without anybody looking, ms. */
const lookAgainMs = 5_000

/** Subscribes while somebody waits for changes. */
export class LiveSignal {
  readonly changes: ChangeSignal
  readonly #connection: Connection
  #live: Live | undefined
  #attempt = 0
  #waiting = false
  #stopLooking: () => void = () => {}

  constructor(connection: Connection) {
    this.#connection = connection
    this.changes = new ChangeSignal((waiting) => {
      this.#waiting = waiting
      this.#stopLooking()
      if (!waiting) return
      this.#subscribe()
      // A half-dead connection says nothing at all.
      this.#stopLooking = connection.ports.timers.after(lookAgainMs, () => this.changes.notify(), {
        background: true,
      })
    })
  }

  /** Wakes everybody a last time. */
  close(): void {
    this.#drop()
    this.changes.notify()
    this.#stopLooking()
  }

  #subscribe(): void {
    if (this.#live || this.#connection.closed) return
    const { client, library } = this.#connection
    const live: Live = client.subscribeToAll({
      fromPosition: 'end',
      filter: library.streamNameFilter({ regex: '^(?!\\$|reenact\\.)' }),
    })
    this.#live = live
    const mine = (listener: () => void) => () => {
      if (this.#live === live) listener()
    }
    live.on(
      'data',
      mine(() => this.changes.notify()),
    )
    // What was written before the subscription began has to be looked for.
    live.on(
      'confirmation',
      mine(() => this.#begun()),
    )
    live.on(
      'caughtUp',
      mine(() => this.changes.notify()),
    )
    for (const event of ['error', 'end', 'close'] as const)
      live.on(
        event as 'end',
        mine(() => this.#ended()),
      )
  }

  #begun(): void {
    this.#attempt = 0
    this.changes.notify()
  }

  /** However it ended, begin anew as long as somebody waits. Who looks meanwhile gets to see the error. */
  #ended(): void {
    this.#drop()
    this.#attempt += 1
    void this.#connection.pause(this.#attempt).then(() => {
      if (this.#connection.closed || this.#live) return
      this.changes.notify()
      if (this.#waiting) this.#subscribe()
    })
  }

  #drop(): void {
    const live = this.#live
    this.#live = undefined
    live?.unsubscribe().catch(() => {})
  }
}

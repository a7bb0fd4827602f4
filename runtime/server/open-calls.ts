// The calls that stay open, so that a server that stops can end them.

import { sleep, type Timers } from '../core/clock.ts'
import { fail, type SendingCall } from './outgoing.ts'
import { shuttingDown } from './rpc-error.ts'

/** How long a store may take to answer what was taken, ms. After that the outcome is unknown to the client. */
const finishMs = 2_000

/** Long calls under way. */
export class OpenCalls {
  readonly #calls = new Map<SendingCall, () => Promise<void>>()

  /** Runs the work of a call; an error ends it. `finish` brings what it has taken to an end. */
  async run(
    call: SendingCall,
    work: () => Promise<void>,
    finish: () => Promise<void> = async () => {},
  ): Promise<void> {
    this.#calls.set(call, finish)
    try {
      await work()
    } catch (error) {
      fail(call, error)
    } finally {
      this.#calls.delete(call)
    }
  }

  /** Ends every call with CANCELLED, after what it has taken is answered, or after a while. */
  async close(timers: Timers): Promise<void> {
    await Promise.all(
      [...this.#calls].map(async ([call, finish]) => {
        await Promise.race([finish(), sleep(timers, finishMs, { background: true })])
        fail(call, shuttingDown())
      }),
    )
  }
}

// The calls that stay open, so that a server that stops can end them.

import { fail, type SendingCall } from './outgoing.ts'
import { shuttingDown } from './rpc-error.ts'

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

  /** Ends every call with CANCELLED, after what it has taken is answered. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#calls].map(async ([call, finish]) => {
        await finish()
        fail(call, shuttingDown())
      }),
    )
  }
}

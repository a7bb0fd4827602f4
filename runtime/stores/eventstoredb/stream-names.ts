// The names of streams that begin with a prefix. The protocol has no list of them, so the log is looked through, once.

import type { Connection } from './connection.ts'
import { positionOf } from './reading.ts'

interface Found {
  /** With how many of its events were seen, some of them twice: another number means that something was written. */
  readonly names: Map<string, number>
  /** The log was looked at up to here. */
  position: number
  running: Promise<void>
}

/** Names by prefix, kept and brought up to date at each question. */
export class StreamNames {
  readonly #connection: Connection
  readonly #found = new Map<string, Found>()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Every name with the prefix that was ever written, in no order, with a number that changes whenever something is
   * written to it.
   */
  async startingWith(prefix: string): Promise<ReadonlyMap<string, number>> {
    const found = this.#found.get(prefix) ?? {
      names: new Map(),
      position: 0,
      running: Promise.resolve(),
    }
    this.#found.set(prefix, found)
    // One after the other: a run that began earlier may have missed the last names.
    const run = found.running
      .catch(() => {})
      .then(() => this.#connection.insistently(() => this.#look(prefix, found)))
    found.running = run
    await run
    return found.names
  }

  /** Reads what the server filters, until it says that all was delivered. */
  #look(prefix: string, found: Found): Promise<void> {
    const connection = this.#connection
    const { client, library, ports, timeoutMs } = connection
    const subscription = client.subscribeToAll(
      {
        fromPosition: found.position === 0 ? 'start' : positionOf(found.position),
        filter: library.streamNameFilter({
          prefixes: [prefix],
          checkpointInterval: 64,
          checkpointReached: (_, { commit }) => {
            found.position = Math.max(found.position, Number(commit))
            progress += 1
          },
        }),
      },
      { highWaterMark: 1_024 },
    )
    let progress = 0
    return new Promise<void>((resolve, reject) => {
      let seen = -1
      let cancel = () => {}
      const watch = () => {
        if (seen === progress) {
          finish(() => reject(connection.unavailable('silent', `no progress in ${timeoutMs} ms`)))
          return
        }
        seen = progress
        cancel = ports.timers.after(timeoutMs, watch)
      }
      const finish = (settle: () => void) => {
        cancel()
        void subscription.unsubscribe().catch(() => {})
        settle()
      }
      subscription.on('data', ({ event }) => {
        progress += 1
        if (!event) return
        found.names.set(event.streamId, (found.names.get(event.streamId) ?? 0) + 1)
        // The next look begins behind it.
        found.position = Math.max(found.position, Number(event.position?.commit ?? 0))
      })
      subscription.on('caughtUp', () => {
        // Events may still wait in the client's buffer.
        const done = () => finish(resolve)
        if (subscription.readableLength === 0) done()
        else subscription.on('data', () => subscription.readableLength === 0 && done())
      })
      subscription.on('error', (error) => finish(() => reject(error)))
      const cutOff = () =>
        finish(() => reject(connection.unavailable('unreachable', 'it ended a read')))
      subscription.on('end', cutOff)
      subscription.on('close', cutOff)
      watch()
    })
  }
}

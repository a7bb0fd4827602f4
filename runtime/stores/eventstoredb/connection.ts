// The one client of this process: opened by the first store, shared by further ones, closed by the last.

import type * as Library from '@eventstore/db-client'
import type { EventStoreDBClient } from '@eventstore/db-client'
import type { Ports } from '../../core/clock.ts'
import { sleep } from '../../core/clock.ts'
import { isReenactError, messageOf, ReenactError } from '../../core/errors.ts'
import { exponential, fullJitter } from '../../core/retry-policy.ts'
import { invalidOption } from '../append-rules.ts'

/** Reads under way at the same time. */
const readsMax = 64

const backoff = exponential({
  delayMsMin: 20,
  delayMsMax: 2_000,
  attemptsMax: Number.POSITIVE_INFINITY,
})

/** Calls to the server, with a limit of time on each. */
export class Connection {
  readonly client: EventStoreDBClient
  readonly library: typeof Library
  readonly ports: Ports
  /** For messages: without name and password. */
  readonly name: string
  readonly timeoutMs: number
  closed = false
  readonly #release: () => Promise<void>
  #reads = 0
  readonly #waitingReads: (() => void)[] = []

  constructor(
    shared: SharedClient,
    options: { readonly name: string; readonly ports: Ports; readonly timeoutMs: number },
  ) {
    this.client = shared.client
    this.library = shared.library
    this.ports = options.ports
    this.name = options.name
    this.timeoutMs = options.timeoutMs
    this.#release = shared.release
  }

  /** Settles with the promise, or fails when the server stays silent. */
  withinTime<Result>(promise: Promise<Result>): Promise<Result> {
    const { timeoutMs } = this
    return new Promise((resolve, reject) => {
      const cancel = this.ports.timers.after(timeoutMs, () =>
        reject(this.unavailable('silent', `it gave no answer within ${timeoutMs} ms`)),
      )
      promise.then(resolve, reject).finally(cancel)
    })
  }

  /** Reads when fewer than so many others do: of a thousand at once the last would wait longer than the server may take. */
  async reading<Result>(read: () => Promise<Result>): Promise<Result> {
    if (this.#reads < readsMax) this.#reads += 1
    else await new Promise<void>((resolve) => this.#waitingReads.push(resolve))
    try {
      return await read()
    } finally {
      const next = this.#waitingReads.shift()
      if (next) next()
      else this.#reads -= 1
    }
  }

  /** Does what may be done twice, again and again until it works, is refused, or time is up. */
  async insistently<Result>(work: () => Promise<Result>): Promise<Result> {
    const until = this.ports.clock.monotonic() + this.timeoutMs
    for (let attempt = 1; ; attempt += 1) {
      this.checkOpen()
      try {
        return await work()
      } catch (error) {
        if (!this.isTransient(error) || this.ports.clock.monotonic() >= until) {
          throw this.translated(error)
        }
        await this.pause(attempt)
      }
    }
  }

  /** Waits before the next attempt, longer each time. */
  pause(attempt: number): Promise<void> {
    const { timers, random } = this.ports
    return sleep(timers, fullJitter(random, backoff.delayMs(attempt) ?? 0) + 1)
  }

  /** Whether another attempt may succeed: the server is away, is not the leader, or was silent. */
  isTransient(error: unknown): boolean {
    if (isReenactError(error)) {
      if (!isReenactError(error, 'StoreUnavailable')) return false
      return error.details.reason === 'silent' || error.details.reason === 'unreachable'
    }
    return !this.isRefusal(error) && !(error instanceof TypeError || error instanceof RangeError)
  }

  /** Whether the server itself said no, so that the request was certainly not carried out. */
  isRefusal(error: unknown): boolean {
    return refusals.has(String((error as { type?: unknown } | null)?.type))
  }

  /** An error of the client as one of Reenact. */
  translated(error: unknown): ReenactError {
    if (isReenactError(error)) return error
    const { type, streamName = '' } = error as { type?: string; streamName?: string }
    if (type === 'stream-deleted') return streamDeleted(streamName)
    if (type === 'access-denied') return this.unavailable('denied', 'it denies access', error)
    return this.unavailable('unreachable', messageOf(error), error)
  }

  unavailable(
    reason: 'silent' | 'denied' | 'unreachable' | 'clock-skew' | 'too-old',
    what: string,
    cause?: unknown,
  ): ReenactError {
    return new ReenactError(
      'StoreUnavailable',
      `The server at ${this.name} cannot be used: ${what}. ${remedies[reason]}`,
      { store: this.name, reason },
      cause,
    )
  }

  checkOpen(): void {
    if (this.closed) throw this.closedError()
  }

  closedError(): ReenactError {
    return new ReenactError('Closed', `The store ${this.name} is closed. Open a new one.`, {
      what: this.name,
    })
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    await this.#release()
  }
}

const refusals = new Set([
  'wrong-expected-version',
  'stream-deleted',
  'stream-not-found',
  'access-denied',
  'maximum-append-size-exceeded',
  'missing-required-metadata-property',
  'invalid-argument',
])

const remedies = {
  silent: 'Look at the server and the network.',
  unreachable: 'Check that it runs, the address, and tls of the connection string.',
  denied: 'Check name and password in the connection string, and the ACLs of the server.',
  'clock-skew': 'Set the clocks of both machines.',
  'too-old': 'Use EventStoreDB 23.10 or later.',
}

/** The stream was deleted for ever. */
export const streamDeleted = (stream: string): ReenactError =>
  new ReenactError('StreamDeleted', `Stream '${stream}' is tombstoned. Use another stream.`, {
    stream,
    tombstoned: true,
  })

/** A client in use. */
export interface SharedClient {
  readonly client: EventStoreDBClient
  readonly library: typeof Library
  release(): Promise<void>
}

let inUse:
  | { readonly address: string; readonly client: EventStoreDBClient; users: number }
  | undefined

/**
 * The client for an address. The library keeps the appends of all clients of a process in one table, so that one
 * server's failure would be taken for another's: a second address has to wait until the first is closed.
 */
export async function acquireClient(address: string): Promise<SharedClient> {
  const library = await import('@eventstore/db-client')
  checkAddress(address)
  if (inUse && inUse.address !== address) {
    throw invalidOption(
      'store',
      'this process is connected to another EventStoreDB already',
      'Close that store first, or use another process',
    )
  }
  inUse ??= { address, client: open(library, address), users: 0 }
  const mine = inUse
  mine.users += 1
  return {
    client: mine.client,
    library,
    release: async () => {
      mine.users -= 1
      if (mine.users > 0) return
      if (inUse === mine) inUse = undefined
      await mine.client.dispose()
    },
  }
}

function open(library: typeof Library, address: string): EventStoreDBClient {
  try {
    return library.EventStoreDBClient.connectionString(address)
  } catch {
    // The library's message may hold the password.
    throw invalidOption(
      'store',
      'it is no connection string of EventStoreDB',
      "Give one such as 'esdb://host:2113?tls=true'",
    )
  }
}

/** Refuses what would fail later in a way that is hard to see. */
function checkAddress(address: string): void {
  const insecure = /[?&]tls=false/i.test(address)
  if (insecure && /^[^:]+:\/\/[^/?]*@/.test(address)) {
    throw invalidOption(
      'store',
      'name and password are not sent over a connection without TLS',
      'Remove them from the connection string, or remove tls=false',
    )
  }
  if (/[?&]throwOnAppendFailure=false/i.test(address)) {
    throw invalidOption(
      'store',
      'throwOnAppendFailure=false hides what became of an append',
      'Remove it from the connection string',
    )
  }
}

/** The address without name, password and options. */
export const nameOf = (address: string): string =>
  address.replace(/^([^:]+:\/\/)(?:[^/?]*@)?([^?]*).*$/s, '$1$2')

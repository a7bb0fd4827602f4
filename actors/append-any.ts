// Appending to streams that many write to: retried until the outcome is definite.

import { type Ports, sleep } from '../runtime/core/clock.ts'
import { isReenactError, ReenactError } from '../runtime/core/errors.ts'
import { exponential, fullJitter } from '../runtime/core/retry-policy.ts'
import type { AppendOutcome, EventStore, EventToAppend } from '../runtime/ports/event-store.ts'

const resend = exponential({ delayMsMin: 10, delayMsMax: 2_000, attemptsMax: 20 })

/** What appending needs. */
export interface AppendAnyDeps {
  readonly store: EventStore
  readonly ports: Ports
}

/** Where the events went. */
export interface Appended {
  readonly revision: number
  readonly position: number
}

/**
 * Appends at the stream's end, whatever that is. After an unknown outcome the same events are sent again and may then be
 * there twice: whoever reads them goes by the command id. Throws why it was refused.
 */
export async function appendAny(
  { store, ports }: AppendAnyDeps,
  stream: string,
  events: readonly EventToAppend[],
): Promise<Appended> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await once(store, stream, events)
    if (outcome.outcome === 'committed') return outcome
    if (outcome.outcome === 'refused') throw outcome.error
    const delayMs = resend.delayMs(attempt)
    if (delayMs === null) throw unknown(stream, 'error' in outcome ? outcome.error : undefined)
    await sleep(ports.timers, fullJitter(ports.random, delayMs))
  }
}

async function once(
  store: EventStore,
  stream: string,
  events: readonly EventToAppend[],
): Promise<AppendOutcome> {
  try {
    return await store.append(stream, events, { expected: 'any', timeNeeded: false })
  } catch (error) {
    if (isReenactError(error, 'Closed')) return { outcome: 'refused', error }
    return { outcome: 'unknown', error }
  }
}

const unknown = (stream: string, cause: unknown): ReenactError =>
  new ReenactError(
    'UnknownOutcome',
    `It is not known whether ${stream} was written. Post again with the same commandId: it is applied at most once.`,
    { actor: stream, commandId: '' },
    cause,
  )

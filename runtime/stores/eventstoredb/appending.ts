// One append through the client, and what became of it: four outcomes, whatever the client says or does not say.

import type { AppendExpectedRevision } from '@eventstore/db-client'
import { ReenactError } from '../../core/errors.ts'
import type { ExpectedRevision } from '../../core/expected-revision.ts'
import type { EventToAppend } from '../../ports/event-store.ts'
import { invalidOption } from '../append-rules.ts'
import { type Connection, streamDeleted } from './connection.ts'
import { toClient } from './event-mapping.ts'

/** What the server said. */
export type Sent =
  | { readonly outcome: 'written'; readonly revision: number; readonly position: number }
  | { readonly outcome: 'conflict'; readonly actual: number }
  | { readonly outcome: 'refused'; readonly error: ReenactError }
  | { readonly outcome: 'unknown'; readonly error: unknown }

/** An expectation no stream can meet: a look at its head that needs the right to append. */
export const impossible = Number.MAX_SAFE_INTEGER

/**
 * Sends an append. Only what the server itself refused counts as refused: the client also fails appends that were
 * never answered, or that belong to another call.
 */
export async function send(
  connection: Connection,
  stream: string,
  events: readonly EventToAppend[],
  expected: ExpectedRevision,
): Promise<Sent> {
  const { clock } = connection.ports
  const begin = clock.monotonic()
  try {
    const given = events.map(toClient)
    const result = await connection.withinTime(
      connection.client.appendToStream(stream, given, {
        expectedRevision: expectedOf(expected),
        deadline: connection.timeoutMs,
        requiresLeader: true,
      }),
    )
    return {
      outcome: 'written',
      revision: Number(result.nextExpectedRevision),
      position: Number(result.position?.commit ?? 0),
    }
  } catch (error) {
    return failed(connection, stream, error, clock.monotonic() - begin)
  }
}

function failed(connection: Connection, stream: string, error: unknown, tookMs: number): Sent {
  const { type, actualVersion, maxAppendSize } = error as {
    type?: string
    actualVersion?: bigint | 'no_stream'
    maxAppendSize?: number
  }
  switch (type) {
    case 'wrong-expected-version':
      return {
        outcome: 'conflict',
        actual: typeof actualVersion === 'bigint' ? Number(actualVersion) : -1,
      }
    case 'stream-deleted':
      return { outcome: 'refused', error: streamDeleted(stream) }
    case 'access-denied':
      return { outcome: 'refused', error: connection.translated(error) }
    case 'maximum-append-size-exceeded':
      return { outcome: 'refused', error: tooLarge(stream, maxAppendSize ?? 0) }
    case 'invalid-argument':
      return { outcome: 'refused', error: invalidOption('events', String(error), 'Correct them') }
    case 'deadline-exceeded':
      // The deadline is a time of our clock: if the server finds it passed so early, the clocks disagree.
      if (tookMs < connection.timeoutMs / 2) return { outcome: 'unknown', error: skew(connection) }
      return { outcome: 'unknown', error }
    default:
      return { outcome: 'unknown', error }
  }
}

const skew = (connection: Connection): ReenactError =>
  connection.unavailable(
    'clock-skew',
    'clock skew suspected: it finds the deadline of a request passed that was just sent',
  )

const tooLarge = (stream: string, limitBytes: number): ReenactError =>
  new ReenactError(
    'TooLarge',
    `The server takes at most ${limitBytes} bytes in one append; the one for '${stream}' has more. Raise MaxAppendSize of the server, or append less at once.`,
    { what: `the append to '${stream}'`, bytes: limitBytes + 1, limitBytes },
  )

function expectedOf(expected: ExpectedRevision): AppendExpectedRevision {
  switch (expected) {
    case 'any':
      return 'any'
    case 'exists':
      return 'stream_exists'
    case 'none':
    case -1:
      return 'no_stream'
    default:
      return BigInt(expected)
  }
}

// Temporary store files and what several tests do with them.

import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { expect } from 'chai'
import type { ErrorCode, ErrorDetails } from '../../../../runtime/core/errors.ts'
import { isReenactError, type ReenactError } from '../../../../runtime/core/errors.ts'
import type {
  AppendOutcome,
  EventStore,
  EventToAppend,
} from '../../../../runtime/ports/event-store.ts'

let files = 0

/** A path nobody used. */
export function freshFile(directory: string): string {
  files += 1
  return join(directory, `store-${files}.db`)
}

/** An event with some content. */
export const event = (n = 0, padding = 0): EventToAppend => ({
  id: randomUUID(),
  type: 'Deposited',
  data: JSON.stringify({ n, text: 'x'.repeat(padding) }),
  metadata: JSON.stringify({ $correlationId: `c-${n}` }),
})

/** Appends one event. */
export const appendOne = (store: EventStore, stream: string, n = 0): Promise<AppendOutcome> =>
  store.append(stream, [event(n)], { expected: 'any' })

/** What the promise failed with: an error of Reenact with this code. */
export async function failure<Code extends ErrorCode>(
  promise: Promise<unknown>,
  code: Code,
): Promise<ReenactError<Code>> {
  try {
    await promise
  } catch (error) {
    expect(isReenactError(error), String(error)).to.equal(true)
    expect((error as ReenactError).code, String(error)).to.equal(code)
    return error as ReenactError<Code>
  }
  throw new Error(`expected ${code}, but it succeeded`)
}

/** The reason a file was refused for. */
export const unreadableReason = async (
  promise: Promise<unknown>,
): Promise<ErrorDetails['StoreUnreadable']['reason']> =>
  (await failure(promise, 'StoreUnreadable')).details.reason

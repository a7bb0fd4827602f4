// What a request expects of its stream, between the protocol and the port.

import { isUtf8 } from 'node:buffer'
import type { ExpectedRevision } from '../core/expected-revision.ts'
import type { StreamPage } from '../ports/event-store.ts'
import {
  type ExpectedOptions,
  empty,
  type StreamIdentifier,
  toNumber,
} from './protocol/messages.ts'
import { invalidArgument } from './rpc-error.ts'

/** The name in an identifier. */
export function streamNameOf(identifier: StreamIdentifier | undefined): string {
  const bytes = identifier?.streamName ?? new Uint8Array()
  if (bytes.length === 0) throw invalidArgument('The request names no stream.')
  // Decoding would make one name of many.
  if (!isUtf8(bytes)) throw invalidArgument('The name of the stream is no UTF-8.')
  return Buffer.from(bytes).toString()
}

/** The port's words for an expectation. Without one anything goes. */
export function expectedOf(options: ExpectedOptions): ExpectedRevision {
  switch (options.expected) {
    case 'revision':
      return toNumber(options.revision)
    case 'noStream':
      return 'none'
    case 'streamExists':
      return 'exists'
    default:
      return 'any'
  }
}

/** The number that stands for an expectation in texts and trailers. */
export const versionOf = (expected: ExpectedRevision): number =>
  typeof expected === 'number' ? expected : { none: -1, any: -2, exists: -4 }[expected]

/** The fields of an answer that repeat the expectation, with the names this kind of answer has for them. */
export function echoOf(
  expected: ExpectedRevision,
  names: { revision: string; none: string; any: string; exists: string },
): object {
  return typeof expected === 'number'
    ? { [names.revision]: expected }
    : { [names[expected]]: empty }
}

/** Whether a stream meets an expectation. */
export function meets({ head, deleted }: StreamPage, expected: ExpectedRevision): boolean {
  const exists = head >= 0 && deleted === 'no'
  if (expected === 'any') return true
  if (expected === 'exists') return exists
  return expected === 'none' ? !exists : expected === head
}

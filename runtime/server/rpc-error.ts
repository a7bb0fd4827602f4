// Errors as clients of the protocol understand them: a status, a sentence, and trailers that say which and what about.

import { Metadata, status } from '@grpc/grpc-js'
import { isReenactError, messageOf } from '../core/errors.ts'
import { batchBytesMax } from '../core/limits.ts'

/** An error that leaves the server. gRPC reads `code`, `details` and `metadata`. */
export class RpcError extends Error {
  readonly code: status
  readonly details: string
  readonly metadata: Metadata

  constructor(code: status, details: string, trailers: Readonly<Record<string, string>> = {}) {
    super(details)
    this.code = code
    this.details = details
    this.metadata = new Metadata()
    for (const [key, value] of Object.entries(trailers)) this.metadata.set(key, ascii(value))
  }
}

/** The request makes no sense. */
export const invalidArgument = (details: string): RpcError =>
  new RpcError(status.INVALID_ARGUMENT, details)

/** The stream is tombstoned. */
export const streamDeleted = (stream: string): RpcError =>
  new RpcError(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, {
    exception: 'stream-deleted',
    'stream-name': stream,
  })

/** Nobody may do this, or not this caller. */
export const accessDenied = (details: string, code = status.PERMISSION_DENIED): RpcError =>
  new RpcError(code, details, { exception: 'access-denied' })

/** An expectation that does not hold, where it is a status. `actual` is -1 for a stream without events. */
export const wrongExpectedVersion = (stream: string, expected: number, actual: number): RpcError =>
  new RpcError(
    status.FAILED_PRECONDITION,
    `Append failed due to WrongExpectedVersion. Stream: ${stream}, Expected version: ${expected}, Actual version: ${actual}`,
    {
      exception: 'wrong-expected-version',
      'stream-name': stream,
      'expected-version': String(expected),
      ...(actual >= 0 && { 'actual-version': String(actual) }),
    },
  )

/** More bytes than one append may have. */
export const maximumAppendSizeExceeded = (bytesMax = batchBytesMax): RpcError =>
  new RpcError(status.INVALID_ARGUMENT, `Maximum Append Size of ${bytesMax} Exceeded.`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': String(bytesMax),
  })

/** The group's consumer ends, though the client did not ask for it. */
export const dropped = (stream: string, group: string): RpcError =>
  new RpcError(status.CANCELLED, `Subscription group ${group} on stream ${stream} was dropped.`, {
    exception: 'persistent-subscription-dropped',
    'stream-name': stream,
    'group-name': group,
  })

/** The group takes no more consumers. */
export const tooManySubscribers = (stream: string, group: string): RpcError =>
  groupError(
    status.FAILED_PRECONDITION,
    'maximum-subscribers-reached',
    `Maximum subscriptions reached for group ${group} on stream ${stream}.`,
    { group, source: stream },
  )

const groupError = (code: status, exception: string, message: string, of: GroupOf): RpcError =>
  new RpcError(code, message, { exception, 'stream-name': of.source, 'group-name': of.group })

interface GroupOf {
  readonly group: string
  readonly source: string
}

/** The server is going down. */
export const shuttingDown = (): RpcError =>
  new RpcError(status.CANCELLED, 'The server is shutting down. Connect again and go on.')

/** What this server does not do. */
export const notImplemented = (details: string): RpcError =>
  new RpcError(status.UNIMPLEMENTED, details)

/** Whatever was thrown, as an error that may leave the server. */
export function rpcErrorOf(error: unknown): RpcError {
  if (error instanceof RpcError) return error
  if (isReenactError(error, 'StreamDeleted')) return streamDeleted(error.details.stream)
  if (isReenactError(error, 'TooLarge')) return maximumAppendSizeExceeded(error.details.limitBytes)
  if (isReenactError(error, 'Closed')) return shuttingDown()
  const { message } = error as Error
  if (isReenactError(error, 'GroupNotFound')) {
    const exception = 'persistent-subscription-does-not-exist'
    return groupError(status.NOT_FOUND, exception, message, error.details)
  }
  if (isReenactError(error, 'GroupExists')) {
    const exception = 'persistent-subscription-exists'
    return groupError(status.ALREADY_EXISTS, exception, message, error.details)
  }
  if (isReenactError(error, 'Overloaded')) {
    return new RpcError(status.RESOURCE_EXHAUSTED, error.message)
  }
  if (isReenactError(error, 'ReadOnly')) return accessDenied(error.message)
  const invalid = ['InvalidOption', 'InvalidName', 'InvalidPayload', 'DuplicateEventId'] as const
  if (invalid.some((code) => isReenactError(error, code))) return invalidArgument(messageOf(error))
  return new RpcError(status.UNKNOWN, messageOf(error))
}

// Trailers carry printable ASCII only.
const ascii = (text: string): string =>
  text.replace(/[^\x20-\x7e]+/gu, (part) => encodeURIComponent(part))

// Streams/BatchAppend: one long call that carries many appends, each answered in the call.

import { status } from '@grpc/grpc-js'
import type { Clock } from '../core/clock.ts'
import type { ExpectedRevision } from '../core/expected-revision.ts'
import { successOf } from './append.ts'
import { echoOf, expectedOf, streamNameOf } from './expectations.ts'
import { ProposedEvents } from './proposed-events.ts'
import {
  type BatchAppendOptions,
  type BatchAppendRequest,
  empty,
  toNumber,
} from './protocol/messages.ts'
import { packed } from './protocol/services.ts'
import { invalidArgument, RpcError, rpcErrorOf } from './rpc-error.ts'
import { uuidOf } from './stored-event.ts'
import type { Appended, StreamWriter } from './stream-writer.ts'

/** Appends of one call that may be on their way at once; then no more is read. */
const inFlightMax = 1_024
/** Appends of one call whose events have not all arrived. */
const unfinishedMax = 128

/** An append of which parts have arrived. */
interface Unfinished {
  readonly options: BatchAppendOptions
  readonly events: ProposedEvents
}

export interface BatchCall {
  write(message: object): boolean
  pause(): unknown
  resume(): unknown
}

/** The appends of one call. */
export class BatchAppends {
  readonly #writer: StreamWriter
  readonly #clock: Clock
  readonly #call: BatchCall
  readonly #checkWrite: (stream: string) => Promise<void>
  readonly #unfinished = new Map<string, Unfinished>()
  #inFlight = 0
  #idle: (() => void) | undefined

  constructor(
    writer: StreamWriter,
    clock: Clock,
    call: BatchCall,
    checkWrite: (stream: string) => Promise<void>,
  ) {
    this.#writer = writer
    this.#clock = clock
    this.#call = call
    this.#checkWrite = checkWrite
  }

  /** Takes a part of an append; the last part sends it off. Throws where the call cannot go on. */
  take(request: BatchAppendRequest): void {
    const correlationId = uuidOf(request.correlationId)
    let append = this.#unfinished.get(correlationId)
    if (!append) {
      if (!request.options) throw invalidArgument(`Append ${correlationId} begins without options.`)
      if (this.#unfinished.size === unfinishedMax) {
        throw new RpcError(
          status.RESOURCE_EXHAUSTED,
          `${unfinishedMax} appends of this call are unfinished. Finish some before beginning others.`,
        )
      }
      append = { options: request.options, events: new ProposedEvents() }
      this.#unfinished.set(correlationId, append)
    }
    for (const message of request.proposedMessages) append.events.add(message)
    if (!request.isFinal) return
    this.#unfinished.delete(correlationId)
    this.#inFlight += 1
    if (this.#inFlight === inFlightMax) this.#call.pause()
    void this.#send(request, append)
  }

  /** Resolves when every append taken so far was answered. */
  settled(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle = resolve
    })
  }

  async #send(request: BatchAppendRequest, append: Unfinished): Promise<void> {
    const { options } = append
    const expected = expectedOf(options)
    let result: object
    try {
      if (this.#isLate(options)) result = { error: timeout }
      else {
        const events = append.events.all()
        const stream = streamNameOf(options.streamIdentifier)
        await this.#checkWrite(stream)
        result = resultOf(await this.#writer.append(stream, events, expected), expected)
      }
    } catch (error) {
      result = { error: errorOf(error, options) }
    }
    this.#call.write({
      correlationId: request.correlationId,
      ...result,
      streamIdentifier: options.streamIdentifier,
      ...echoOf(expected, expectedNames),
    })
    this.#inFlight -= 1
    if (this.#inFlight === inFlightMax - 1) this.#call.resume()
    if (this.#inFlight === 0) this.#idle?.()
  }

  // The deadline is a time of the client's clock: one that is behind by more is late with everything.
  #isLate({ deadlineOption, deadlineAt, deadlineIn }: BatchAppendOptions): boolean {
    if (deadlineOption === 'deadlineAt' && deadlineAt) return msOf(deadlineAt) <= this.#clock.now()
    return deadlineOption === 'deadlineIn' && deadlineIn !== undefined && msOf(deadlineIn) <= 0
  }
}

const expectedNames = { revision: 'revision', none: 'noStream', any: 'any', exists: 'streamExists' }

const msOf = ({ seconds, nanos }: { seconds: Parameters<typeof toNumber>[0]; nanos: number }) =>
  toNumber(seconds) * 1_000 + nanos / 1_000_000

function resultOf(appended: Appended, expected: ExpectedRevision): object {
  if (appended.kind === 'written') return { success: successOf(appended) }
  const { actual } = appended
  const details = packed('WrongExpectedVersion', {
    ...(actual < 0 ? { currentNoStream: empty } : { currentStreamRevision: actual }),
    ...echoOf(expected, {
      revision: 'expectedStreamPosition',
      none: 'expectedNoStream',
      any: 'expectedAny',
      exists: 'expectedStreamExists',
    }),
  })
  return { error: { code: status.FAILED_PRECONDITION, message: 'WrongExpectedVersion', details } }
}

const timeout = { code: status.ABORTED, message: 'Timeout', details: packed('Timeout', empty) }

/** An error as it stands in an answer: its kind is the type of what is packed into it. */
function errorOf(error: unknown, options: BatchAppendOptions): object {
  const { code, details, metadata } = rpcErrorOf(error)
  const { streamIdentifier } = options
  const kind = String(metadata.get('exception')[0] ?? '')
  const size = Number(metadata.get('maximum-append-size')[0] ?? 0)
  const of = (): { typeUrl: string; value: Uint8Array } => {
    if (kind === 'stream-deleted') return packed('StreamDeleted', { streamIdentifier })
    if (kind === 'access-denied') return packed('AccessDenied', empty)
    if (kind === 'maximum-append-size-exceeded') {
      return packed('MaximumAppendSizeExceeded', { maxAppendSize: size })
    }
    if (code === status.ABORTED) return packed('Timeout', empty)
    if (code === status.INVALID_ARGUMENT) return packed('BadRequest', { message: details })
    return packed('Unknown', empty)
  }
  return { code, message: details, details: of() }
}

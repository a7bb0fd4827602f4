// The service for streams: each method of the wire, and what carries it out.

import type {
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
  UntypedServiceImplementation,
} from '@grpc/grpc-js'
import type { Clock } from '../core/clock.ts'
import type { Caller, Identify } from './access.ts'
import { append } from './append.ts'
import { BatchAppends } from './batch-append.ts'
import { expectedOf, streamNameOf } from './expectations.ts'
import type { OpenCalls } from './open-calls.ts'
import type {
  AppendRequest,
  BatchAppendRequest,
  DeleteRequest,
  ReadRequest,
} from './protocol/messages.ts'
import { read, sourceOf } from './read.ts'
import { checkRight } from './rights.ts'
import { invalidArgument, rpcErrorOf } from './rpc-error.ts'
import type { StreamWriter } from './stream-writer.ts'
import { type SubscriptionHost, subscribe } from './subscribe.ts'

export interface StreamsHost extends SubscriptionHost {
  readonly clock: Clock
  readonly identify: Identify
  readonly calls: OpenCalls
}

/** The methods of `event_store.client.streams.Streams`. */
export const streamsService = (host: StreamsHost): UntypedServiceImplementation => ({
  Read: (call: ServerWritableStream<ReadRequest, object>) => {
    void host.calls.run(call, async () => {
      const caller = host.identify(call.metadata)
      const { options } = call.request
      if (!options) throw invalidArgument('The request has no options.')
      await checkRight(host.store, caller, 'read', sourceOf(options))
      if (options.countOption === 'subscription') await subscribe(host, options, call)
      else {
        if (options.streamOption === 'stream') {
          await host.links.catchUp(streamNameOf(options.stream?.streamIdentifier))
        }
        await read(host.store, options, call)
      }
      call.end()
    })
  },
  Append: (call: ServerReadableStream<AppendRequest, object>, answer: sendUnaryData<object>) =>
    reply(answer, () => {
      const caller = host.identify(call.metadata)
      return append(host.writer, call, (stream) => checkRight(host.store, caller, 'write', stream))
    }),
  BatchAppend: (call: ServerDuplexStream<BatchAppendRequest, object>) => batchAppend(host, call),
  Delete: change(host, (writer, stream, expected) => writer.deleteStream(stream, expected)),
  Tombstone: change(host, (writer, stream, expected) => writer.tombstoneStream(stream, expected)),
})

function batchAppend(host: StreamsHost, call: ServerDuplexStream<BatchAppendRequest, object>) {
  let caller: Caller | undefined
  const appends = new BatchAppends(host.writer, host.clock, call, (stream) =>
    checkRight(host.store, caller, 'write', stream),
  )
  void host.calls.run(
    call,
    () =>
      new Promise<void>((resolve, reject) => {
        caller = host.identify(call.metadata)
        call.on('data', (request: BatchAppendRequest) => {
          try {
            appends.take(request)
          } catch (error) {
            reject(error)
          }
        })
        // What was taken is answered before the call ends, unless the client has left.
        call.on('end', () => {
          void appends.settled().then(() => {
            call.end()
            resolve()
          })
        })
        call.on('cancelled', resolve)
      }),
    () => {
      call.pause()
      return appends.settled()
    },
  )
}

const change =
  (
    host: StreamsHost,
    work: (
      writer: StreamWriter,
      stream: string,
      expected: ReturnType<typeof expectedOf>,
    ) => Promise<number>,
  ) =>
  (call: ServerUnaryCall<DeleteRequest, object>, answer: sendUnaryData<object>) =>
    reply(answer, async () => {
      const caller = host.identify(call.metadata)
      const { options } = call.request
      if (!options) throw invalidArgument('The request has no options.')
      const stream = streamNameOf(options.streamIdentifier)
      await checkRight(host.store, caller, 'delete', stream)
      const position = await work(host.writer, stream, expectedOf(options))
      return { position: { commitPosition: position, preparePosition: position } }
    })

/** Answers a call with one message, or with the error of making it. */
export async function reply(
  answer: sendUnaryData<object>,
  make: () => Promise<object> | object,
): Promise<void> {
  try {
    answer(null, await make())
  } catch (error) {
    answer(rpcErrorOf(error))
  }
}

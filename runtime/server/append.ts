// Streams/Append: one stream of messages, the first says where, the others are the events.

import type { ServerReadableStream } from '@grpc/grpc-js'
import { batchBytesMax } from '../core/limits.ts'
import type { EventToAppend } from '../ports/event-store.ts'
import { echoOf, expectedOf, streamNameOf } from './expectations.ts'
import { type AppendRequest, type ExpectedOptions, empty } from './protocol/messages.ts'
import { invalidArgument, maximumAppendSizeExceeded } from './rpc-error.ts'
import { toStored } from './stored-event.ts'
import type { Appended, StreamWriter } from './stream-writer.ts'

/** Reads the request to its end, appends and answers. */
export async function append(
  writer: StreamWriter,
  call: AsyncIterable<AppendRequest> &
    Pick<ServerReadableStream<AppendRequest, object>, 'cancelled'>,
  checkWrite: (stream: string) => Promise<void>,
): Promise<object> {
  let options: ExpectedOptions | undefined
  const events: EventToAppend[] = []
  let bytes = 0
  for await (const request of call) {
    if (request.content === 'options') options = request.options
    else if (request.proposedMessage) {
      const { proposedMessage } = request
      bytes += proposedMessage.data.length + proposedMessage.customMetadata.length
      if (bytes > batchBytesMax) throw maximumAppendSizeExceeded()
      events.push(toStored(proposedMessage))
    }
  }
  if (!options) throw invalidArgument('The request does not say which stream to append to.')
  const expected = expectedOf(options)
  const stream = streamNameOf(options.streamIdentifier)
  await checkWrite(stream)
  const appended = await writer.append(stream, events, expected)
  if (appended.kind === 'written') return { success: successOf(appended) }
  return {
    wrongExpectedVersion: {
      ...(appended.actual < 0 ? { currentNoStream: empty } : { currentRevision: appended.actual }),
      ...echoOf(expected, {
        revision: 'expectedRevision',
        none: 'expectedNoStream',
        any: 'expectedAny',
        exists: 'expectedStreamExists',
      }),
    },
  }
}

/** Where an append went. */
export const successOf = ({
  revision,
  position,
}: Extract<Appended, { kind: 'written' }>): object => ({
  // Always the same shape: this is encoded for every append.
  currentRevision: revision < 0 ? undefined : revision,
  noStream: revision < 0 ? empty : undefined,
  position: position > 0 ? { commitPosition: position, preparePosition: position } : undefined,
  noPosition: position > 0 ? undefined : empty,
})

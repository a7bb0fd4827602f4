// Streams/Append: one stream of messages, the first says where, the others are the events.

import type { ServerReadableStream } from '@grpc/grpc-js'
import { echoOf, expectedOf, streamNameOf } from './expectations.ts'
import { ProposedEvents } from './proposed-events.ts'
import { type AppendRequest, type ExpectedOptions, empty } from './protocol/messages.ts'
import { invalidArgument } from './rpc-error.ts'
import type { Appended, StreamWriter } from './stream-writer.ts'

/** Reads the request to its end, appends and answers. */
export async function append(
  writer: StreamWriter,
  call: AsyncIterable<AppendRequest> &
    Pick<ServerReadableStream<AppendRequest, object>, 'cancelled'>,
  checkWrite: (stream: string) => Promise<void>,
): Promise<object> {
  let options: ExpectedOptions | undefined
  const events = new ProposedEvents()
  for await (const request of call) {
    if (request.content === 'options') options = request.options
    else if (request.proposedMessage) events.add(request.proposedMessage)
    events.check()
  }
  if (!options) throw invalidArgument('The request does not say which stream to append to.')
  const expected = expectedOf(options)
  const stream = streamNameOf(options.streamIdentifier)
  await checkWrite(stream)
  const appended = await writer.append(stream, events.all(), expected)
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

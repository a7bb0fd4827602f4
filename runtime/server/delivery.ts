// An event as it is sent to a reader, straight to bytes. The same for streams and groups:
//
//   message ReadResp { ReadEvent event = 1; … }
//   message ReadEvent { RecordedEvent event = 1; RecordedEvent link = 2; uint64 commit_position = 3; int32 retry_count = 5; }
//   message RecordedEvent {
//     UUID id = 1; StreamIdentifier stream_identifier = 2; uint64 stream_revision = 3; uint64 prepare_position = 4;
//     uint64 commit_position = 5; map<string, string> metadata = 6; bytes custom_metadata = 7; bytes data = 8;
//   }

import type { RecordedEvent } from '../ports/event-store.ts'
import { BackwardsWriter, contentTag, numberTag } from './protocol/backwards-writer.ts'
import { encodedUuid } from './protocol/services.ts'
import { contentOf, uuidMessage } from './stored-event.ts'

/** An event; or a link, with the event it points at unless that is gone. */
export interface Delivery {
  readonly event: RecordedEvent | undefined
  readonly link: RecordedEvent | undefined
}

/** A delivery as a message. `retries` is how often it was delivered before; only groups tell. */
export function encodeDelivery(
  { event, link }: Delivery,
  structured: boolean,
  retries?: number,
): Buffer {
  const writer = new BackwardsWriter(bytesMaxOf(event) + bytesMaxOf(link))
  const end = writer.at
  if (retries !== undefined) writer.number(numberTag(5), retries)
  writer.number(numberTag(3), (link ?? event)?.position ?? 0)
  if (link) writeEvent(writer, contentTag(2), link, structured)
  if (event) writeEvent(writer, contentTag(1), event, structured)
  writer.message(contentTag(1), end)
  return writer.taken()
}

function writeEvent(
  writer: BackwardsWriter,
  tag: number,
  event: RecordedEvent,
  structured: boolean,
): void {
  const { id, stream, revision, position, type, recordedAt } = event
  const { data, metadata, contentType } = contentOf(event)
  const end = writer.at
  writer.content(contentTag(8), data)
  writer.content(contentTag(7), metadata)
  writeEntry(writer, 'content-type', contentType)
  // Ticks of 100 ns since the epoch.
  writeEntry(writer, 'created', `${recordedAt}0000`)
  writeEntry(writer, 'type', type)
  writer.number(numberTag(5), position)
  writer.number(numberTag(4), position)
  writer.number(numberTag(3), revision)
  const streamEnd = writer.at
  writer.content(contentTag(3), stream)
  writer.message(contentTag(2), streamEnd)
  if (structured) writer.content(contentTag(1), encodedUuid(uuidMessage(id, true)))
  else {
    const idEnd = writer.at
    writer.content(contentTag(2), id)
    writer.message(contentTag(1), idEnd)
  }
  writer.message(tag, end)
}

function writeEntry(writer: BackwardsWriter, key: string, value: string): void {
  const end = writer.at
  writer.content(contentTag(2), value)
  writer.content(contentTag(1), key)
  writer.message(contentTag(6), end)
}

/** What an event takes beside its texts. */
const overhead = 512

// A UTF-16 unit takes at most three bytes; what is kept as base64 takes less than its text.
const bytesMaxOf = (event: RecordedEvent | undefined): number =>
  event === undefined
    ? overhead
    : overhead +
      3 * (event.stream.length + event.type.length + event.data.length + event.metadata.length)

// Events between the protocol, which has bytes and a content type, and the store, which has text.
//
// JSON is stored as it came, so that a runtime on the same store reads it. Everything else stands in an envelope
// of JSON with its bytes in base64. Links are text of their own kind.

import { isUtf8 } from 'node:buffer'
import { status } from '@grpc/grpc-js'
import { validate } from 'uuid'
import type { EventToAppend, RecordedEvent } from '../ports/event-store.ts'
import type { ProposedMessage, UuidMessage } from './protocol/messages.ts'
import { invalidArgument, RpcError } from './rpc-error.ts'

/** The type of an event that points at another one: its data is `revision@stream`. */
export const linkType = '$>'

const json = 'application/json'
const binary = 'application/octet-stream'
const envelope = '{"$reenact.bytes":"'

/** The text of an identifier. */
export function uuidOf(message: UuidMessage | undefined): string {
  const id =
    message?.value === 'structured'
      ? hexOf(message.structured?.mostSignificantBits) +
        hexOf(message.structured?.leastSignificantBits)
      : (message?.string ?? '').toLowerCase()
  const text = id.length === 32 ? id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') : id
  if (validate(text)) return text
  throw invalidArgument(`'${id}' is no UUID. Give each event an id of its own.`)
}

/** An identifier as the client asked for it. */
export const uuidMessage = (id: string, structured: boolean): object => {
  if (!structured) return { string: id }
  const hex = id.replaceAll('-', '')
  return {
    structured: {
      mostSignificantBits: String(BigInt.asIntN(64, BigInt(`0x${hex.slice(0, 16)}`))),
      leastSignificantBits: String(BigInt.asIntN(64, BigInt(`0x${hex.slice(16)}`))),
    },
  }
}

/** A proposed event as the store takes it. Throws for one without id, type or content type. */
export function toStored({ id, metadata, data, customMetadata }: ProposedMessage): EventToAppend {
  const type = metadata['type']
  const contentType = metadata['content-type']
  if (type === undefined || contentType === undefined) {
    const missing = type === undefined ? 'type' : 'content-type'
    throw new RpcError(
      status.INVALID_ARGUMENT,
      `Required Metadata Property '${missing}' is missing`,
      {
        exception: 'missing-required-metadata-property',
        'required-metadata-properties': 'type,content-type',
      },
    )
  }
  if (contentType !== json && contentType !== binary) {
    throw invalidArgument(`'${contentType}' is no content type. Use ${json} or ${binary}.`)
  }
  const plain = type === linkType ? binary : json
  return {
    id: uuidOf(id),
    type,
    data: textOf(data, contentType, plain),
    metadata: customMetadata.length === 0 ? '' : textOf(customMetadata, json, json),
  }
}

/** What a recorded event holds, as it was given by a client. */
export function contentOf({ type, data, metadata }: RecordedEvent): {
  readonly data: string | Buffer
  readonly metadata: string | Buffer
  readonly contentType: string
} {
  const { content, contentType } = opened(data, type === linkType ? binary : json)
  return { data: content, metadata: opened(metadata, json).content, contentType }
}

function textOf(given: Uint8Array, contentType: string, plain: string): string {
  // What is empty does not travel, and is then decoded as a plain array.
  const bytes =
    given.length === 0
      ? Buffer.alloc(0)
      : Buffer.from(given.buffer, given.byteOffset, given.byteLength)
  if (contentType === plain && isUtf8(bytes)) {
    const text = bytes.toString()
    // A store frames events with U+001F and takes no NUL; valid JSON has neither.
    if (!text.includes('\0') && !text.includes('\x1f') && !text.startsWith(envelope)) return text
  }
  return `${envelope}${contentType}","base64":"${bytes.toString('base64')}"}`
}

function opened(text: string, plain: string): { content: string | Buffer; contentType: string } {
  if (!text.startsWith(envelope)) return { content: text, contentType: plain }
  const typeEnd = text.indexOf('"', envelope.length)
  const base64 = text.slice(typeEnd + '","base64":"'.length, -'"}'.length)
  return {
    content: Buffer.from(base64, 'base64'),
    contentType: text.slice(envelope.length, typeEnd),
  }
}

const hexOf = (bits: unknown): string =>
  BigInt.asUintN(64, BigInt(String(bits ?? 0)))
    .toString(16)
    .padStart(16, '0')

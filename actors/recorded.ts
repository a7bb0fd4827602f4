// An event's identity: its hash and its id.
//
// The hash covers stream, revision, type, data and metadata, and the metadata holds the hash before it: so the
// hashes are a chain, and the id, made of the hash's first bytes, is the same only for the same bytes.

import { hash as sha256 } from 'node:crypto'
import { ReenactError } from '../runtime/core/errors.ts'
import type { EventToAppend, RecordedEvent } from '../runtime/ports/event-store.ts'

interface Hashed {
  readonly stream: string
  readonly revision: number
  readonly type: string
  readonly data: string
  readonly metadata: string
}

/** SHA-256 in hex. Lengths before contents: no two events have the same text. */
const hashText = ({ stream, revision, type, data, metadata }: Hashed): string =>
  sha256(
    'sha256',
    `${stream}\n${revision}\n${type.length} ${data.length}\n${type}\n${data}\n${metadata}`,
    'hex',
  )

const variants = '89ab'

/** UUID version 8: custom, name-based on SHA-256. */
const idText = (hash: string): string => {
  const variant = variants[Number.parseInt(hash[16] as string, 16) & 3]
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-${variant}${hash.slice(17, 20)}-${hash.slice(20, 32)}`
}

/** Gives an event its id and the hash that the next one will hold. */
export function identify(event: Hashed): { readonly event: EventToAppend; readonly hash: string } {
  const hash = hashText(event)
  const { type, data, metadata } = event
  return { event: { id: idText(hash), type, data, metadata }, hash }
}

/** The hash of an event in the log, and whether its id agrees. */
export function hashOf(event: RecordedEvent): {
  readonly hash: string
  readonly idMatches: boolean
} {
  const hash = hashText(event)
  return { hash, idMatches: idText(hash) === event.id }
}

/** A hash that is there must be right: a wrong one is fatal for the actor. */
export function wrongHash(event: RecordedEvent, what: string): ReenactError {
  const { stream, revision } = event
  return new ReenactError(
    'CorruptEvent',
    `${stream}@${revision} was changed after it was written: ${what}. Restore it from a backup; the other actors go on.`,
    { stream, revision, check: 'hash' },
  )
}

// Checksums: every row carries one, and nothing leaves the store whose checksum does not fit.

import { crc32 } from 'node:zlib'
import { ReenactError } from '../../core/errors.ts'
import { wholeNumber } from '../../core/whole-number.ts'
import type { EventToAppend, RecordedEvent } from '../../ports/event-store.ts'
import type { EventRow } from './statements.ts'

/** Stands between the parts of an event's text. */
export const separator = '\x1f'

/** What is needed of a stream to read its events. */
export interface EventOwner {
  readonly name: string
  readonly seed: number
}

/** Where the checksums of a stream's events begin, so that they cover its name. */
export const streamSeed = (stream: string): number => crc32(stream + separator)

/**
 * An event with its place as one text. No part holds the separator, so no two events share a text. Many columns
 * instead of one would cost twice as much, written and read.
 */
export const textOf = (
  revision: number,
  position: number,
  recordedAt: number,
  { id, type, data, metadata }: EventToAppend,
): string =>
  `${revision}\x1f${position}\x1f${recordedAt}\x1f${id}\x1f${type}\x1f${data}\x1f${metadata}`

/** The text of an event as the file has it: its checksum first. */
export const framed = (text: string, seed: number): string => `${crc32(text, seed)}\x1f${text}`

/** The checksum of a list of texts and numbers. */
export const frameCrc = (parts: readonly (string | number)[]): number =>
  crc32(JSON.stringify(parts))

/** Checks an event that is not wanted, and answers its position. Throws `CorruptEvent`. */
export function checkedPosition({ name, seed }: EventOwner, [frame]: EventRow): number {
  const revisionEnd = checkFrame(name, seed, frame)
  return wholeNumber(frame, revisionEnd + 1, frame.indexOf(separator, revisionEnd + 1))
}

/** The type of an event before anything is checked. */
export function typeOf(frame: string): string {
  let start = 0
  for (let part = 0; part < 5; part += 1) start = frame.indexOf(separator, start) + 1
  return frame.slice(start, frame.indexOf(separator, start))
}

/** Whether the checksum that stands before `crcEnd` is that of what follows it, up to `end`. */
export const isIntact = (
  text: string,
  start: number,
  crcEnd: number,
  end: number,
  seed: number,
): boolean => crc32(text.slice(crcEnd + 1, end), seed) === wholeNumber(text, start, crcEnd)

/** Compares the checksum, and answers where the revision ends. */
function checkFrame(name: string, seed: number, frame: string, expected?: number): number {
  if (typeof frame !== 'string') throw corruptEvent(name, expected ?? -1)
  const crcEnd = frame.indexOf(separator)
  const revisionEnd = frame.indexOf(separator, crcEnd + 1)
  if (isIntact(frame, 0, crcEnd, frame.length, seed)) return revisionEnd
  throw corruptEvent(name, expected ?? wholeNumber(frame, crcEnd + 1, revisionEnd))
}

/** The event of a row, checked. `expected` is the revision to complain about. Throws `CorruptEvent`. */
export function eventOf(
  { name, seed }: EventOwner,
  [frame]: EventRow,
  expected?: number,
): RecordedEvent {
  const revisionEnd = checkFrame(name, seed, frame, expected)
  const positionEnd = frame.indexOf(separator, revisionEnd + 1)
  const timeEnd = frame.indexOf(separator, positionEnd + 1)
  const idEnd = frame.indexOf(separator, timeEnd + 1)
  const typeEnd = frame.indexOf(separator, idEnd + 1)
  const dataEnd = frame.indexOf(separator, typeEnd + 1)
  return {
    stream: name,
    revision: wholeNumber(frame, frame.indexOf(separator) + 1, revisionEnd),
    position: wholeNumber(frame, revisionEnd + 1, positionEnd),
    id: frame.slice(timeEnd + 1, idEnd),
    type: frame.slice(idEnd + 1, typeEnd),
    data: frame.slice(typeEnd + 1, dataEnd),
    metadata: frame.slice(dataEnd + 1),
    recordedAt: Number(frame.slice(positionEnd + 1, timeEnd)),
  }
}

/** An event that is not as it was written. */
export const corruptEvent = (stream: string, revision: number): ReenactError =>
  new ReenactError(
    'CorruptEvent',
    `Event ${revision} of '${stream}' does not match its checksum: the disk changed it. Restore the file from a backup.`,
    { stream, revision, check: 'crc32' },
  )

/** Events are missing in the middle of a stream. */
export const revisionGap = (stream: string, expected: number, found: number): ReenactError =>
  new ReenactError(
    'RevisionGap',
    `'${stream}' lacks event ${expected}: ${found} comes in its place. Restore the file from a backup.`,
    { stream, expected, found },
  )

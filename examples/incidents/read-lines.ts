// A text file, gzipped or not, line by line, however large; and the fingerprint of its bytes.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'

/** One line and how far into the file reading has come. */
export interface TextLine {
  /** From 1. */
  readonly number: number
  /** Empty where the line is too long. */
  readonly text: string
  /** It has more than {@link lineCharsMax} characters: what they were is not kept. */
  readonly tooLong: boolean
  /** Share of the file that was read, 0 to 1. */
  readonly progress: number
}

/** The file cannot be read to its end; the lines before were yielded. */
export class UnreadableFile extends Error {}

/** Small, so that `progress` moves evenly in a compressed file. */
const chunkBytes = 16 * 1024
/** A file without line breaks must not end up in memory. */
export const lineCharsMax = 1024 * 1024

/** Yields the lines of a file. It is pulled: nothing is read ahead of the consumer but one chunk. */
export async function* readLines(path: string): AsyncGenerator<TextLine> {
  const { size } = await stat(path)
  const file = createReadStream(path, { highWaterMark: chunkBytes })
  // The callback is empty because a failure of either stream also ends the iteration below.
  const source = path.endsWith('.gz') ? pipeline(file, createGunzip(), () => {}) : file
  source.setEncoding('utf8')
  let number = 0
  let rest = ''
  let restTooLong = false
  const line = (text: string): TextLine => {
    number += 1
    const tooLong = restTooLong || text.length > lineCharsMax
    restTooLong = false
    const kept = tooLong ? '' : text.endsWith('\r') ? text.slice(0, -1) : text
    return { number, text: kept, tooLong, progress: size > 0 ? file.bytesRead / size : 1 }
  }
  try {
    for await (const chunk of source as AsyncIterable<string>) {
      const texts = (rest + chunk).split('\n')
      rest = texts.pop() ?? ''
      for (const text of texts) yield line(text)
      restTooLong ||= rest.length > lineCharsMax
      if (restTooLong) rest = ''
    }
  } catch (error) {
    const { message } = error as Error
    const what = `${path} cannot be read after line ${number}: ${message}`
    throw new UnreadableFile(what, { cause: error })
  }
  if (rest !== '' || restTooLong) yield line(rest)
}

/** SHA-256 of the file as it lies there. */
export async function fingerprintOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

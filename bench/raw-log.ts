// What the disk allows at most: a file that is appended to and synced, with nothing around it.

import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { type Figure, rate } from './measure.ts'

/** Records of the size of a small event. */
const recordOf = (stream: number, revision: number): string =>
  `${JSON.stringify({ stream: `account-a${stream}`, revision, id: '70fee2ea-d253-869e-b98f-4edd2da2e5b5', type: 'Deposited', data: { amount: 1 }, time: 1_700_000_000_000 })}\n`

/** A log whose waiting appends share one write and one sync. It checks nothing and finds nothing. */
class RawLog {
  readonly #descriptor: number
  #waiting: string[] = []
  #answers: (() => void)[] = []

  constructor(file: string) {
    this.#descriptor = openSync(file, 'a')
  }

  append(record: string): Promise<void> {
    return new Promise((resolve) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#flush())
      this.#waiting.push(record)
      this.#answers.push(resolve)
    })
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  #flush(): void {
    const [records, answers] = [this.#waiting, this.#answers]
    this.#waiting = []
    this.#answers = []
    writeSync(this.#descriptor, records.join(''))
    fdatasyncSync(this.#descriptor)
    for (const answer of answers) answer()
  }
}

/** Appends so many records with so many in flight. */
export async function rawLogRate(file: string, count: number, inFlight: number): Promise<Figure> {
  const log = new RawLog(file)
  let next = 0
  const client = async (): Promise<void> => {
    while (next < count) {
      next += 1
      await log.append(recordOf(next % 1_000, Math.floor(next / 1_000)))
    }
  }
  const figure = await rate(count, async () => {
    await Promise.all(Array.from({ length: inFlight }, client))
  })
  log.close()
  return figure
}

/** Writes one block after another into a file that has its size already, each synced. */
export function preallocatedRate(file: string, count: number): Promise<Figure> {
  const block = Buffer.alloc(256, 'x')
  const descriptor = openSync(file, 'w')
  for (let at = 0; at < count; at += 1) writeSync(descriptor, block, 0, block.length, at * 256)
  fdatasyncSync(descriptor)
  const figure = rate(count, () => {
    for (let at = 0; at < count; at += 1) {
      writeSync(descriptor, block, 0, block.length, at * 256)
      fdatasyncSync(descriptor)
    }
  })
  return figure.finally(() => closeSync(descriptor))
}

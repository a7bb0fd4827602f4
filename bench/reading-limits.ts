// What limits reading: JSON, rows, checksums, and nothing made of them.

import { crc32 } from 'node:zlib'
import { DatabaseSync } from '@photostructure/sqlite'
import { createRuntime } from '../runtime/index.ts'
import { guardedReads } from './guarantees.ts'
import { type Figure, rate } from './measure.ts'

/** Data of events as JSON texts of their own, `{"type":"Deposited","amount":1}`. */
async function textsOf(file: string, count: number): Promise<string[]> {
  const runtime = await createRuntime({ store: `file:${file}?mode=ro`, actors: [] })
  const texts: string[] = []
  for (let after = 0; texts.length < count; ) {
    const page = await runtime.store.readAll({ after, limit: 4096 })
    for (const { type, data } of page.events) texts.push(`{"type":"${type}",${data.slice(1)}`)
    after = page.position
  }
  await runtime.close()
  return texts
}

/** `JSON.parse` of events that are in memory. */
export async function parse(file: string, count: number): Promise<Figure> {
  const texts = await textsOf(file, count)
  return rate(count, () => {
    let types = 0
    for (const text of texts) types += JSON.parse(text).type.length
    if (types === 0) throw new Error('nothing was parsed')
  })
}

/** The events of the first stream: row, checksum, parts and `JSON.parse`. */
export const rowsParsed = (file: string, count: number): Promise<Figure> =>
  rate(count, () => {
    const read = guardedReads(file, count)
    if (read !== count) throw new Error(`read ${read}`)
  })

/** Rows of the log and their checksums, page by page: nothing is looked at, nothing made of them. */
export async function rowsAlone(file: string, count: number): Promise<Figure> {
  const database = new DatabaseSync(file, { readOnly: true })
  const page = database.prepare(
    'SELECT frame, stream FROM events WHERE position > ? ORDER BY position LIMIT 512',
  )
  page.setReturnArrays(true)
  let sum = 0
  const figure = await rate(count, () => {
    for (let position = 0; position < count; ) {
      const rows = page.all(position) as unknown as readonly [frame: string, stream: number][]
      for (const [frame] of rows) sum ^= crc32(frame)
      position += rows.length
    }
  })
  database.close()
  if (sum === 0) throw new Error('nothing was read')
  return figure
}

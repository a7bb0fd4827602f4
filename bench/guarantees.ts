// What the promises alone cost: ids, hashes, checksums and rows as Reenact writes and reads them, without an actor.

import { DatabaseSync } from '@photostructure/sqlite'
import { identify } from '../actors/recorded.ts'
import { copyOf, encode, payloadHash } from '../runtime/codec/codec.ts'
import { writeMetadata } from '../runtime/codec/metadata.ts'
import { systemPorts } from '../runtime/core/clock.ts'
import { createIds } from '../runtime/core/ids.ts'
import { eventOf, framed, streamSeed, textOf } from '../runtime/stores/sqlite/event-row.ts'
import { insertRows, prepareStatements } from '../runtime/stores/sqlite/statements.ts'

/** Writes `count` events of so many streams, `batch` a transaction, with everything a reader relies on. */
export function guardedInserts(file: string, streams: number, count: number, batch: number): void {
  const database = new DatabaseSync(file)
  database.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16384;
     CREATE TABLE events (position INTEGER PRIMARY KEY, stream INTEGER NOT NULL, frame TEXT NOT NULL) STRICT`,
  )
  const row = '(?, ?, ?)'
  const insert = (rows: number) =>
    database.prepare(`INSERT INTO events VALUES ${Array(rows).fill(row).join(', ')}`)
  const inserts = { width: 3, one: insert(1), many: insert(32) }
  const newId = createIds(systemPorts.clock, systemPorts.random)
  const all = Array.from({ length: streams }, (_, id) => {
    const name = `account-a${id}`
    return { id, name, seed: streamSeed(name), revision: -1, hash: '' }
  })
  for (let position = 1; position <= count; ) {
    const rows: (number | string)[] = []
    for (let at = 0; at < batch && position <= count; at += 1, position += 1) {
      const stream = all[position % streams] as (typeof all)[number]
      const time = systemPorts.clock.now()
      const commandId = newId()
      const { canonicalText } = copyOf({ type: 'deposit', amount: position })
      const metadata = writeMetadata({
        schemaVersion: 1,
        time,
        commandId,
        late: false,
        payloadHash: payloadHash(canonicalText),
        $correlationId: commandId,
        $causationId: commandId,
        writer: '82a4bfc1baaa',
        previousHash: stream.hash,
        traceparent: undefined,
        commandRevision: -1,
        custom: undefined,
      })
      const data = encode({ amount: position })
      stream.revision += 1
      const { name, revision } = stream
      const made = identify({ stream: name, revision, type: 'Deposited', data, metadata })
      stream.hash = made.hash
      const text = textOf(revision, position, time, made.event)
      rows.push(position, stream.id, framed(text, stream.seed))
    }
    database.exec('BEGIN IMMEDIATE')
    insertRows(inserts, rows)
    database.exec('COMMIT')
  }
  database.close()
}

/** Reads the events of the first stream of a store file: row, checksum, parts, and its data parsed. Answers how many. */
export function guardedReads(file: string, count: number): number {
  const database = new DatabaseSync(file, { readOnly: true })
  const { streamForwards, streamById } = prepareStatements(database)
  const [, name]: [number, string] = streamById.get(1)
  const owner = { name, seed: streamSeed(name) }
  const page = 512
  let read = 0
  for (let from = 0; from < count; from += page) {
    for (const row of streamForwards.all(1, from, Math.min(count, from + page))) {
      const { type, data } = eventOf(owner, row)
      if (JSON.parse(`{"type":"${type}",${data.slice(1)}`).type === type) read += 1
    }
  }
  database.close()
  return read
}

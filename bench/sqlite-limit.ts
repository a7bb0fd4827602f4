// What SQLite allows at most: bare rows with the same durability, size and number a transaction.

import { hash } from 'node:crypto'
import { DatabaseSync } from '@photostructure/sqlite'

const data = '{"amount":1}'
const metadata = JSON.stringify({
  $correlationId: '019a1fc4-1de9-7000-82a4-bfc1baaa3b08',
  $causationId: '019a1fc4-1de9-7000-82a4-bfc1baaa3b08',
  commandId: '019a1fc4-1de9-7000-82a4-bfc1baaa3b08',
  payloadHash: 'n4bQgYhMfWWaL-qgxVrQFa',
  schemaVersion: 1,
  writer: '82a4bfc1baaa',
  time: 1_700_000_000_000,
  previousHash: hash('sha256', 'before', 'hex'),
})

/** Inserts `count` rows of the size of one event, `batch` a transaction, each commit synchronous. */
export function rawInserts(file: string, count: number, batch: number): void {
  const database = new DatabaseSync(file)
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4096',
  )
  database.exec(
    `CREATE TABLE events (position INTEGER PRIMARY KEY, stream INTEGER, revision INTEGER, id TEXT, type TEXT,
       data TEXT, metadata TEXT, recorded_at INTEGER, crc INTEGER) STRICT;
     CREATE UNIQUE INDEX events_by_stream ON events (stream, revision);`,
  )
  const insert = database.prepare(
    'INSERT INTO events (stream, revision, id, type, data, metadata, recorded_at, crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  )
  for (let row = 0; row < count; ) {
    database.exec('BEGIN IMMEDIATE')
    for (let inBatch = 0; inBatch < batch && row < count; inBatch += 1, row += 1) {
      const id = `70fee2ea-d253-869e-b98f-${String(row).padStart(12, '0')}`
      insert.run(row % 1000, Math.floor(row / 1000), id, 'Deposited', data, metadata, 1.7e12, 12345)
    }
    database.exec('COMMIT')
  }
  database.close()
}

// All SQL on the tables, prepared once for each connection.

import type { Database } from './schema.ts'

/** A row of `events` as one text, see `frame`, and its stream's id where asked for. */
export type EventRow = [frame: string, stream: number]

/** A row of `streams`. */
export type StreamRow = [id: number, name: string, category: string, rules: string, crc: number]

/** A row of `state` without its key. */
export type StateRow = [value: string, revision: number, crc: number]

const eventColumns = 'position, revision, recorded_at, crc, id, type, data, metadata, stream'
// The checksum, then exactly what it covers besides the stream's name: see event-row.ts.
const frame = 'concat_ws(char(31), crc, revision, position, recorded_at, id, type, data, metadata)'
const streamColumns = 'id, name, category, rules, crc'

/** The statements. Rows are arrays: objects cost a third more. */
export function prepareStatements(database: Database) {
  const prepare = (sql: string) => {
    const statement = database.prepare(sql)
    statement.setReturnArrays(true)
    return statement
  }
  return {
    insertEvent: prepare(`INSERT INTO events (${eventColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    streamForwards: prepare(
      `SELECT ${frame} FROM events WHERE stream = ? AND revision >= ? ORDER BY revision LIMIT ?`,
    ),
    streamBackwards: prepare(
      `SELECT ${frame} FROM events WHERE stream = ? AND revision <= ? ORDER BY revision DESC LIMIT ?`,
    ),
    logForwards: prepare(
      `SELECT ${frame}, stream FROM events WHERE position > ? ORDER BY position LIMIT ?`,
    ),
    logBackwards: prepare(
      `SELECT ${frame}, stream FROM events WHERE position < ? ORDER BY position DESC LIMIT ?`,
    ),
    logEnd: prepare('SELECT max(position) FROM events'),
    headOf: prepare('SELECT revision FROM events WHERE stream = ? ORDER BY revision DESC LIMIT 1'),

    insertStream: prepare('INSERT INTO streams (name, category, rules, crc) VALUES (?, ?, ?, ?)'),
    updateRules: prepare('UPDATE streams SET rules = ?, crc = ? WHERE id = ?'),
    streamByName: prepare(`SELECT ${streamColumns} FROM streams WHERE name = ?`),
    streamById: prepare(`SELECT ${streamColumns} FROM streams WHERE id = ?`),
    namesOfCategory: prepare(
      'SELECT name FROM streams WHERE category = ? AND name > ? ORDER BY name LIMIT ?',
    ),

    putState: prepare(
      `INSERT INTO state (key, value, revision, crc) VALUES (?, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision, crc = excluded.crc`,
    ),
    deleteState: prepare('DELETE FROM state WHERE key = ?'),
    stateOf: prepare('SELECT value, revision, crc FROM state WHERE key = ?'),
    // Only what has a successor that is a safe integer too: the driver throws for anything larger.
    stateRevisionOf: prepare(
      `SELECT revision FROM state WHERE key = ? AND typeof(revision) = 'integer'
       AND revision BETWEEN 0 AND ${Number.MAX_SAFE_INTEGER - 1}`,
    ),
    // The byte FF follows every text of UTF-8, so the index alone finds the keys of a prefix.
    stateKeys: prepare(
      "SELECT key FROM state WHERE key >= ?1 AND key < ?1 || CAST(x'ff' AS TEXT) ORDER BY key",
    ),

    putMeta: prepare(
      'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    ),
    metaOf: prepare('SELECT value FROM meta WHERE key = ?'),
    dataVersion: prepare('PRAGMA data_version'),
  }
}

export type Statements = ReturnType<typeof prepareStatements>

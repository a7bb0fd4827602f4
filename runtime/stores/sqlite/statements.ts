// All SQL on the tables, prepared once for each connection.

import type { Database } from './schema.ts'

/** The text of an event, see event-row.ts, and its stream's id where asked for. */
export type EventRow = [frame: string, stream: number]

/** A row of `streams`. */
export type StreamRow = [id: number, name: string, category: string, rules: string, crc: number]

/** A row of `state` without its key. */
export type StateRow = [value: string, revision: number, crc: number]

const streamColumns = 'id, name, category, rules, crc'

/** A statement of many rows costs little more than one of one row. */
const manyRows = 32

/** Inserts rows into one table. */
interface RowInsert {
  readonly width: number
  readonly one: Statement
  readonly many: Statement
}

/** Inserts rows given as one list of values. */
export function insertRows({ width, one, many }: RowInsert, values: readonly unknown[]): void {
  const whole = width * manyRows
  let at = 0
  for (; at + whole <= values.length; at += whole) many.run(...values.slice(at, at + whole))
  for (; at < values.length; at += width) one.run(...values.slice(at, at + width))
}

/** The statements. Rows are arrays: objects cost a third more. */
export function prepareStatements(database: Database) {
  const prepare = (sql: string) => {
    const statement = database.prepare(sql)
    statement.setReturnArrays(true)
    return statement
  }
  const inserts = (into: string, width: number): RowInsert => {
    const row = `(${Array(width).fill('?').join(', ')})`
    const insert = (rows: number) =>
      prepare(`INSERT ${into} VALUES ${Array(rows).fill(row).join(', ')}`)
    return { width, one: insert(1), many: insert(manyRows) }
  }
  return {
    insertEvents: inserts('INTO events (position, stream, frame)', 3),
    // What a crash interrupted may be there already.
    insertPlaces: inserts('OR IGNORE INTO stream_events (stream, revision, position)', 3),
    // Read in the order of the index: the planner must not turn the join around.
    streamForwards: prepare(
      `SELECT event.frame FROM stream_events AS place CROSS JOIN events AS event ON event.position = place.position
       WHERE place.stream = ? AND place.revision >= ? AND place.revision < ? ORDER BY place.revision`,
    ),
    ...prepareTexts(prepare),
    // Takes the positions as a JSON list.
    eventsAt: prepare(
      `SELECT event.frame FROM json_each(?) AS place CROSS JOIN events AS event ON event.position = place.value`,
    ),
    indexedHead: prepare(
      'SELECT revision FROM stream_events WHERE stream = ? ORDER BY revision DESC LIMIT 1',
    ),
    // Events of the indexed part of the log that the index does not lead to. The revision is the second part of a frame.
    missingPlaces: prepare(
      `SELECT position FROM events AS event
       WHERE position <= (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'indexed') AND NOT EXISTS (
         SELECT 1 FROM stream_events AS place WHERE place.stream = event.stream AND place.position = event.position
         AND place.revision = CAST(substr(frame, instr(frame, char(31)) + 1) AS INTEGER)) ORDER BY position`,
    ),
    // The id as text: damage may make it a number that the driver refuses.
    recentEvents: prepare(
      'SELECT frame, CAST(stream AS TEXT), position FROM events WHERE position > ? ORDER BY position LIMIT ?',
    ),
    logForwards: prepare(
      'SELECT frame, stream FROM events WHERE position > ? ORDER BY position LIMIT ?',
    ),
    logBackwards: prepare(
      'SELECT frame, stream FROM events WHERE position < ? ORDER BY position DESC LIMIT ?',
    ),
    logEnd: prepare('SELECT max(position) FROM events'),

    insertStream: prepare(`INSERT INTO streams (${streamColumns}) VALUES (?, ?, ?, ?, ?)`),
    updateRules: prepare('UPDATE streams SET rules = ?, crc = ? WHERE id = ?'),
    streamByName: prepare(`SELECT ${streamColumns} FROM streams WHERE name = ?`),
    streamById: prepare(`SELECT ${streamColumns} FROM streams WHERE id = ?`),
    allStreams: prepare('SELECT id, name FROM streams'),
    lastStream: prepare('SELECT max(id) FROM streams'),
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

type Statement = ReturnType<Database['prepare']>

/** Many events as one text, for the read-ahead thread. Damage may have made a text something else: it is left out. */
function prepareTexts(prepare: (sql: string) => Statement) {
  const texts = "group_concat(CASE typeof(frame) WHEN 'text' THEN frame END, char(31))"
  return {
    streamText: prepare(
      `SELECT ${texts}, NULL FROM stream_events AS place CROSS JOIN events AS event ON event.position = place.position
       WHERE place.stream = ? AND place.revision >= ? AND place.revision < ?`,
    ),
    logText: prepare(
      `SELECT ${texts}, group_concat(stream) FROM events WHERE position >= ? AND position < ?`,
    ),
  }
}

export type Statements = ReturnType<typeof prepareStatements>

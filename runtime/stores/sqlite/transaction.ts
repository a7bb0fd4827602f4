// What one transaction writes, as plain data: it is put together without touching the file, and then written where it
// suits, in this thread or in the storage thread.

import type { Connection } from './connection.ts'
import { framed } from './event-row.ts'
import { sqliteCodeOf, sqliteCodes } from './sqlite-errors.ts'
import { insertRows } from './statements.ts'

/** A statement that changes one row, and its values. */
export type Change = readonly [
  name: 'insertStream' | 'updateRules' | 'putState' | 'deleteState' | 'putMeta',
  ...values: (number | string)[],
]

/** All that one transaction writes. */
export interface Transaction {
  /** Of each event in turn: position, id of the stream, where its checksum begins, text. */
  readonly events: (number | string)[]
  /** Rows of the index, their columns in turn. */
  readonly places: number[]
  readonly changes: Change[]
}

/** What became of a transaction. */
export type Written =
  | { readonly done: true }
  | {
      readonly done: false
      /** What failed. After COMMIT nobody knows what is in the file, unless it is `undone`. */
      readonly at: 'statement' | 'commit'
      /** A rollback is confirmed: nothing of it is in the file. */
      readonly undone: boolean
      readonly error: unknown
    }

/** A transaction that writes nothing yet. */
export const emptyTransaction = (): Transaction => ({ events: [], places: [], changes: [] })

/** Writes all of it, or says what kept it. */
export function writeTransaction(connection: Connection, transaction: Transaction): Written {
  try {
    connection.begin()
    const { sql } = connection
    for (const [name, ...values] of transaction.changes) sql[name].run(...values)
    insertRows(sql.insertEvents, rowsOf(transaction.events))
    insertRows(sql.insertPlaces, transaction.places)
  } catch (error) {
    return { done: false, at: 'statement', undone: connection.rollback(), error }
  }
  try {
    connection.commit()
    return { done: true }
  } catch (error) {
    // A full disk may not let the file be opened again; there the rollback is the proof.
    const undone = sqliteCodeOf(error) === sqliteCodes.full && connection.rollback()
    return { done: false, at: 'commit', undone, error }
  }
}

const eventWidth = 4

function rowsOf(events: readonly (number | string)[]): (number | string)[] {
  const rows: (number | string)[] = []
  for (let at = 0; at < events.length; at += eventWidth) {
    const [position, stream, seed, text] = [
      events[at],
      events[at + 1],
      events[at + 2],
      events[at + 3],
    ]
    rows.push(position as number, stream as number, framed(text as string, seed as number))
  }
  return rows
}

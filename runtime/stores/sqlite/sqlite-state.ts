// The state store's reads; its writes go through the group commit.

import type { StateEntry } from '../../ports/state-store.ts'
import { isStorable } from '../append-rules.ts'
import type { Connection } from './connection.ts'
import { frameCrc } from './event-row.ts'
import { damaged } from './sqlite-errors.ts'
import type { StateRow } from './statements.ts'
import type { Change } from './transaction.ts'

/** The entry of a key, checked. */
export function stateOf(connection: Connection, key: string): StateEntry | undefined {
  if (!isStorable(key)) return undefined
  const row: StateRow | undefined = connection.sql.stateOf.get(key)
  if (row === undefined) return undefined
  const [value, revision, crc] = row
  if (frameCrc([key, value, revision]) === crc) return { value, revision }
  throw damaged(connection.file, `state '${key}' does not match its checksum`)
}

/** The revision of a key, -1 if there is none or it cannot be one: nothing here is checked. */
export function stateRevisionOf(connection: Connection, key: string): number {
  const row: [number] | undefined = connection.sql.stateRevisionOf.get(key)
  return row?.[0] ?? -1
}

/** How an entry is written. */
export const putState = (key: string, { value, revision }: StateEntry): Change => [
  'putState',
  key,
  value,
  revision,
  frameCrc([key, value, revision]),
]

/** Keys that begin so, in byte order. */
export const stateKeys = (connection: Connection, prefix: string): readonly string[] =>
  isStorable(prefix) ? connection.sql.stateKeys.all(prefix).map(([key]: [string]) => key) : []

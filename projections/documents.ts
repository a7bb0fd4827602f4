// `documents<T>()`: a view of JSON documents by key, with secondary indexes.

import {
  countStatement,
  type FieldOf,
  type FindOptions,
  findStatement,
  type Where,
} from './document-query.ts'
import {
  checkedKey,
  createTables,
  documentOf,
  documentRows,
  loadDocument,
} from './document-table.ts'
import { type Documents, DocumentWriter } from './document-writer.ts'
import type { Session } from './engine.ts'
import type { View } from './view.ts'

/** A document and its key. */
export interface Found<T> {
  /** The key it was put under. */
  readonly key: string
  /** What was put under it. */
  readonly document: T
}

/** How a documents view is read. */
export interface DocumentsReader<T extends object> {
  /**
   * One document, or `undefined`.
   *
   * @throws `InvalidName` for the key; `UnknownProjection` while there is no read model yet
   * @example
   * ```ts
   * const row = await runtime.view(Balances).get('ann')
   * console.log(row?.balance ?? 0)
   * ```
   */
  get(key: string): Promise<T | undefined>
  /**
   * Documents by their fields, ordered by `orderBy` and then by key; without it by key.
   *
   * @example
   * ```ts
   * await view.find({ where: { team: 'V5', openedWeek: { from: '2012-W10' } }, orderBy: 'openedWeek', limit: 10 })
   * ```
   */
  find(options?: FindOptions<T>): Promise<readonly Found<T>[]>
  /**
   * How many there are, of all or of those for which `where` holds.
   *
   * @throws `InvalidOption` for a field that cannot be asked for; `UnknownProjection` as `get`
   * @example
   * ```ts
   * const rich = await runtime.view(Balances).count({ balance: { from: 1_000_000 } })
   * ```
   */
  count(where?: Where<T>): Promise<number>
}

/** Options of {@link documents}. */
export interface DocumentsOptions<T extends object> {
  /** Fields with an index each, for `find` and `count`. Any field can be asked for, these are found fast. */
  readonly indexes?: readonly FieldOf<T>[]
}

/**
 * A view of JSON documents by key, the same on SQLite and PostgreSQL. What a document may hold is what an event
 * may hold: plain JSON data.
 *
 * @example
 * ```ts
 * view: documents<{ owner: string; balance: number }>({ indexes: ['owner'] })
 * ```
 */
export function documents<T extends object>(
  options: DocumentsOptions<T> = {},
): View<Documents<T>, DocumentsReader<T>> {
  const indexes = [...new Set(options.indexes ?? [])].sort()
  return {
    shape: JSON.stringify(['documents', indexes]),
    create: (session) => createTables(session, indexes),
    write: (session, writeOptions) => new DocumentWriter<T>(session, writeOptions),
    read: (session) => readerOf<T>(session),
    rows: documentRows,
  }
}

function readerOf<T extends object>(session: () => Promise<Session>): DocumentsReader<T> {
  return {
    get: async (key) => loadDocument<T>(await session(), checkedKey(key)),
    find: async (options = {}) => {
      const open = await session()
      const { sql, parameters } = findStatement(open.dialect, options)
      const { rows: found } = await open.execute(sql, parameters)
      return found.map((row) => ({ key: row['key'] as string, document: documentOf<T>(row) }))
    },
    count: async (where = {}) => {
      const open = await session()
      const { sql, parameters } = countStatement(open.dialect, where)
      const { rows: found } = await open.execute(sql, parameters)
      return Number(found[0]?.['count'])
    },
  }
}

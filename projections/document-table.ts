// The table behind a documents view: how documents lie in it, on either database.

import { canonical, decode, type Json } from '../runtime/codec/codec.ts'
import { ReenactError } from '../runtime/core/errors.ts'
import { fieldExpression } from './document-query.ts'
import { type Session, statement } from './engine.ts'

/** Makes the table and an index for each of these fields. */
export async function createTables(session: Session, indexes: readonly string[]): Promise<void> {
  const { dialect } = session
  await session.execute(
    dialect === 'sqlite'
      ? 'CREATE TABLE documents (key TEXT PRIMARY KEY, doc TEXT NOT NULL) STRICT, WITHOUT ROWID'
      : 'CREATE TABLE documents (key text COLLATE "C" PRIMARY KEY, doc jsonb NOT NULL)',
  )
  for (const [number, field] of indexes.entries()) {
    await session.execute(
      `CREATE INDEX documents_by_${number + 1} ON documents (${fieldExpression(dialect, field)}, key)`,
    )
  }
}

const rowsPerStatement = 100

/** Writes documents, given as keys and texts in turn. */
export async function writeDocuments(session: Session, puts: readonly string[]): Promise<void> {
  const { dialect } = session
  const row = dialect === 'sqlite' ? '(?, ?)' : '(?, ?::jsonb)'
  for (let from = 0; from < puts.length; from += 2 * rowsPerStatement) {
    const values = puts.slice(from, from + 2 * rowsPerStatement)
    await session.execute(upsert(dialect, row, values.length / 2), values)
  }
}

/** Removes documents. */
export async function removeDocuments(session: Session, keys: readonly string[]): Promise<void> {
  for (let from = 0; from < keys.length; from += rowsPerStatement) {
    const some = keys.slice(from, from + rowsPerStatement)
    const list = some.map(() => '?').join(', ')
    const sql = statement(session.dialect, `DELETE FROM documents WHERE key IN (${list})`)
    await session.execute(sql, some)
  }
}

const texts = new Map<string, string>()

function upsert(dialect: Session['dialect'], row: string, count: number): string {
  const name = `${dialect} ${count}`
  const known = texts.get(name)
  if (known !== undefined) return known
  const rows = Array.from({ length: count }, () => row).join(', ')
  const sql = `INSERT INTO documents (key, doc) VALUES ${rows} ON CONFLICT (key) DO UPDATE SET doc = excluded.doc`
  const text = statement(dialect, sql)
  texts.set(name, text)
  return text
}

const pageRows = 1_000

/** All documents by key, each as its canonical text. */
export async function* documentRows(session: Session): AsyncGenerator<readonly [string, string]> {
  const sql = statement(
    session.dialect,
    'SELECT key, doc FROM documents WHERE key > ? ORDER BY key LIMIT ?',
  )
  for (let after = ''; ; ) {
    const { rows: page } = await session.execute(sql, [after, pageRows])
    for (const row of page) yield [row['key'] as string, canonical(documentOf<Json>(row))]
    if (page.length < pageRows) return
    after = page.at(-1)?.['key'] as string
  }
}

/** Keeps other partitions from a key until the end of the transaction. SQLite's transactions exclude each other. */
export async function lockKey(session: Session, key: string): Promise<void> {
  if (session.dialect === 'sqlite') return
  await session.execute(
    "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' ' || $1, 1))",
    [key],
  )
}

/** Reads one document. */
export function loadDocument<T>(
  session: Session,
  key: string,
): T | undefined | Promise<T | undefined> {
  const sql = session.dialect === 'sqlite' ? selectSqlite : selectPostgres
  const result = session.execute(sql, [key])
  const first = (found: Awaited<typeof result>): T | undefined =>
    found.rows[0] && documentOf<T>(found.rows[0])
  return result instanceof Promise ? result.then(first) : first(result)
}

const selectSqlite = 'SELECT doc FROM documents WHERE key = ?'
const selectPostgres = statement('postgres', selectSqlite)

/** The document of a row. SQLite keeps the text; PostgreSQL's driver has parsed it. */
export const documentOf = <T>({ doc }: Record<string, unknown>): T =>
  (typeof doc === 'string' ? decode(doc, 'The document') : doc) as T

const unstorable = /\0|\p{Surrogate}/u

/** A key both databases take as it is. */
export function checkedKey(key: string): string {
  if (typeof key === 'string' && key !== '' && key.length <= 1_024 && !unstorable.test(key))
    return key
  const fix = 'give a text of 1 to 1,024 characters without NUL and lone surrogates'
  throw new ReenactError(
    'InvalidName',
    `A document cannot have the key '${String(key)}': ${fix}.`,
    {
      name: String(key),
      fix,
    },
  )
}

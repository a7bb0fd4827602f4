// What lies beside a view, in its own transactions: how far it is, and the events it had to leave out.

import { ReenactError } from '../runtime/core/errors.ts'
import { type Session, statement } from './engine.ts'

/** How far a read model is. */
export interface Checkpoint {
  /** Every event up to here is in it. 0 before the first. */
  readonly position: number
  /** The last event handled, by which another log is recognised. */
  readonly last: { readonly position: number; readonly id: string } | undefined
}

/** An event that could not be projected. */
export interface ParkedEvent {
  /** Place of the event in the log; `redrive` takes it. */
  readonly position: number
  /** The stream it is in. */
  readonly stream: string
  /** Place in that stream. */
  readonly revision: number
  /** Its type in the log. */
  readonly type: string
  /** The error's message and stack. */
  readonly error: string
  /** ms since the epoch. */
  readonly parkedAt: number
}

/** Makes the tables. */
export async function createLedger(session: Session, partitions: number): Promise<void> {
  await session.execute(
    `CREATE TABLE reenact_checkpoint (part INTEGER PRIMARY KEY, position BIGINT NOT NULL,
       event_position BIGINT, event_id TEXT)`,
  )
  await session.execute(
    `CREATE TABLE reenact_dead_letters (position BIGINT PRIMARY KEY, stream TEXT NOT NULL,
       revision BIGINT NOT NULL, type TEXT NOT NULL, error TEXT NOT NULL, parked_at BIGINT NOT NULL)`,
  )
  const { dialect } = session
  for (let part = 0; part < partitions; part += 1) {
    await session.execute(
      statement(dialect, 'INSERT INTO reenact_checkpoint (part, position) VALUES (?, 0)'),
      [part],
    )
  }
}

/** The checkpoint of one partition. */
export async function readCheckpoint(session: Session, part: number): Promise<Checkpoint> {
  const sql = 'SELECT position, event_position, event_id FROM reenact_checkpoint WHERE part = ?'
  const { rows } = await session.execute(statement(session.dialect, sql), [part])
  const [row] = rows
  if (!row) throw new Error(`There is no partition ${part} in this read model.`)
  const last = row['event_id']
    ? { position: Number(row['event_position']), id: String(row['event_id']) }
    : undefined
  return { position: Number(row['position']), last }
}

/** How far each partition is. */
export async function readPositions(session: Session): Promise<readonly number[]> {
  const { rows } = await session.execute('SELECT position FROM reenact_checkpoint ORDER BY part')
  return rows.map(({ position }) => Number(position))
}

/** How far the whole read model is: as far as its last partition. */
export const readPosition = async (session: Session): Promise<number> =>
  Math.min(...(await readPositions(session)))

/** Moves the checkpoint, inside the transaction of what was done. Throws `Fenced` unless it stood at `from`. */
export async function advance(
  session: Session,
  projection: string,
  part: number,
  from: Checkpoint,
  to: Checkpoint,
): Promise<void> {
  const sql = `UPDATE reenact_checkpoint SET position = ?, event_position = ?, event_id = ?
     WHERE part = ? AND position = ?`
  const { changes } = await session.execute(statement(session.dialect, sql), [
    to.position,
    to.last?.position ?? null,
    to.last?.id ?? null,
    part,
    from.position,
  ])
  if (changes === 1) return
  throw new ReenactError(
    'Fenced',
    `Another worker moved the checkpoint of '${projection}' from ${from.position}. This one begins again from there.`,
    { projection },
  )
}

/** Puts an event aside, inside a transaction. */
export async function park(session: Session, letter: ParkedEvent): Promise<void> {
  const { position, stream, revision, type, error, parkedAt } = letter
  const sql = `INSERT INTO reenact_dead_letters (position, stream, revision, type, error, parked_at)
     VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (position) DO UPDATE SET error = excluded.error, parked_at = excluded.parked_at`
  await session.execute(statement(session.dialect, sql), [
    position,
    stream,
    revision,
    type,
    // PostgreSQL takes no NUL in a text.
    error.replaceAll('\0', '�'),
    parkedAt,
  ])
}

/** Removes a dead letter, inside the transaction of what makes good for it. */
export async function unpark(session: Session, position: number): Promise<void> {
  const sql = 'DELETE FROM reenact_dead_letters WHERE position = ?'
  await session.execute(statement(session.dialect, sql), [position])
}

/** The events put aside, in their order. */
export async function deadLetters(session: Session): Promise<readonly ParkedEvent[]> {
  const { rows } = await session.execute(
    'SELECT position, stream, revision, type, error, parked_at FROM reenact_dead_letters ORDER BY position',
  )
  return rows.map((row) => ({
    position: Number(row['position']),
    stream: String(row['stream']),
    revision: Number(row['revision']),
    type: String(row['type']),
    error: String(row['error']),
    parkedAt: Number(row['parked_at']),
  }))
}

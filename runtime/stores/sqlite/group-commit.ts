// Group commit: everything queued in one turn of the event loop becomes one transaction, acknowledged after it.

import { isReenactError, ReenactError } from '../../core/errors.ts'
import { type Answer, type Operation, type WriteContext, writeRows } from './operations.ts'
import { sqliteCodeOf, sqliteCodes, storeError, storeFailed } from './sqlite-errors.ts'

/** Bounds of what waits for a commit. */
export interface QueueLimits {
  readonly operationsMax: number
  readonly bytesMax: number
}

const groupOperationsMax = 4096
const groupBytesMax = 16 * 1024 * 1024

/** The only place that writes. One transaction at a time; while it syncs, the next group fills. */
export class GroupCommit {
  readonly #context: WriteContext
  readonly #limits: QueueLimits
  readonly #onCommitted: (events: boolean) => void
  #queue: Operation[] = []
  #queuedBytes = 0
  #scheduled = false
  #marks = 0
  #failed: ReenactError | undefined

  constructor(
    context: WriteContext,
    limits: QueueLimits,
    /** Called after the callers were told; `events` when the log grew. */
    onCommitted: (events: boolean) => void,
  ) {
    this.#context = context
    this.#limits = limits
    this.#onCommitted = onCommitted
  }

  /** The disk failed: nothing is written any more. */
  get failed(): boolean {
    return this.#failed !== undefined
  }

  /** Queues. The operation hears of its outcome later, or now if it is refused. */
  submit(operation: Operation): void {
    if (this.#failed) {
      operation.refused(this.#failed)
      return
    }
    const { operationsMax, bytesMax } = this.#limits
    if (this.#queue.length >= operationsMax || this.#queuedBytes + operation.bytes > bytesMax) {
      operation.refused(this.#overloaded())
      return
    }
    this.#queue.push(operation)
    this.#queuedBytes += operation.bytes
    this.#schedule()
  }

  /** Writes everything queued, now. */
  drain(): void {
    while (this.#queue.length > 0) this.#flush()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#flush()
      if (this.#queue.length > 0) this.#schedule()
    })
  }

  #flush(): void {
    const group = this.#takeGroup()
    if (group.length === 0) return
    const before = this.#context.position
    this.#write(group, true)
    this.#onCommitted(this.#context.position > before)
  }

  #takeGroup(): Operation[] {
    let bytes = 0
    let count = 0
    for (const operation of this.#queue) {
      if (count === groupOperationsMax || (count > 0 && bytes + operation.bytes > groupBytesMax))
        break
      bytes += operation.bytes
      count += 1
    }
    this.#queuedBytes -= bytes
    if (count < this.#queue.length) return this.#queue.splice(0, count)
    const group = this.#queue
    this.#queue = []
    return group
  }

  #write(group: readonly Operation[], mayRepeat: boolean): void {
    const context = this.#context
    const { connection, clock, position, recordedAt } = context
    const undo = () => {
      context.position = position
      context.recordedAt = recordedAt
      context.rows.length = 0
      context.streams.reset()
    }
    // Running maximum: the clock may go back, recording times may not.
    context.recordedAt = Math.max(recordedAt, Math.floor(clock.now()))
    context.changed = false
    let answers: Answer[]
    let isInFile: () => boolean
    try {
      connection.begin()
      answers = group.map((operation) => this.#run(operation))
      writeRows(context)
      context.streams.index.writeSome(context.position - position)
      isInFile = this.#mark(position)
    } catch (error) {
      const undone = connection.rollback()
      undo()
      this.#notWritten(group, error, undone)
      return
    }
    try {
      connection.commit()
    } catch (error) {
      undo()
      this.#resolveCommit(group, error, mayRepeat, isInFile, answers)
      return
    }
    for (const answer of answers) answer.tell()
  }

  // How to see later whether this transaction is in the file: by its last event, otherwise by a mark of its own.
  #mark(before: number): () => boolean {
    const { connection, reader, position, lastId, changed } = this.#context
    if (position > before)
      return () => reader.logEnd() === position && reader.eventAt(position).id === lastId
    if (!changed) return () => true
    this.#marks += 1
    const mark = `${process.pid} ${this.#marks}`
    connection.sql.putMeta.run('commit', mark)
    return () => {
      const row: [string] | undefined = connection.sql.metaOf.get('commit')
      return row?.[0] === mark
    }
  }

  // A refusal too may rest on what this transaction wrote before, so it is told after the commit.
  #run(operation: Operation): Answer {
    try {
      return operation.run(this.#context)
    } catch (error) {
      if (!isReenactError(error)) throw error
      return { tell: () => operation.refused(error) }
    }
  }

  // A statement failed. Once the rollback is confirmed nothing of the group is in the file.
  #notWritten(group: readonly Operation[], error: unknown, undone: boolean): void {
    const code = sqliteCodeOf(error)
    if (!undone || code === sqliteCodes.ioError) {
      this.#fail(group, error)
      return
    }
    const concernsAll = code === sqliteCodes.full || code === sqliteCodes.busy
    if (group.length > 1 && !concernsAll) {
      // One of them met damage: alone, each gets its own outcome.
      for (const operation of group) {
        if (this.#failed) operation.refused(this.#failed)
        else this.#write([operation], true)
      }
      return
    }
    const refusal = storeError(this.#context.connection.file, error)
    for (const operation of group) operation.refused(refusal)
  }

  // COMMIT failed. Nobody knows what that means until the file has been looked at again.
  #resolveCommit(
    group: readonly Operation[],
    error: unknown,
    mayRepeat: boolean,
    isInFile: () => boolean,
    answers: readonly Answer[],
  ): void {
    const code = sqliteCodeOf(error)
    if (code === sqliteCodes.ioError) {
      this.#fail(group, error)
      return
    }
    const { connection, streams, reader } = this.#context
    let isThere: boolean
    try {
      // A full disk may not let the file be opened again; there the rollback is the proof.
      if (!(code === sqliteCodes.full && connection.rollback())) connection.reopen()
      streams.reset()
      isThere = isInFile()
      this.#context.position = reader.logEnd()
      this.#context.recordedAt = Math.max(this.#context.recordedAt, reader.lastRecordedAt())
    } catch (cause) {
      this.#fail(group, cause)
      return
    }
    if (isThere) for (const answer of answers) answer.tell()
    else if (code === sqliteCodes.full) this.#notWritten(group, error, true)
    else if (mayRepeat) this.#write(group, false)
    else this.#fail(group, error, true)
  }

  // After a failed sync the system may drop what it could not write and report success the next time.
  #fail(group: readonly Operation[], cause: unknown, isAbsent = false): void {
    const error = storeFailed(this.#context.connection.file, cause)
    this.#failed = error
    for (const operation of group) {
      if (isAbsent) operation.refused(error)
      else operation.unknown(error)
    }
    for (const operation of this.#queue) operation.refused(error)
    this.#queue = []
    this.#queuedBytes = 0
  }

  #overloaded(): ReenactError {
    const limit = this.#limits.operationsMax
    return new ReenactError(
      'Overloaded',
      `${limit} operations or ${this.#limits.bytesMax} bytes wait to be written. Send it again when earlier ones are answered.`,
      { queue: 'append', limit },
    )
  }
}

// Group commit: everything queued in one turn of the event loop becomes one transaction, acknowledged after it.
//
// Small groups are written at once, in this thread. When a store is busy its storage thread writes while this one decides
// what comes next; reads wait for it, so that they see what is durable and nothing else.

import { isReenactError, type ReenactError } from '../../core/errors.ts'
import { CommitQueue, type QueueLimits } from './commit-queue.ts'
import { type Answer, collectState, type Operation, type WriteContext } from './operations.ts'
import type { WrittenEvent } from './recent-events.ts'
import { sqliteCodeOf, sqliteCodes, storeError, storeFailed } from './sqlite-errors.ts'
import type { StorageThread } from './storage-thread.ts'
import { emptyTransaction, type Written, writeTransaction } from './transaction.ts'

/** One transaction: who waits for it, and how to see later whether it is in the file. */
interface Group {
  readonly operations: readonly Operation[]
  readonly answers: readonly Answer[]
  readonly isInFile: () => boolean
  /** Brings back what was known before. */
  readonly undo: () => void
}

interface Flight {
  readonly landed: Promise<void>
  readonly land: () => void
}

/** Hears of every transaction that changed what can be read. */
export interface CommitFollower {
  /** Whether to tell which events were written. */
  isThere(): boolean
  /** Called after the callers were told. `events` where it is known what can be read since; `grown`: the log. */
  committed(events: readonly WrittenEvent[] | undefined, grown: boolean): void
}

/** The only place that writes. One transaction at a time; while it syncs, the next group fills. */
export class GroupCommit {
  readonly #context: WriteContext
  readonly #queue: CommitQueue
  readonly #thread: StorageThread
  readonly #follower: CommitFollower
  #scheduled = false
  /** Operations decide, which may run code of users: nothing else may begin meanwhile. */
  #deciding = false
  #flight: Flight | undefined
  /** Operations in hand when the storage thread was last done: those just written and those that waited. */
  #concurrent = 0
  #failed: ReenactError | undefined

  constructor(
    context: WriteContext,
    limits: QueueLimits,
    thread: StorageThread,
    follower: CommitFollower,
  ) {
    this.#context = context
    this.#queue = new CommitQueue(limits)
    this.#thread = thread
    this.#follower = follower
  }

  /** The disk failed: nothing is written any more. */
  get failed(): boolean {
    return this.#failed !== undefined
  }

  /**
   * Resolves when the storage thread is done with what it writes; `undefined` if it writes nothing. Whoever waits has
   * to look again: another transaction may have taken off.
   */
  get landed(): Promise<void> | undefined {
    return this.#flight?.landed
  }

  /** Queues. The operation hears of its outcome later, or now if it is refused. */
  submit(operation: Operation): void {
    if (this.#failed) {
      operation.refused(this.#failed)
      return
    }
    this.#queue.push(operation)
    this.#schedule()
  }

  /** Writes everything queued. */
  async drain(): Promise<void> {
    while (this.#flight || this.#queue.length > 0) {
      await this.#flight?.landed
      if (!this.#flight) this.#flush()
    }
    await this.#thread.close()
  }

  #schedule(): void {
    if (this.#flight) return
    // Those who are answered together send again together. If all of them waited for each other the threads would take
    // turns: half of them go ahead, and the others are decided while those are written.
    const waiting = this.#queue.length
    if (!this.#deciding && 2 * waiting >= this.#concurrent && this.#thread.isFor(waiting)) {
      this.#flush()
      return
    }
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      if (!this.#flight) this.#flush()
    })
  }

  #flush(): void {
    const inThread = this.#thread.takes(this.#queue.length)
    const operations = this.#queue.takeGroup()
    if (operations.length === 0) return
    this.#write(operations, true, inThread)
    if (this.#queue.length > 0) this.#schedule()
  }

  #write(operations: readonly Operation[], mayRepeat: boolean, inThread: boolean): void {
    const before = this.#context.position
    const group = this.#decide(operations)
    if (!group) return
    const { connection, transaction } = this.#context
    const { written: events } = this.#context
    const rules = transaction.changes.some(([name]) => name === 'updateRules')
    const tell = (written: Written) => {
      this.#settle(group, written, mayRepeat)
      const grown = this.#context.position > before
      const known = written.done && !rules ? events : undefined
      if (grown || rules) this.#follower.committed(known, grown)
    }
    if (!inThread) {
      tell(writeTransaction(connection, transaction))
      return
    }
    this.#takeOff()
    this.#context.transaction = emptyTransaction()
    this.#thread.write(transaction, (written) => {
      this.#concurrent = group.operations.length + this.#queue.length
      // Those who wait to read come first: the next transaction would make them wait again.
      this.#land()
      tell(written)
    })
  }

  #takeOff(): void {
    let land = () => {}
    const landed = new Promise<void>((resolve) => {
      land = resolve
    })
    this.#flight = { landed, land }
  }

  #land(): void {
    this.#flight?.land()
    this.#flight = undefined
    queueMicrotask(() => {
      if (this.#queue.length > 0) this.#schedule()
    })
  }

  /** Lets the operations decide. Those from the first on that has to read what another one writes go back. */
  #decide(operations: readonly Operation[]): Group | undefined {
    const context = this.#context
    const { clock, position, recordedAt } = context
    const undo = () => {
      context.position = position
      context.recordedAt = recordedAt
      context.streams.reset()
    }
    // Running maximum: the clock may go back, recording times may not.
    context.recordedAt = Math.max(recordedAt, Math.floor(clock.now()))
    context.committed = position
    context.transaction = emptyTransaction()
    context.written = this.#follower.isThere() ? [] : undefined
    context.state.clear()
    const answers: Answer[] = []
    this.#deciding = true
    try {
      for (const operation of operations) {
        const answer = this.#run(operation)
        if (!answer) break
        answers.push(answer)
      }
      collectState(context)
      context.streams.index.writeSome(context.position - position, context.transaction)
      const isInFile = this.#mark(position)
      this.#queue.putBack(operations.slice(answers.length))
      return { operations: operations.slice(0, answers.length), answers, isInFile, undo }
    } catch (error) {
      undo()
      // Decided alone, those that can be will be.
      this.#deciding = false
      this.#notWritten(operations, error, true)
      return undefined
    } finally {
      this.#deciding = false
    }
  }

  // How to see later whether this transaction is in the file: by its last event, otherwise by a mark of its own.
  #mark(before: number): () => boolean {
    const { connection, reader, position, lastId, transaction } = this.#context
    if (position > before)
      return () => reader.logEnd() === position && reader.eventAt(position).id === lastId
    const { changes, places } = transaction
    if (changes.length === 0 && places.length === 0) return () => true
    const markInFile = (): string | undefined => connection.sql.metaOf.get('commit')?.[0]
    const mark = String((Number.parseInt(markInFile() ?? '', 10) || 0) + 1)
    changes.push(['putMeta', 'commit', mark])
    return () => markInFile() === mark
  }

  // A refusal too may rest on what this transaction writes, so it is told after the commit.
  #run(operation: Operation): Answer | undefined {
    try {
      return operation.run(this.#context)
    } catch (error) {
      if (!isReenactError(error)) throw error
      return { tell: () => operation.refused(error) }
    }
  }

  #settle(group: Group, written: Written, mayRepeat: boolean): void {
    if (written.done) {
      for (const answer of group.answers) answer.tell()
      return
    }
    group.undo()
    const { at, error, undone } = written
    if (at === 'statement') this.#notWritten(group.operations, error, undone)
    else this.#resolveCommit(group, error, undone, mayRepeat)
  }

  // A statement failed. Once the rollback is confirmed nothing of the group is in the file.
  #notWritten(operations: readonly Operation[], error: unknown, undone: boolean): void {
    const code = sqliteCodeOf(error)
    if (!undone || code === sqliteCodes.ioError) {
      this.#fail(operations, error)
      return
    }
    const concernsAll = code === sqliteCodes.full || code === sqliteCodes.busy
    if (operations.length > 1 && !concernsAll) {
      // One of them met damage: alone, each gets its own outcome.
      for (const operation of operations) {
        if (this.#failed) operation.refused(this.#failed)
        else this.#write([operation], true, false)
      }
      return
    }
    const refusal = storeError(this.#context.connection.file, error)
    for (const operation of operations) operation.refused(refusal)
  }

  // COMMIT failed. Nobody knows what that means until the file has been looked at again.
  #resolveCommit(
    { operations, answers, isInFile }: Group,
    error: unknown,
    undone: boolean,
    mayRepeat: boolean,
  ): void {
    const code = sqliteCodeOf(error)
    if (code === sqliteCodes.ioError) {
      this.#fail(operations, error)
      return
    }
    const { connection, streams, reader } = this.#context
    let isThere: boolean
    try {
      if (!undone) connection.reopen()
      streams.reset()
      isThere = isInFile()
      this.#context.position = reader.logEnd()
      this.#context.recordedAt = Math.max(this.#context.recordedAt, reader.lastRecordedAt())
    } catch (cause) {
      this.#fail(operations, cause)
      return
    }
    if (isThere) for (const answer of answers) answer.tell()
    else if (code === sqliteCodes.full) this.#notWritten(operations, error, true)
    else if (mayRepeat) this.#write(operations, false, false)
    else this.#fail(operations, error, true)
  }

  // After a failed sync the system may drop what it could not write and report success the next time.
  #fail(operations: readonly Operation[], cause: unknown, isAbsent = false): void {
    const error = storeFailed(this.#context.connection.file, cause)
    this.#failed = error
    for (const operation of operations) {
      if (isAbsent) operation.refused(error)
      else operation.unknown(error)
    }
    for (const operation of this.#queue.takeAll()) operation.refused(error)
  }
}

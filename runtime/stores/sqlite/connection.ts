// One connection to a store file: its transactions, its reads, and opening it again.

import { ignoreErrors, isSmall, type OpenOptions, openDatabase } from './open-database.ts'
import type { Database } from './schema.ts'
import { storeError } from './sqlite-errors.ts'
import type { Statements } from './statements.ts'
import { prepareStatements } from './statements.ts'

/** An open store file. All SQL goes through it, so that it can be replaced after a failed COMMIT. */
export class Connection {
  readonly #options: OpenOptions
  // The driver lets go of the file only when the statements are garbage: nothing may hold them after closing.
  #opened: { readonly database: Database; readonly statements: Statements } | undefined
  #dataVersion = -1

  constructor(options: OpenOptions) {
    this.#options = options
    this.#open()
  }

  get file(): string {
    return this.#options.file
  }

  get readOnly(): boolean {
    return this.#options.readOnly
  }

  /** Whether the whole file is checked when it is opened. */
  get isSmall(): boolean {
    return isSmall(this.#database, this.#options.checkBytesMax)
  }

  get sql(): Statements {
    return this.#now.statements
  }

  get #database(): Database {
    return this.#now.database
  }

  get #now() {
    if (this.#opened) return this.#opened
    throw new Error(`the connection to '${this.file}' is closed`)
  }

  #open(): void {
    const database = openDatabase(this.#options)
    this.#opened = { database, statements: prepareStatements(database) }
  }

  exec(sql: string): void {
    this.#database.exec(sql)
  }

  /** Reads consistently. `onChange` is called first if another process wrote since the last time. */
  read<Result>(onChange: () => void, body: () => Result): Result {
    try {
      // The only writer sees no changes but its own, and reads between its own transactions.
      if (!this.readOnly) return body()
      this.#database.exec('BEGIN')
      try {
        const version = this.dataVersion()
        if (version !== this.#dataVersion) onChange()
        // Only what was taken in was seen: after an error it is tried again.
        this.#dataVersion = version
        return body()
      } finally {
        this.#database.exec('COMMIT')
      }
    } catch (error) {
      throw storeError(this.file, error)
    }
  }

  /** A number that is another one after each commit of another process. */
  dataVersion(): number {
    const [version]: [number] = this.sql.dataVersion.get()
    return version
  }

  begin(): void {
    this.#database.exec('BEGIN IMMEDIATE')
  }

  commit(): void {
    const real = () => this.#database.exec('COMMIT')
    const { commit } = this.#options.internals
    if (commit) commit(real)
    else real()
  }

  /** True when no transaction is open any more: nothing of it can still become durable. */
  rollback(): boolean {
    try {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      return !this.#database.isTransaction
    } catch {
      return false
    }
  }

  /** Forgets everything this connection believes about the file and opens it anew. */
  reopen(): void {
    // Without this a transaction would outlive `close` until the old statements are garbage collected.
    this.rollback()
    this.#database.close()
    this.#opened = undefined
    this.#open()
  }

  close(checkpoint = !this.readOnly): void {
    if (!this.#opened?.database.isOpen) return
    this.rollback()
    // An empty WAL leaves the file complete by itself. Readers may prevent it: the WAL then stays.
    if (checkpoint) ignoreErrors(() => this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)'))
    this.#database.close()
    this.#opened = undefined
  }
}

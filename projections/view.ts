// What a kind of view owes: tables, what handlers write to, what users read with.

import type { Session } from './engine.ts'
import type { EventInfo } from './event-types.ts'

/** The open end of a view, held by its one writer. */
export interface ViewWriter<Write> {
  /** What handlers get. */
  readonly view: Write
  /** The event that is handled next, for kinds that need to know. */
  begin?(about: EventInfo): void
  /** Resolves when all a handler began is done; rejects with what went wrong in it. */
  settle(): void | Promise<void>
  /**
   * Brings what is kept back to the session, inside the transaction. Answers which keys changed, where the
   * kind knows.
   */
  flush(): Promise<readonly string[] | undefined>
  /** The transaction is in: what is known may be kept. */
  committed(): void
  /** The transaction is undone: nothing of it may be kept. */
  discard(): void
}

/** A kind of view: documents, or tables of the user's. */
export interface View<Write, Read> {
  /** Tells shapes apart: another shape needs a rebuild. */
  readonly shape: string
  /** Makes the tables, in a transaction. */
  create(session: Session): Promise<void>
  /** Opens what handlers write to. `exclusive`: no other writer has these tables. */
  write(session: Session, options: { readonly exclusive: boolean }): ViewWriter<Write>
  /** What users read with. `session` leads to the version that is live at that moment. */
  read(session: () => Promise<Session>): Read
  /** Whether an error of what lies behind the view may pass by itself. */
  isTransient?(error: unknown): boolean
  /** All rows in a fixed order, for comparing two builds. */
  rows(session: Session): AsyncIterable<readonly [key: string, content: string]>
}

/** A promise that is done. Who answers with this very one need not be waited for. */
export const alreadyDone: Promise<void> = Promise.resolve()

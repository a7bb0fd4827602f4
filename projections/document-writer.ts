// What handlers write documents to: changes are kept back and reach the database once a batch.

import { encode, settle } from '../runtime/codec/codec.ts'
import { ReenactError } from '../runtime/core/errors.ts'
import { BegunWork, cameTooLate } from './begun-work.ts'
import {
  checkedKey,
  loadDocument,
  lockKey,
  removeDocuments,
  writeDocuments,
} from './document-table.ts'
import type { Session } from './engine.ts'
import { alreadyDone, type ViewWriter } from './view.ts'

/** Documents kept in memory from batch to batch. */
const keptMax = 50_000

/** What handlers of a documents view write to. All of it commits with the checkpoint, or not at all. */
export interface Documents<T extends object> {
  /**
   * The document as it stands after the events before, frozen.
   *
   * @throws `InvalidName` for a key that is empty, longer than 1,024 characters or not storable
   * @example
   * ```ts
   * Deposited: async ({ amount }, view, { actorId }) => {
   *   const before = await view.get(actorId)
   *   if (before) view.put(actorId, { ...before, balance: before.balance + amount })
   * }
   * ```
   */
  get(key: string): Promise<T | undefined>
  /**
   * Writes a whole document: plain JSON data.
   *
   * @throws `InvalidName` for the key; `InvalidPayload` for what could not be stored
   * @example
   * ```ts
   * Opened: ({ owner }, view, { actorId }) => view.put(actorId, { owner, balance: 0 })
   * ```
   */
  put(key: string, document: T): void
  /**
   * Changes a document: by fields, of a document that must be there (else `NoDocument`), or by a function of
   * what is there, whose `undefined` removes it. Need not be awaited: the next event waits for it.
   *
   * @example
   * ```ts
   * Deposited: ({ amount }, view, { actorId }) =>
   *   view.patch(actorId, (row) => row && { ...row, balance: row.balance + amount })
   * ```
   */
  patch(
    key: string,
    change: Partial<T> | ((document: T | undefined) => T | undefined),
  ): Promise<void>
  /**
   * Removes a document; absent is fine.
   *
   * @throws `InvalidName` for the key
   * @example
   * ```ts
   * Frozen: (_event, view, { actorId }) => view.delete(actorId)
   * ```
   */
  delete(key: string): void
}

type Change<T> = (document: T | undefined) => T | undefined

/** A document as it stands. Nobody else writes while this writer does. */
interface Known<T> {
  /** `undefined` where there is none. */
  document: T | undefined
  /** The batch that changed it last. In the present one the database does not have it so. */
  batch: number
}

export class DocumentWriter<T extends object> implements ViewWriter<Documents<T>> {
  readonly #session: Session
  readonly #exclusive: boolean
  readonly #known = new Map<string, Known<T>>()
  #changed: string[] = []
  #batch = 1
  /** By key, while a document is being read: later changes of that key wait for it. */
  readonly #pending = new Map<string, Promise<Known<T>>>()
  #begun = new BegunWork()
  #view: Documents<T> = this.#newView()

  constructor(session: Session, { exclusive }: { readonly exclusive: boolean }) {
    this.#session = session
    this.#exclusive = exclusive
  }

  get view(): Documents<T> {
    return this.#view
  }

  async #get(key: string): Promise<T | undefined> {
    let found: T | undefined
    await this.#change(key, (document) => {
      found = document
      return document
    })
    return found
  }

  #put(key: string, document: T | undefined): void {
    const next = settle(document)
    // What was there does not matter, unless somebody waits to be told.
    if (this.#pending.has(key)) void this.#change(key, () => next)
    else this.#set(key, this.#known.get(key) ?? this.#keep(checkedKey(key), undefined), next)
  }

  #patch(key: string, change: Partial<T> | Change<T>): Promise<void> {
    if (typeof change === 'function') return this.#change(key, change)
    return this.#change(key, (document) => {
      if (document) return { ...document, ...change }
      throw new ReenactError(
        'NoDocument',
        `There is no document '${key}' to patch. 'put' it first, or patch with a function.`,
        { key },
      )
    })
  }

  settle(): void | Promise<void> {
    return this.#begun.settle()
  }

  async flush(): Promise<readonly string[]> {
    const puts: string[] = []
    const removed: string[] = []
    // In the order of the table, neighbours are on one page.
    for (const key of this.#changed.sort()) {
      const document = this.#known.get(key)?.document
      if (document === undefined) removed.push(key)
      else puts.push(key, encode(document, { what: `The document '${key}'` }))
    }
    await writeDocuments(this.#session, puts)
    await removeDocuments(this.#session, removed)
    return this.#changed
  }

  committed(): void {
    this.#changed = []
    this.#batch += 1
    if (!this.#exclusive || this.#known.size > keptMax) this.#known.clear()
  }

  discard(): void {
    this.#changed = []
    this.#known.clear()
    this.#pending.clear()
    this.#begun = new BegunWork()
    // What a failed handler left running must not write into the next transaction.
    this.#view = this.#newView()
  }

  #newView(): Documents<T> {
    const check = () => {
      if (this.#view !== view) throw cameTooLate('document')
    }
    const view: Documents<T> = {
      get: async (key) => {
        check()
        return this.#get(key)
      },
      put: (key, document) => {
        check()
        this.#put(key, document)
      },
      patch: (key, change) => {
        check()
        return this.#patch(key, change)
      },
      delete: (key) => {
        check()
        this.#put(key, undefined)
      },
    }
    return view
  }

  #change(key: string, change: Change<T>): Promise<void> {
    const pending = this.#pending.size > 0 ? this.#pending.get(key) : undefined
    if (pending !== undefined)
      return this.#later(key, pending, (known) => this.#apply(key, known, change))
    const known = this.#known.get(key) ?? this.#load(checkedKey(key))
    if (known instanceof Promise) {
      return this.#later(key, known, (loaded) => this.#apply(key, loaded, change))
    }
    try {
      this.#apply(key, known, change)
      return alreadyDone
    } catch (error) {
      return this.#begun.failed(error)
    }
  }

  #load(key: string): Known<T> | Promise<Known<T>> {
    const loaded = this.#exclusive
      ? loadDocument<T>(this.#session, key)
      : lockKey(this.#session, key).then(() => loadDocument<T>(this.#session, key))
    if (!(loaded instanceof Promise)) return this.#keep(key, loaded)
    const view = this.#view
    return loaded.then((document) => {
      if (this.#view !== view) throw cameTooLate('document')
      return this.#keep(key, document)
    })
  }

  #keep(key: string, document: T | undefined): Known<T> {
    const known = { document: settle(document), batch: 0 }
    this.#known.set(key, known)
    return known
  }

  #apply(key: string, known: Known<T>, change: Change<T>): Known<T> {
    const next = change(known.document)
    if (next !== known.document) this.#set(key, known, settle(next))
    return known
  }

  #set(key: string, known: Known<T>, document: T | undefined): void {
    known.document = document
    if (known.batch === this.#batch) return
    known.batch = this.#batch
    this.#changed.push(key)
  }

  #later(
    key: string,
    known: Promise<Known<T>>,
    change: (known: Known<T>) => Known<T>,
  ): Promise<void> {
    const changed = known.then((loaded) => {
      if (this.#known.get(key) !== loaded) throw cameTooLate('document')
      return change(loaded)
    })
    this.#pending.set(key, changed)
    const guarded = this.#begun.add(changed.then(() => {}))
    const forget = () => {
      if (this.#pending.get(key) === changed) this.#pending.delete(key)
    }
    guarded.then(forget, forget)
    return guarded
  }
}

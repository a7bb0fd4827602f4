// What handlers write documents to: changes are kept back and reach the database once a batch.

import { encode, settle } from '../runtime/codec/codec.ts'
import { ReenactError } from '../runtime/core/errors.ts'
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

export class DocumentWriter<T extends object> implements ViewWriter<Documents<T>> {
  readonly #session: Session
  readonly #exclusive: boolean
  /** What is known; `undefined` for keys known to be absent. Nobody else writes while this writer does. */
  readonly #known = new Map<string, T | undefined>()
  readonly #changed = new Set<string>()
  /** By key, while a document is being read: later changes of that key wait for it. */
  readonly #pending = new Map<string, Promise<void>>()
  #failure: { readonly error: unknown } | undefined
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
    await this.#change(checkedKey(key), (document) => {
      found = document
      return document
    })
    return found
  }

  #put(key: string, document: T): void {
    checkedKey(key)
    const next = settle(document)
    // What was there does not matter, unless somebody waits to be told.
    if (this.#pending.has(key)) void this.#change(key, () => next)
    else this.#set(key, next)
  }

  #delete(key: string): void {
    checkedKey(key)
    if (this.#pending.has(key)) void this.#change(key, () => undefined)
    else this.#set(key, undefined)
  }

  #patch(key: string, change: Partial<T> | Change<T>): Promise<void> {
    checkedKey(key)
    return this.#change(key, (document) => {
      if (typeof change === 'function') return change(document)
      if (document) return { ...document, ...change }
      throw new ReenactError(
        'NoDocument',
        `There is no document '${key}' to patch. 'put' it first, or patch with a function.`,
        { key },
      )
    })
  }

  settle(): void | Promise<void> {
    if (this.#pending.size > 0) return this.#settleLater()
    this.#throwFailure()
  }

  async flush(): Promise<readonly string[]> {
    const puts: string[] = []
    const removed: string[] = []
    for (const key of this.#changed) {
      const document = this.#known.get(key)
      if (document === undefined) removed.push(key)
      else puts.push(key, encode(document, { what: `The document '${key}'` }))
    }
    await writeDocuments(this.#session, puts)
    await removeDocuments(this.#session, removed)
    return [...this.#changed]
  }

  committed(): void {
    this.#changed.clear()
    if (!this.#exclusive || this.#known.size > keptMax) this.#known.clear()
  }

  discard(): void {
    this.#changed.clear()
    this.#known.clear()
    this.#pending.clear()
    this.#failure = undefined
    // What a failed handler left running must not write into the next transaction.
    this.#view = this.#newView()
  }

  #newView(): Documents<T> {
    const check = () => {
      if (this.#view !== view) throw tooLate()
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
        this.#delete(key)
      },
    }
    return view
  }

  #change(key: string, change: Change<T>): Promise<void> {
    const pending = this.#pending.get(key)
    if (pending !== undefined)
      return this.#later(
        key,
        pending.then(() => this.#apply(key, change)),
      )
    if (this.#known.has(key)) return this.#now(() => this.#apply(key, change))
    const loading = this.#load(key)
    if (loading instanceof Promise) {
      const loaded = loading.then((document) => {
        this.#known.set(key, document)
        this.#apply(key, change)
      })
      return this.#later(key, loaded)
    }
    this.#known.set(key, loading)
    return this.#now(() => this.#apply(key, change))
  }

  #load(key: string): T | undefined | Promise<T | undefined> {
    const loaded = this.#exclusive
      ? loadDocument<T>(this.#session, key)
      : lockKey(this.#session, key).then(() => loadDocument<T>(this.#session, key))
    return loaded instanceof Promise ? loaded.then(settle) : settle(loaded)
  }

  #apply(key: string, change: Change<T>): void {
    const before = this.#known.get(key)
    const next = change(before)
    if (next !== before) this.#set(key, settle(next))
  }

  #set(key: string, document: T | undefined): void {
    this.#known.set(key, document)
    this.#changed.add(key)
  }

  #now(work: () => void): Promise<void> {
    try {
      work()
      return alreadyDone
    } catch (error) {
      return this.#failed(error)
    }
  }

  #later(key: string, work: Promise<void>): Promise<void> {
    const guarded = work.then(
      () => undefined,
      (error: unknown) => this.#failed(error),
    )
    const settled = guarded.then(forget, forget)
    const writer = this
    function forget(): void {
      if (writer.#pending.get(key) === settled) writer.#pending.delete(key)
    }
    this.#pending.set(key, settled)
    return guarded
  }

  // Also a failure nobody awaits must stop the batch, and must not end the process.
  #failed(error: unknown): Promise<never> {
    this.#failure ??= { error }
    const rejected = Promise.reject(error)
    rejected.catch(() => {})
    return rejected
  }

  async #settleLater(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending.values())
    this.#throwFailure()
  }

  #throwFailure(): void {
    if (!this.#failure) return
    const { error } = this.#failure
    this.#failure = undefined
    throw error
  }
}

const tooLate = (): ReenactError =>
  new ReenactError(
    'Closed',
    'A document was written after its handler had failed, so its transaction is undone. Await everything a handler begins.',
    { what: 'view' },
  )

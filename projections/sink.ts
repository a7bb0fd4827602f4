// `sink(target)`: a view in a store that cannot share a transaction with the checkpoint.

import { messageOf, ReenactError } from '../runtime/core/errors.ts'
import { checkedKey } from './document-table.ts'
import type { EventInfo } from './event-types.ts'
import type { View, ViewWriter } from './view.ts'

/** One write to a sink. */
export interface SinkWrite<T> {
  /** Key the handler gave. */
  readonly key: string
  /** `undefined` removes it: keep the position even then. */
  readonly value: T | undefined
  /** Position of the event it comes from. */
  readonly position: number
}

/**
 * A store outside: a search index, a cache, another database. Batches come at least once, since the checkpoint is
 * written after them.
 */
export interface SinkTarget<T> {
  /**
   * Takes a batch, in order, and resolves when it is kept. A write whose position is not above the one kept for
   * its key is an old one come again, and must be passed over.
   */
  write(batch: readonly SinkWrite<T>[]): Promise<void>
  /**
   * Says that a batch failed for good, by an event that cannot be taken: then it is found and handled as `poison`
   * says. Any other failure is an outage: the batch is tried again, with growing delays, for ever.
   */
  isPermanent?(error: unknown): boolean
}

/** What handlers of a sink write to. There is no reading: what is there may be ahead of the checkpoint. */
export interface SinkView<T> {
  /**
   * Writes a value; it reaches the target with its batch.
   *
   * @throws `InvalidName` for a key that is empty, longer than 1,024 characters or not storable
   */
  put(key: string, value: T): void
  /** Removes a value; absent is fine. */
  delete(key: string): void
}

/**
 * A view in a store of your own. The checkpoint is kept beside the other read models and follows each batch, so
 * every event reaches the target at least once, in order; positions make repetitions harmless. It is read where it
 * is: the handle has `position`, `waitFor` and `changes` only.
 *
 * @example
 * ```ts
 * view: sink<Hit>({ write: (batch) => search.upsert(batch, { onlyIfNewer: 'position' }) })
 * ```
 */
export function sink<T>(target: SinkTarget<T>): View<SinkView<T>, object> {
  return {
    shape: 'sink',
    create: async () => {},
    write: () => new SinkWriter(target),
    read: () => ({}),
    isTransient: (error) => error instanceof Outage,
    rows: () => ({
      async *[Symbol.asyncIterator]() {},
    }),
  }
}

/** The target is not there for the moment. */
class Outage extends Error {}

class SinkWriter<T> implements ViewWriter<SinkView<T>> {
  readonly #target: SinkTarget<T>
  #batch: SinkWrite<T>[] = []
  #position: number | undefined
  #view: SinkView<T> = this.#newView()

  constructor(target: SinkTarget<T>) {
    this.#target = target
  }

  get view(): SinkView<T> {
    return this.#view
  }

  begin({ position }: EventInfo): void {
    this.#position = position
  }

  settle(): void {}

  async flush(): Promise<readonly string[]> {
    this.#position = undefined
    const target = this.#target
    try {
      if (this.#batch.length > 0) await target.write(this.#batch)
    } catch (error) {
      throw target.isPermanent?.(error) ? error : new Outage(messageOf(error), { cause: error })
    }
    return this.#batch.map(({ key }) => key)
  }

  committed(): void {
    this.#batch = []
  }

  discard(): void {
    this.#batch = []
    this.#view = this.#newView()
  }

  #newView(): SinkView<T> {
    const add = (key: string, value: T | undefined) => {
      if (this.#position === undefined || this.#view !== view) throw tooLate()
      this.#batch.push({ key: checkedKey(key), value, position: this.#position })
    }
    const view: SinkView<T> = {
      put: (key, value) => add(key, value),
      delete: (key) => add(key, undefined),
    }
    return view
  }
}

const tooLate = (): ReenactError =>
  new ReenactError(
    'Closed',
    'A sink takes writes only while a handler handles an event. Await everything a handler begins.',
    { what: 'view' },
  )

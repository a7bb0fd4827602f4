// Small named values beside the log: snapshots now, checkpoints and leases later.

/** A value and how often it was written. */
export interface StateEntry {
  /** What was put. */
  readonly value: string
  /** 0 for the first write, then one more each time. A fencing token. */
  readonly revision: number
}

/**
 * A key-value store with compare-and-set. A damaged entry rejects with `StoreUnreadable`; it may be deleted, and
 * overwritten where nothing is expected.
 *
 * @example
 * ```ts
 * const entry = await store.state.get('checkpoint:report')
 * const revision = await store.state.put('checkpoint:report', '4711', entry?.revision ?? -1)
 * if (revision === undefined) console.log('somebody else was faster')
 * ```
 */
export interface StateStore {
  /**
   * The entry, or `undefined`.
   *
   * @example
   * ```ts
   * const entry = await store.state.get('checkpoint:report')
   * const after = Number(entry?.value ?? 0)
   * ```
   */
  get(key: string): Promise<StateEntry | undefined>
  /**
   * Writes. With `expected` only if the entry has that revision (-1: does not exist). Answers the new
   * revision, or `undefined` when the expectation failed. Resolves when the value is as durable as an event.
   *
   * @throws `InvalidPayload` for a text that is not storable, `TooLarge` above 64 MiB of key and value
   * @example
   * ```ts
   * const revision = await store.state.put('lease:report', 'worker-1', -1)
   * if (revision === undefined) console.log('somebody else holds it')
   * ```
   */
  put(key: string, value: string, expected?: number): Promise<number | undefined>
  /**
   * Removes; absent is fine.
   *
   * @example
   * ```ts
   * await store.state.delete('checkpoint:report')
   * ```
   */
  delete(key: string): Promise<void>
  /**
   * Keys that begin so, in byte order.
   *
   * @example
   * ```ts
   * for (const key of await store.state.keys('checkpoint:')) console.log(key)
   * ```
   */
  keys(prefix: string): Promise<readonly string[]>
}

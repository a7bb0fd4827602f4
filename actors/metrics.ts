// Counters of one runtime. Everything that has a bound has one here.

/**
 * What a runtime has done since it started, and how full it is now. Counts, no units; those that say *now* go down
 * again.
 *
 * @example
 * ```ts
 * const { pending, overloaded } = runtime.metrics()
 * ```
 */
export interface Metrics {
  /** Commands accepted, with or without events. */
  accepted: number
  /** Commands answered with a rejection. */
  rejected: number
  /** Commands answered with their first outcome. */
  duplicates: number
  /** Commands that ended in an error. */
  failed: number
  /** Commands turned away because a queue was full: `Overloaded`. */
  overloaded: number
  /** Appends that met another writer. */
  conflicts: number
  /** Appends whose outcome was not known at first. */
  unknownOutcomes: number
  /** Streams read from the beginning because a command id is older than those remembered. */
  streamScans: number
  /** Actors loaded into memory. */
  activations: number
  /** Actors put out of memory. */
  passivations: number
  /** Actors that stopped because their log is wrong. They stay stopped while they are in memory. */
  faults: number
  /** Snapshots that were stored. */
  snapshotsTaken: number
  /** Snapshots that did not fit or verify, so that events were replayed instead. */
  snapshotsIgnored: number
  /** Snapshots that could not be stored. */
  snapshotsFailed: number
  /** Actors in memory now. */
  resident: number
  /** Commands waiting or being handled now. */
  pending: number
  /** Appends without a definite outcome now. */
  appending: number
}

export const zeroMetrics = (): Metrics => ({
  accepted: 0,
  rejected: 0,
  duplicates: 0,
  failed: 0,
  overloaded: 0,
  conflicts: 0,
  unknownOutcomes: 0,
  streamScans: 0,
  activations: 0,
  passivations: 0,
  faults: 0,
  snapshotsTaken: 0,
  snapshotsIgnored: 0,
  snapshotsFailed: 0,
  resident: 0,
  pending: 0,
  appending: 0,
})

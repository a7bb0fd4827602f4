// Counters of one worker.

/** What a worker has done since it started, and what it has in hand. */
export interface WorkerMetrics {
  /** Commands handled: decided by their actor, or found decided. */
  handled: number
  /** Steps that failed and were or will be tried again. */
  retried: number
  /** Commands given up. */
  parked: number
  /** Signals received. */
  deliveries: number
  /** Actors with commands in hand now. */
  lanes: number
}

export const zeroWorkerMetrics = (): WorkerMetrics => ({
  handled: 0,
  retried: 0,
  parked: 0,
  deliveries: 0,
  lanes: 0,
})

// What a worker of processes counts.

/** Counters since the worker began, and levels. */
export interface ProcessMetrics {
  /** Events that started or fed a process. */
  triggers: number
  /** Events for processes that do not exist, or have ended. */
  passedOver: number
  /** Events that no process could take: dead letters of its name. */
  failedTriggers: number
  /** Attempts of steps that began. */
  attempts: number
  /** Steps that succeeded. */
  completed: number
  /** Attempts that failed and are repeated. */
  retried: number
  /** Steps that failed for good. */
  failed: number
  /** Timers that came due, deadlines included. */
  timersFired: number
  /** Processes that came to their end. */
  ended: number
  /** Level: processes that have not ended. */
  open: number
  /**
   * Level: open processes that do not go on by themselves, those parked `early` among them, as far as this worker has met them:
   * `runtime.processes.parked()` lists all.
   */
  parked: number
  /** Level: processes in memory. */
  resident: number
  /** Level: attempts that wait for their turn. */
  backlog: number
}

export const zeroProcessMetrics = (): ProcessMetrics => ({
  triggers: 0,
  passedOver: 0,
  failedTriggers: 0,
  attempts: 0,
  completed: 0,
  retried: 0,
  failed: 0,
  timersFired: 0,
  ended: 0,
  open: 0,
  parked: 0,
  resident: 0,
  backlog: 0,
})

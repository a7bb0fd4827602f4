// What all actors of a runtime share.

import type { Ports } from '../runtime/core/clock.ts'
import type { Deadlines } from './deadlines.ts'
import type { Metrics } from './metrics.ts'
import type { ReadDeps } from './rehydrate.ts'

/** Limits of every actor of a runtime. */
export interface ActorLimits {
  /** Commands that may wait at one actor; more are `Overloaded`. Default 1,024. */
  readonly mailboxMax: number
  /** Actors in memory; the one used longest ago leaves. Default 100,000. */
  readonly residentMax: number
  /** An actor without commands leaves memory after so long, ms. Default 60,000. */
  readonly passivateAfterMs: number
  /** Events after which a snapshot is taken. Default 500. */
  readonly snapshotEvery: number
  /** Longest wait of a sender, unless it says otherwise, ms. Default 5,000. */
  readonly timeoutMs: number
  /** An append without an answer counts as unknown after so long, ms. Default 10,000. */
  readonly appendTimeoutMs: number
  /** Decisions of one command against other writers before `Conflict`. Default 8. */
  readonly conflictAttemptsMax: number
  /** Events one actor may have; then commands are `StreamFull`. Default 2^31-1. */
  readonly streamEventsMax: number
}

/** What all actors of a runtime share. */
export interface ActorDeps extends ReadDeps {
  readonly ports: Ports
  readonly limits: ActorLimits
  readonly metrics: Metrics
  /** Ends the waiting of senders. */
  readonly deadlines: Deadlines
  /** Names this runtime in the metadata of events. */
  readonly writer: string
  /** Nobody else writes: what is in memory is what the log holds. */
  readonly exclusive: boolean
  /** Set when closing ran out of time: nothing waits for a definite outcome any more. */
  readonly isHalted: () => boolean
}

// The ids of what a step causes: the same at every attempt, also after a crash.

import { hash } from 'node:crypto'
import { v7 } from 'uuid'

/**
 * The id of the command, or the idempotency key of the activity, that belongs to a step. A UUID version 7 made of the time
 * the step was requested and a hash of its name, so that actors find it fast.
 */
export function stepId(stream: string, key: string, requestedAt: number): string {
  const digest = hash('sha256', `${stream}\n${key}`, 'buffer')
  return v7({ msecs: requestedAt, seq: digest.readUInt32BE(16), random: digest.subarray(0, 16) })
}

/** What undoes a step has an id of its own. */
export const undoKey = (key: string, again: boolean): string =>
  again ? `${key}/undo/again` : `${key}/undo`

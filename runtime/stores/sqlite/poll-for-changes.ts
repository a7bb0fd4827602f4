// How a reading process learns that the writing one committed: it asks, as long as somebody waits.

import type { Timers } from '../../core/clock.ts'

/**
 * Answers a function that begins and ends asking. `version` changes with each foreign commit; what cannot be asked
 * counts as a change, so that the waiting reader meets the error itself.
 */
export function pollForChanges(
  timers: Timers,
  pollMs: number,
  version: () => number,
  notify: () => void,
): (waiting: boolean) => void {
  let stop: (() => void) | undefined
  let seen: number | undefined
  const versionNow = (): number => {
    try {
      return version()
    } catch {
      return Number.NaN
    }
  }
  const ask = (): void => {
    const now = versionNow()
    const changed = !Object.is(now, seen)
    seen = now
    if (changed) notify()
    else stop = timers.after(pollMs, ask)
  }
  return (waiting) => {
    stop?.()
    stop = waiting ? timers.after(pollMs, ask) : undefined
  }
}

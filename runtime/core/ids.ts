// Command ids: time-ordered UUIDs (version 7) from the ports, strictly increasing in one process.

import { v7, validate } from 'uuid'
import type { Clock, Random } from './clock.ts'

const poolIds = 64

/** Makes command ids. Strictly increasing, also when the clock stands still or goes back. */
export function createIds(clock: Clock, random: Random): () => string {
  // Random bytes are cheap by the hundred and dear by the dozen.
  const pool = new Uint8Array(16 * poolIds)
  let next = poolIds
  let lastMs = Number.NEGATIVE_INFINITY
  let seq = 0
  return () => {
    if (next === poolIds) {
      random.fill(pool)
      next = 0
    }
    const bytes = pool.subarray(16 * next, 16 * next + 16)
    next += 1
    const nowMs = clock.now()
    if (nowMs > lastMs) {
      lastMs = nowMs
      seq = ((bytes[6] ?? 0) << 8) | (bytes[7] ?? 0) // Room for 2^32 more within this millisecond.
    } else {
      seq += 1
    }
    return v7({ msecs: lastMs, seq, random: bytes })
  }
}

/** When a version 7 UUID was made, in milliseconds since the epoch; `undefined` for any other id. */
export function issuedAt(id: string): number | undefined {
  // The version stands in the fifteenth place: most other ids need no closer look.
  if (id.length !== 36 || id.charCodeAt(14) !== 0x37 || !validate(id)) return undefined
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

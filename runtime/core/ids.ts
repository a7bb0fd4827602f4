// Command ids: time-ordered UUIDs (version 7) from the ports, strictly increasing in one process.

import { v7 } from 'uuid'
import type { Clock, Random } from './clock.ts'

const poolIds = 256

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
  if (id.length !== 36 || id.charCodeAt(14) !== 0x37) return undefined
  let time = 0
  for (let i = 0; i < 36; i++) {
    const unit = id.charCodeAt(i)
    if (i === 8 || i === 13 || i === 18 || i === 23) {
      if (unit !== 0x2d) return undefined
      continue
    }
    const digit = hexDigit(unit)
    if (digit === -1) return undefined
    // The variant: 8, 9, a or b.
    if (i === 19 && digit >> 2 !== 2) return undefined
    if (i < 13) time = time * 16 + digit
  }
  return time
}

const hexDigit = (unit: number): number => {
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30
  const lower = unit | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

// One side of one row in a process of its own: no other's garbage, compiled code or caches.

import type { BenchContext, Figure } from './measure.ts'
import { findRow } from './rows.ts'

/** What is asked of the process. */
export interface SideRequest {
  readonly title: string
  /** Which side, or -1 to prepare the row. */
  readonly side: number
  readonly context: BenchContext
}

/** What it answers. */
export interface SideAnswer {
  readonly figure?: Figure
  /** Most memory the process ever had, MB. */
  readonly peakMb: number
  readonly error?: string
}

// The one who asked has gone, or has the answer.
process.once('disconnect', () => process.exit())

process.once('message', async ({ title, side, context }: SideRequest) => {
  const peakMb = () => process.resourceUsage().maxRSS / 1024
  const answer = async (): Promise<SideAnswer> => {
    const row = findRow(title)
    if (side >= 0) {
      const figure = await row.sides[side]?.run(context)
      return { ...(figure && { figure }), peakMb: peakMb() }
    }
    await row.prepare?.(context)
    return { peakMb: peakMb() }
  }
  process.send?.(
    await answer().catch(
      (error: unknown): SideAnswer => ({ peakMb: peakMb(), error: String(error) }),
    ),
  )
  process.disconnect()
})

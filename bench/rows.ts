// Everything that is measured.

import { commandRows } from './commands.ts'
import { serverRows } from './eventstoredb.ts'
import { evolveRows } from './evolve.ts'
import { liveProjectionRows } from './live-projections.ts'
import type { Row } from './measure.ts'
import { memoryRows } from './memory.ts'
import { postedRows } from './posted.ts'
import { processRows } from './processes.ts'
import { projectionRows } from './projections.ts'
import { readingRows } from './replay.ts'
import { startRows } from './start.ts'

export const rows: readonly Row[] = [
  ...commandRows,
  ...postedRows,
  ...processRows,
  ...readingRows,
  ...projectionRows,
  ...liveProjectionRows,
  ...evolveRows,
  ...serverRows,
  ...memoryRows,
  ...startRows,
]

/** The row of a title. */
export function findRow(title: string): Row {
  const found = rows.find((row) => row.title === title)
  if (found) return found
  throw new Error(`there is no row '${title}'`)
}

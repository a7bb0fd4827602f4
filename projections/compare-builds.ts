// Two builds of one read model, row by row.

import type { Session } from './engine.ts'
import type { AnyProjection } from './projection.ts'

/** A row that differs. Contents are JSON texts; `undefined` where the row is absent. */
export interface RowDifference {
  /** Key of the document, or of the row. */
  readonly key: string
  /** What the live build has. */
  readonly live: string | undefined
  /** What the candidate has. */
  readonly candidate: string | undefined
}

/** The first `max` rows that differ. Both builds must stand still at the same position. */
export async function compareBuilds(
  { view }: AnyProjection,
  live: Session,
  candidate: Session,
  max: number,
): Promise<readonly RowDifference[]> {
  const found: RowDifference[] = []
  const [a, b] = [live, candidate].map((session) => view.rows(session)[Symbol.asyncIterator]())
  if (!a || !b) return found
  let [left, right] = [await a.next(), await b.next()]
  while (found.length < max && !(left.done && right.done)) {
    const leftKey: string | undefined = left.done ? undefined : left.value[0]
    const rightKey: string | undefined = right.done ? undefined : right.value[0]
    const isLeft = leftKey !== undefined && (rightKey === undefined || isBefore(leftKey, rightKey))
    const isRight = rightKey !== undefined && (leftKey === undefined || isBefore(rightKey, leftKey))
    const liveRow: string | undefined = isLeft && !left.done ? left.value[1] : undefined
    const candidateRow: string | undefined = isRight && !right.done ? right.value[1] : undefined
    if (liveRow !== candidateRow) {
      const key = (isLeft ? leftKey : rightKey) ?? ''
      found.push({ key, live: liveRow, candidate: candidateRow })
    }
    if (isLeft) left = await a.next()
    if (isRight) right = await b.next()
  }
  await Promise.all([a.return?.(), b.return?.()])
  return found
}

// As both databases order texts: by their bytes.
const isBefore = (a: string, b: string): boolean =>
  Buffer.compare(Buffer.from(a), Buffer.from(b)) <= 0

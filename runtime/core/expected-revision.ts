// The four expectations a writer may have of a stream, and the one check.

/**
 * What the writer expects of the stream: exactly this last revision, no events (`none`), at least one
 * (`exists`), or nothing in particular (`any`).
 */
export type ExpectedRevision = number | 'none' | 'exists' | 'any'

/** The last revision of a stream without events. */
export const noRevision = -1

/** Whether a stream whose last revision is `head` meets the expectation. */
export const meetsExpectation = (expected: ExpectedRevision, head: number): boolean => {
  if (expected === 'any') return true
  if (expected === 'exists') return head !== noRevision
  return head === (expected === 'none' ? noRevision : expected)
}

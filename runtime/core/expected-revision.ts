// The four expectations a writer may have of a stream, and the one check.

/**
 * What the writer expects of the stream: exactly this last revision, no events (`none`), at least one
 * (`exists`), or nothing in particular (`any`).
 */
export type ExpectedRevision = number | 'none' | 'exists' | 'any'

/** The last revision of a stream without events. */
export const noRevision = -1

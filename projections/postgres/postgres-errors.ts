// Which errors of PostgreSQL and of the way to it may pass by themselves.

/** Classes and codes of SQLSTATE: connection, rollback by the server, resources, operator, lock not available. */
const transientStates = ['08', '40', '53', '57', '55P03', '25P03']

const transientSystemCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])

/** What the driver says, without a code, when the connection is gone. */
const lostConnection = /connection terminated|not queryable|timeout exceeded|was closed/i

/** Whether the same may succeed later. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  if (code === undefined) return lostConnection.test(error.message)
  return (
    transientSystemCodes.has(code) ||
    (code.length === 5 && transientStates.some((state) => code.startsWith(state)))
  )
}

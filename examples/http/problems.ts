// Errors as HTTP answers: a status and a problem document (RFC 9457).

import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { type ErrorCode, isReenactError } from 'reenact'

const statusOf: Partial<Record<ErrorCode, ContentfulStatusCode>> = {
  InvalidCommand: 400,
  InvalidName: 400,
  InvalidOption: 400,
  TooLarge: 413,
  StreamDeleted: 410,
  Closed: 503,
}

/** Answers with a problem document. */
export function problem(
  c: Context,
  status: ContentfulStatusCode,
  title: string,
  detail: string,
  more: object = {},
): Response {
  if (status === 503) c.header('Retry-After', '1')
  return c.json({ ...more, status, title, detail }, status, {
    'Content-Type': 'application/problem+json',
  })
}

/** Answers whatever was thrown. What a client cannot mend is told to the operator, not to the client. */
export function problemOf(error: Error, c: Context): Response {
  if (error instanceof HTTPException) {
    return problem(c, error.status as ContentfulStatusCode, 'Request', error.message)
  }
  if (isReenactError(error)) {
    const { code, details, message, retryable } = error
    if (code === 'CommandParked') return problem(c, 500, code, message, details)
    const status = statusOf[code] ?? (retryable ? 503 : 500)
    if (status !== 500) return problem(c, status, code, message, details)
  }
  process.stderr.write(`${error.stack}\n`)
  return problem(c, 500, 'Internal', 'Something went wrong here. The log of the server says what.')
}

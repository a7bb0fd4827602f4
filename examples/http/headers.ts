// The request headers that say how a command is to be handled.

import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'

const waitMsMax = 30_000

/** `Prefer: wait=N`: how long the client wants to wait, ms. */
export function waitMs(c: Context): number | undefined {
  const [, seconds] = /(?:^|[,;\s])wait\s*=\s*(\d+)/i.exec(c.req.header('Prefer') ?? '') ?? []
  if (seconds === undefined) return undefined
  // What was waited for longest is said by `Preference-Applied`.
  const ms = Math.min(Number(seconds) * 1_000, waitMsMax)
  c.header('Preference-Applied', `wait=${ms / 1_000}`)
  return ms
}

/** A revision as an entity tag. */
export const etagOf = (revision: number): string => `"${revision}"`

/** `If-Match`: the revision the account must have. */
export function expectedRevision(c: Context): number | 'exists' | undefined {
  const given = c.req.header('If-Match')
  if (given === undefined) return undefined
  if (given.trim() === '*') return 'exists'
  const [, revision] = /^\s*"(-1|\d{1,15})"\s*$/.exec(given) ?? []
  if (revision !== undefined) return Number(revision)
  throw new HTTPException(400, { message: 'Give If-Match one ETag as it came, such as "3".' })
}

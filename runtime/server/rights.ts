// What a user may do with a stream: `$acl` of its rules as EventStoreDB reads it. For what that leaves out the
// defaults of the stream `$settings` count; without them everybody may use a stream, and only `$admins` those of the
// system and the log.

import type { EventStore } from '../ports/event-store.ts'
import { admins, type Caller } from './access.ts'
import { accessDenied } from './rpc-error.ts'
import { lastObject, ruledStreamOf, rulesStreamOf } from './stream-rules.ts'

/** What may be done with a stream. For `$$stream` reading and writing are those of the rules of `stream`. */
export type Right = 'read' | 'write' | 'delete'

const everybody = '$all'
const keys = { read: '$r', write: '$w', delete: '$d' }
const rulesKeys = { read: '$mr', write: '$mw', delete: '$mw' }

/** Throws for a caller who may not do this. */
export async function checkRight(
  store: EventStore,
  caller: Caller | undefined,
  right: Right,
  stream: string,
): Promise<void> {
  if (!caller || caller.groups.includes(admins)) return
  const ruled = ruledStreamOf(stream)
  const key = ruled === undefined ? keys[right] : rulesKeys[right]
  const allowed = await allowedBy(store, ruled ?? stream, key)
  const mine = [everybody, caller.name, ...caller.groups]
  if (allowed.some((one) => mine.includes(one))) return
  throw accessDenied(
    `Access denied. User '${caller.name}' may not ${right} '${stream}': ${key} of its $acl, or the default, does not name it.`,
  )
}

/** Throws for a caller who may not manage persistent subscriptions. */
export function checkOperator(caller: Caller | undefined): void {
  if (!caller || caller.groups.some((group) => group === admins || group === '$ops')) return
  throw accessDenied(
    `Access denied. User '${caller.name}' is not in $ops or $admins, who manage persistent subscriptions.`,
  )
}

/** The names and groups that have a right. */
async function allowedBy(
  store: EventStore,
  stream: string,
  key: string,
): Promise<readonly string[]> {
  const { $acl } = await lastObject(store, rulesStreamOf(stream))
  const own = named($acl, key)
  if (own) return own
  // Instead of a list there may be the name of a default.
  const byName = stream.startsWith('$') ? systemDefault : userDefault
  const kind = $acl === systemDefault || $acl === userDefault ? $acl : byName
  const settings = await lastObject(store, '$settings')
  return named(settings[kind], key) ?? [kind === systemDefault ? admins : everybody]
}

const userDefault = '$userStreamAcl'
const systemDefault = '$systemStreamAcl'

/** An entry of an access list, which is one name or several. */
function named(acl: unknown, key: string): readonly string[] | undefined {
  const entry = (acl as Record<string, unknown> | null | undefined)?.[key]
  if (typeof entry === 'string') return [entry]
  return Array.isArray(entry) ? entry.map(String) : undefined
}

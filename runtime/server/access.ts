// Who calls: anyone on an open server, otherwise one of its users, who gives a name and password with every call.

import { createHash, timingSafeEqual } from 'node:crypto'
import { type Metadata, status } from '@grpc/grpc-js'
import { accessDenied } from './rpc-error.ts'
import type { ServerOptions } from './server-options.ts'

/** A user, by the name and the groups that rights are given to. */
export interface Caller {
  readonly name: string
  readonly groups: readonly string[]
}

/** Who sends these headers; `undefined` on an open server. Throws for a caller who may not come in. */
export type Identify = (metadata: Metadata) => Caller | undefined

/** Whoever is in it may do everything. */
export const admins = '$admins'

/** Checks of basic authentication; without users everybody may come in. */
export function identifyAmong(users: ServerOptions['users']): Identify {
  if (!users) return () => undefined
  const known = Object.entries(users).map(([name, user]) => {
    const { password, groups } =
      typeof user === 'string' ? { password: user, groups: [admins] } : user
    return { digest: digestOf(`${name}:${password}`), caller: { name, groups } }
  })
  return (metadata) => {
    const [header] = metadata.get('authorization')
    const [, given] = /^Basic (.+)$/i.exec(String(header ?? '')) ?? []
    const digest = given === undefined ? undefined : digestOf(Buffer.from(given, 'base64'))
    // Every name is compared, so that the time tells nothing.
    const [found] = known.filter(
      (one) => digest !== undefined && timingSafeEqual(one.digest, digest),
    )
    if (found) return found.caller
    throw accessDenied(
      'Access denied. Give the name and password of a user of this server.',
      status.UNAUTHENTICATED,
    )
  }
}

const digestOf = (text: string | Buffer): Buffer => createHash('sha256').update(text).digest()

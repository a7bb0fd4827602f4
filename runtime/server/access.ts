// Who may call: anyone on an open server, otherwise those who give a known name and password with every call.

import { createHash, timingSafeEqual } from 'node:crypto'
import { type Metadata, status } from '@grpc/grpc-js'
import { accessDenied } from './rpc-error.ts'

/** Throws for a caller who may not come in. */
export type CheckAccess = (metadata: Metadata) => void

/** Checks of basic authentication; without users everybody may come in. */
export function accessFor(users: Readonly<Record<string, string>> | undefined): CheckAccess {
  if (!users) return () => {}
  const known = Object.entries(users).map(([name, password]) => digest(`${name}:${password}`))
  return (metadata) => {
    const [header] = metadata.get('authorization')
    const [, given] = /^Basic (.+)$/i.exec(String(header ?? '')) ?? []
    const found = given === undefined ? undefined : digest(Buffer.from(given, 'base64').toString())
    // Every name is compared, so that the time tells nothing.
    const matches = known.filter((entry) => found !== undefined && timingSafeEqual(entry, found))
    if (matches.length === 0) {
      throw accessDenied(
        'Access denied. Give the name and password of a user of this server.',
        status.UNAUTHENTICATED,
      )
    }
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

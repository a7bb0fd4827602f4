// Options of the server, checked once.

import type { Ports } from '../core/clock.ts'
import { ReenactError } from '../core/errors.ts'
import type { EventStore } from '../ports/event-store.ts'

/** Options of {@link startServer}. */
export interface ServerOptions {
  /**
   * What is served: `file:PATH`, `memory:`, or an open store, which then stays yours to close. Default
   * `file:reenact.db`, in the working directory, made if it is not there.
   */
  readonly store?: string | EventStore
  /** Port to listen on; 0 takes any free one. Default 2113. */
  readonly port?: number
  /** Address to listen on. Anything but loopback needs `tls` and `users`. Default `127.0.0.1`. */
  readonly host?: string
  /** Certificate chain and private key, both PEM. Without them the connection is not encrypted. */
  readonly tls?: { readonly certificate: string | Buffer; readonly key: string | Buffer }
  /**
   * Who may come in, by name: a password, or a password and groups. Who has a password alone is in `$admins` and may
   * do everything; for others `$acl` of streams counts. Needs `tls`, since clients send no password without it.
   * Default: everybody on this machine may do everything.
   */
  readonly users?: Readonly<Record<string, string | ServerUser>>
  /** Clock and timers. Default: the system's. */
  readonly ports?: Partial<Ports>
}

/** A user who may not do everything. */
export interface ServerUser {
  /** What it logs in with. */
  readonly password: string
  /** What rights can be given to beside the name: `$ops` and names of your own. */
  readonly groups: readonly string[]
}

/** Served where nothing else is named: what was acknowledged is there after a restart. */
export const defaultStore = 'file:reenact.db'

const loopback = new Set(['127.0.0.1', '::1', 'localhost'])

/** Throws `InvalidOption` for options that make no sense or would leave the door open. */
export function checkOptions({ port = 2113, host = '127.0.0.1', tls, users }: ServerOptions): void {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw invalid('port', `${port} is no port`, 'give a whole number from 0 to 65535')
  }
  if (users && Object.keys(users).length === 0) {
    throw invalid('users', 'nobody could come in', 'name at least one user, or leave it out')
  }
  for (const [name, user] of Object.entries(users ?? {})) {
    const { password } = typeof user === 'string' ? { password: user } : user
    if (name !== '' && !name.includes(':') && password) continue
    throw invalid('users', `'${name}' cannot come in`, 'give a name without a colon and a password')
  }
  if (users && !tls) {
    throw invalid(
      'users',
      'clients send no password over a connection that is not encrypted',
      "give 'tls' too",
    )
  }
  if (!loopback.has(host) && !(tls && users)) {
    throw invalid(
      'host',
      `'${host}' may be reached from other machines`,
      "give 'tls' and 'users' too, or listen on 127.0.0.1",
    )
  }
}

/** An option is wrong. */
export const invalid = (option: string, problem: string, fix: string): ReenactError =>
  new ReenactError('InvalidOption', `Option '${option}': ${problem}. To mend it: ${fix}.`, {
    option,
    fix,
  })

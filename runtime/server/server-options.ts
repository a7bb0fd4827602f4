// Options of the server, checked once.

import type { Ports } from '../core/clock.ts'
import { ReenactError } from '../core/errors.ts'
import type { EventStore } from '../ports/event-store.ts'

/** Options of {@link startServer}. */
export interface ServerOptions {
  /** What is served: `memory:`, `file:PATH`, or an open store, which then stays yours to close. */
  readonly store: string | EventStore
  /** Port to listen on; 0 takes any free one. Default 2113. */
  readonly port?: number
  /** Address to listen on. Anything but loopback needs `tls` and `users`. Default `127.0.0.1`. */
  readonly host?: string
  /** Certificate chain and private key, both PEM. Without them the connection is not encrypted. */
  readonly tls?: { readonly certificate: string | Buffer; readonly key: string | Buffer }
  /**
   * Passwords by name: only these may come in, and all of them may do everything. Needs `tls`, since clients
   * send no password without it. Default: everybody on this machine may.
   */
  readonly users?: Readonly<Record<string, string>>
  /** Clock and timers. Default: the system's. */
  readonly ports?: Partial<Ports>
}

const loopback = new Set(['127.0.0.1', '::1', 'localhost'])

/** Throws `InvalidOption` for options that make no sense or would leave the door open. */
export function checkOptions({ port = 2113, host = '127.0.0.1', tls, users }: ServerOptions): void {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw invalid('port', `${port} is no port`, 'give a whole number from 0 to 65535')
  }
  if (users && Object.keys(users).length === 0) {
    throw invalid('users', 'nobody could come in', 'name at least one user, or leave it out')
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

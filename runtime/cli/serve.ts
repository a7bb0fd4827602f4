// `reenact serve`: the development server, until a signal stops it.

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { messageOf, ReenactError } from '../core/errors.ts'
import { defaultStore, type ServerOptions } from '../server/server-options.ts'
import { startServer } from '../server/start-server.ts'
import { wholeNumber } from './arguments.ts'
import { print, say } from './output.ts'
import { aborted, untilSignal } from './signals.ts'

interface ServeOptions {
  readonly store: string
  readonly port: number
  readonly host: string
  readonly tls?: readonly string[]
  readonly user?: Readonly<Record<string, string>>
}

export function define(command: Command): void {
  command
    .description(
      "Serves a store over EventStoreDB's protocol, for development and tests: its official clients work with it unchanged. Ctrl+C stops it.",
    )
    .option('--store <address>', 'what is served: file:PATH or memory:', defaultStore)
    .option('--port <n>', 'port to listen on; 0 takes a free one', wholeNumber(0), 2113)
    .option(
      '--host <address>',
      'address to listen on; not loopback needs --tls and --user',
      '127.0.0.1',
    )
    .option('--tls <files...>', 'certificate chain and private key, two PEM files')
    .option('--user <name:password>', 'who may come in; may be repeated; needs --tls', addUser)
    .action(serve)
}

function addUser(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [, name, password] = /^([^:]+):(.+)$/s.exec(text) ?? []
  if (name === undefined || password === undefined) {
    throw new InvalidArgumentError('Give NAME:PASSWORD.')
  }
  return { ...before, [name]: password }
}

async function serve({ store, port, host, tls, user }: ServeOptions): Promise<void> {
  const options: ServerOptions = {
    store,
    port,
    host,
    ...(tls && { tls: readTls(tls) }),
    ...(user && { users: user }),
  }
  const server = await startServer(options)
  say(`Serving ${servedName(store)}. Ctrl+C stops it.`)
  print([server.connectionString])
  await aborted(untilSignal())
  await server.close()
}

/** A connection string may hold a password. */
function servedName(store: string): string {
  if (store === 'memory:') return 'memory:, which ends with this process'
  if (!store.startsWith('file:')) return 'EventStoreDB'
  return `${resolve(store.slice('file:'.length).replace(/\?mode=r[ow]$/, ''))}, which stays`
}

function readTls(files: readonly string[]): NonNullable<ServerOptions['tls']> {
  const [certificate, key] = files
  if (certificate === undefined || key === undefined || files.length > 2) {
    throw wrongTls('it takes two files', 'give --tls CERTIFICATE KEY')
  }
  try {
    return { certificate: readFileSync(certificate), key: readFileSync(key) }
  } catch (error) {
    throw wrongTls(messageOf(error), 'give two PEM files that can be read')
  }
}

const wrongTls = (problem: string, fix: string): ReenactError =>
  new ReenactError('InvalidOption', `Option '--tls': ${problem}. To mend it: ${fix}.`, {
    option: '--tls',
    fix,
  })

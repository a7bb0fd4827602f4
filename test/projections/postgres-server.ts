// A real PostgreSQL server for tests: from Debian's package, on a free loopback port, as an unprivileged user.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface PostgresServer {
  /** The address of a new, empty database. */
  database(): Promise<string>
  stop(): Promise<void>
}

/** Said where there is no server to start. */
export const howToGetPostgres =
  "PostgreSQL is not installed: 'apt-get install postgresql' runs these tests too."

const debian = '/usr/lib/postgresql'

/** Where the programs are, if they are. */
export function postgresPrograms(): string | undefined {
  if (!existsSync(debian)) return undefined
  const versions = readdirSync(debian).sort((a, b) => Number(b) - Number(a))
  return versions
    .map((version) => join(debian, version, 'bin'))
    .find((folder) => existsSync(join(folder, 'initdb')))
}

/** The server refuses to run as root. */
function unprivileged(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address ? address.port : 0
      server.close(() => resolve(port))
    })
  })

/** Starts a server. It ends with this process, or when it is stopped. */
export async function startPostgres(programs: string): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'reenact-postgres-'))
  const user = unprivileged()
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid)
  const options = { ...user, cwd: folder, stdio: 'pipe' as const }
  const data = join(folder, 'data')
  execFileSync(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'reenact', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    options,
  )
  const port = await freePort()
  // It ends with its input, that is with this process, however that one ends.
  const script = '"$@" & cat; kill -QUIT $!; wait; rm -rf "$0"'
  const command = [join(programs, 'postgres'), '-D', data, '-p', `${port}`, '-h', '127.0.0.1']
  const server = spawn('sh', ['-c', script, folder, ...command, '-k', folder], {
    ...user,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  server.unref()
  const input = server.stdin as Socket
  input.unref()
  let databases = 0
  const psql = (sql: string) =>
    execFileSync(
      join(programs, 'psql'),
      ['-h', '127.0.0.1', '-p', String(port), '-U', 'reenact', '-d', 'postgres', '-c', sql],
      options,
    )
  const ended = once(server, 'exit')
  const stop = async () => {
    server.ref()
    input.end()
    await ended
  }
  for (let attempt = 0; ; attempt += 1) {
    try {
      psql('SELECT 1')
      break
    } catch (error) {
      if (attempt === 100 || server.exitCode !== null) {
        await stop()
        throw error
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  return {
    database: async () => {
      databases += 1
      psql(`CREATE DATABASE test_${databases}`)
      return `postgres://reenact@127.0.0.1:${port}/test_${databases}`
    },
    stop,
  }
}

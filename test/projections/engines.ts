// The databases read models are tested on.

import { join } from 'node:path'
import {
  howToGetPostgres,
  type PostgresServer,
  postgresPrograms,
  startPostgres,
} from './postgres-server.ts'

export interface TestEngine {
  readonly name: 'sqlite' | 'postgres'
  /** Skips the suite where there is no such database. Call it inside `describe`. */
  setUp(): void
  /** A database nobody used. */
  address(folder: string): Promise<string>
}

let made = 0

const sqlite: TestEngine = {
  name: 'sqlite',
  setUp: () => {},
  address: async (folder) => {
    made += 1
    return `file:${join(folder, `views-${made}`)}`
  },
}

// One for all files that run in this process; it ends with the process.
let server: Promise<PostgresServer> | undefined

const postgres: TestEngine = {
  name: 'postgres',
  setUp: () => {
    before(function () {
      this.timeout(60_000)
      const programs = postgresPrograms()
      if (!programs) {
        process.stdout.write(`      ${howToGetPostgres}\n`)
        this.skip()
      }
      server ??= startPostgres(programs)
      return server.then(() => {})
    })
  },
  address: async () => {
    if (!server) throw new Error('setUp was not called')
    return (await server).database()
  },
}

export const engines: readonly TestEngine[] = [sqlite, postgres]

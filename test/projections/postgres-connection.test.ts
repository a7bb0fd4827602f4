// A connection to PostgreSQL that is cut while a transaction thinks: told by the next statement, and no end of the process.

import { expect } from 'chai'
import pg from 'pg'
import {
  PooledConnection,
  WriterConnection,
} from '../../projections/postgres/postgres-connection.ts'
import { engines } from './engines.ts'

const postgres = engines.find(({ name }) => name === 'postgres')

describe('a connection to PostgreSQL that is cut in a transaction', () => {
  postgres?.setUp()
  const opened = {
    'of a pool': async (address: string) =>
      new PooledConnection(new pg.Pool({ connectionString: address, max: 1 })),
    'of a writer': async (address: string) => {
      const client = new pg.Client(address)
      const connection = new WriterConnection(client)
      await client.connect()
      return connection
    },
  }
  for (const [what, open] of Object.entries(opened)) {
    it(`${what}: refuses the statement that follows`, async () => {
      const address = (await postgres?.address('')) ?? ''
      const connection = await open(address)
      const admin = new pg.Client(address)
      await admin.connect()
      const failed = connection.transaction(async () => {
        const { rows } = await connection.execute('SELECT pg_backend_pid() AS pid')
        await admin.query('SELECT pg_terminate_backend($1)', [rows[0]?.['pid']])
        // It is idle when it hears of it.
        await gone(admin, rows[0]?.['pid'])
        await new Promise((resolve) => setTimeout(resolve, 50))
        await connection.execute('SELECT 1')
      })
      const error = await failed.then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      expect(String(error)).to.match(/terminat|queryable|closed/i)
      if (what === 'of a pool') expect((await connection.execute('SELECT 1')).changes).to.equal(1)
      await connection.close()
      await admin.end()
    })
  }
})

async function gone(admin: pg.Client, pid: unknown): Promise<void> {
  for (;;) {
    const { rowCount } = await admin.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [pid])
    if (rowCount === 0) return
  }
}

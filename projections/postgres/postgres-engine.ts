// Read models in PostgreSQL: a schema with the catalog, and a schema for each build of each read model.

import type { Client, ClientConfig, Pool } from 'pg'
import { messageOf, ReenactError } from '../../runtime/core/errors.ts'
import type { Connection, Engine } from '../engine.ts'
import { PooledConnection, WriterConnection } from './postgres-connection.ts'
import { isTransient } from './postgres-errors.ts'

/** What of the driver is used. */
interface Driver {
  readonly Client: new (config: ClientConfig) => Client
  readonly Pool: new (config: ClientConfig & { max?: number }) => Pool
}

/** Connections of a reader at most. */
const readersMax = 4
const connectTimeoutMs = 10_000

/** Opens a database by its `postgres://` address. Connects when first used. */
export async function openPostgresEngine(address: string): Promise<Engine> {
  const { Client, Pool } = await loadDriver()
  const configOf = (schema: string, readOnly = false): ClientConfig => ({
    connectionString: address,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    application_name: 'reenact',
    options: `-c search_path="${schema}"${readOnly ? ' -c default_transaction_read_only=on' : ''}`,
  })
  const open = new Set<Connection>()
  const kept = <C extends Connection>(connection: C): C => {
    open.add(connection)
    const close = connection.close.bind(connection)
    connection.close = async () => {
      open.delete(connection)
      await close()
    }
    return connection
  }
  const admin = kept(new PooledConnection(new Pool({ ...configOf('public'), max: 1 })))
  const run = (sql: string) => admin.execute(sql)
  return {
    name: nameOf(address),
    dialect: 'postgres',
    catalog: async () => {
      await admin.transaction(async () => {
        await run(`SELECT pg_advisory_xact_lock(${lockKey('catalog')})`)
        await run('CREATE SCHEMA IF NOT EXISTS reenact')
      })
      const pool = new Pool({ ...configOf('reenact'), max: 1 })
      return kept(new PooledConnection(pool, `SELECT pg_advisory_xact_lock(${lockKey('catalog')})`))
    },
    create: async (place) => {
      await admin.transaction(async () => {
        await run(`DROP SCHEMA IF EXISTS "${schemaOf(place)}" CASCADE`)
        await run(`CREATE SCHEMA "${schemaOf(place)}"`)
      })
    },
    openWriter: async (place, partition) => {
      const client = new Client(configOf(schemaOf(place)))
      const connection = new WriterConnection(client)
      try {
        await client.connect()
        // Held by the session: the server frees it when the connection ends, however that comes about. All this
        // writer writes goes over the same connection, so who lost the lock cannot write either.
        const { rows } = await connection.execute(
          `SELECT pg_try_advisory_lock(${lockKey(`${place} ${partition}`)}) AS taken`,
        )
        if (rows[0]?.['taken']) return kept(connection)
      } catch (error) {
        await connection.close()
        throw error
      }
      await connection.close()
      return undefined
    },
    openReader: async (place) => {
      const pool = new Pool({ ...configOf(schemaOf(place), true), max: readersMax })
      return kept(new PooledConnection(pool))
    },
    drop: async (place) => {
      await run(`DROP SCHEMA IF EXISTS "${schemaOf(place)}" CASCADE`)
    },
    isTransient,
    close: async () => {
      for (const connection of open) await connection.close()
    },
  }
}

/** Where the tables of a build are: `reenact_balances_1`. */
const schemaOf = (place: string): string => `reenact_${place}`

const lockKey = (name: string): string => `hashtextextended('reenact ${name}', 0)`

/** Only who keeps read models in PostgreSQL needs the driver. */
async function loadDriver(): Promise<Driver> {
  try {
    const { default: pg } = await import('pg')
    return pg
  } catch (error) {
    const fix = 'npm install pg'
    throw new ReenactError(
      'InvalidOption',
      `Read models in PostgreSQL need the package 'pg', which cannot be loaded (${messageOf(error)}): ${fix}.`,
      { option: 'views', fix },
      error,
    )
  }
}

/** The address without user, password and options. */
function nameOf(address: string): string {
  try {
    const { host, pathname } = new URL(address)
    return `postgres://${host}${pathname}`
  } catch {
    return 'postgres://…'
  }
}

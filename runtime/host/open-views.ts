// From the address of read models to a database. The only file that knows which there are.

import type { Engine } from '../../projections/index.ts'
import type { Timers } from '../core/clock.ts'
import { ReenactError } from '../core/errors.ts'
import { kindOf } from '../core/options.ts'

/**
 * Opens the database of read models by its address.
 *
 * - `file:FOLDER` is a folder of SQLite files, made if it is not there
 * - `memory:` is a temporary folder, gone with the runtime
 * - `postgres://…` is a PostgreSQL database
 *
 * Without an address: beside a `file:` store, in memory for `memory:`.
 *
 * @throws `InvalidOption` where none can be guessed
 */
export async function openViews(
  address: string | undefined,
  store: string,
  timers: Timers,
): Promise<Engine> {
  const chosen = address ?? besideStore(store)
  if (chosen !== undefined && /^postgres(?:ql)?:\/\//.test(chosen)) {
    const { openPostgresEngine } = await import('../../projections/postgres/postgres-engine.ts')
    return openPostgresEngine(chosen)
  }
  const folder = chosen?.startsWith('file:') ? chosen.slice('file:'.length) : undefined
  if (chosen === 'memory:' || folder) {
    const { openSqliteEngine } = await import('../../projections/sqlite/sqlite-engine.ts')
    return openSqliteEngine({ folder, timers })
  }
  throw new ReenactError(
    'InvalidOption',
    `Say where the read models of ${store} are, in 'views' of createRuntime: ${fix}.`,
    { option: 'views', fix },
  )
}

const fix = "use 'file:FOLDER', 'memory:' or 'postgres://…'"

/** Throws `InvalidOption` for what is not the address of read models. */
export function checkViews(address: unknown): void {
  if (address === undefined) return
  if (typeof address === 'string' && /^(?:postgres(?:ql)?:\/\/|file:.|memory:$)/.test(address))
    return
  // What follows the slashes may be a password.
  const shown = typeof address === 'string' ? address.replace(/:\/\/.*/, '://…') : kindOf(address)
  throw new ReenactError('InvalidOption', `'${shown}' is not the address of read models: ${fix}.`, {
    option: 'views',
    fix,
  })
}

function besideStore(store: string): string | undefined {
  if (store === 'memory:') return store
  const [file] = store.split('?')
  return file?.startsWith('file:') ? `${file}-views` : undefined
}

// From a store's address to a store. The only file that knows which stores there are.

import type { Ports } from '../core/clock.ts'
import { ReenactError } from '../core/errors.ts'
import type { EventStore } from '../ports/event-store.ts'
import { createMemoryStore } from '../stores/memory/memory-store.ts'

/**
 * Opens a store by its address.
 *
 * - `memory:` is empty and gone with the process
 * - `esdb://…` and `esdb+discover://…` are EventStoreDB, by its own connection string
 * - `file:PATH` is one SQLite file, made if it is not there; `file:PATH?mode=ro` reads beside its writer, and
 *   `file:PATH?thread=off` writes and reads without threads of its own, however busy it is
 *
 * @throws `InvalidOption` for any other address
 * @throws `StoreLocked` when another process writes the file
 * @throws `StoreUnreadable` when the file is foreign, damaged, newer than this version, or missing in mode ro
 * @throws `UnsupportedFileSystem` on network file systems
 * @throws `StoreUnavailable` when EventStoreDB cannot be reached, or denies access
 */
export async function openStore(address: string, ports: Ports): Promise<EventStore> {
  const { clock, timers } = ports
  if (address === 'memory:') return createMemoryStore({ clock, timers })
  const file = fileAddress(address)
  if (file) {
    // Loaded only where a file is used: `memory:` needs no native code.
    const { openSqliteStore } = await import('../stores/sqlite/sqlite-store.ts')
    return openSqliteStore(file.path, { ...file.options, clock, timers })
  }
  if (/^esdb(\+discover)?:\/\//.test(address)) {
    const { openEventStoreDb } = await import('../stores/eventstoredb/eventstoredb-store.ts')
    return openEventStoreDb(address, { ports })
  }
  throw new ReenactError(
    'InvalidOption',
    `'${address}' is not the address of a store. Use 'memory:', 'file:PATH', 'file:PATH?mode=ro' or 'esdb://HOST:PORT'.`,
    { option: 'store', fix: "use 'memory:', 'file:PATH' or 'esdb://HOST:PORT'" },
  )
}

/** The parts of `file:PATH?mode=ro&thread=off`; `undefined` for anything else. */
function fileAddress(address: string) {
  const [, path, query] = /^file:([^?]+)(?:\?(.+))?$/.exec(address) ?? []
  const { mode = 'rw', thread = 'on', ...rest } = Object.fromEntries(new URLSearchParams(query))
  if (!path || Object.keys(rest).length > 0) return undefined
  if ((mode !== 'rw' && mode !== 'ro') || (thread !== 'on' && thread !== 'off')) return undefined
  return { path, options: { mode, thread: thread === 'on' } as const }
}

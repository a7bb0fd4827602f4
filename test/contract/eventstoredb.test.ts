// The EventStoreDB store passes the conformance suite, against the server in another process.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { EventStore } from '../../runtime/ports/event-store.ts'
import { openEventStoreDb } from '../../runtime/stores/eventstoredb/eventstoredb-store.ts'
import type { ContractHarness } from '../../runtime/testing/contract/contract-case.ts'
import { contractFor } from '../../runtime/testing/event-store-contract.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { type ServerProcess, serverProcess } from '../server/support/server-process.ts'

// In memory where the system has such files: what the disk adds is the embedded store's, and tested there.
const files = existsSync('/dev/shm') ? '/dev/shm' : undefined
let directory = ''
let server: ServerProcess
let running: Promise<void> = Promise.resolve()
let file = ''

/** The server behind a store stops with it. */
const stopped = (store: EventStore): EventStore => {
  const close = store.close.bind(store)
  store.close = async () => {
    await close()
    running = running.then(() => server.stop())
    await running
  }
  return store
}

const harness: ContractHarness = {
  open: async () => {
    file = join(directory, `${Math.random()}.db`)
    return stopped(await openEventStoreDb(await server.start(`file:${file}`)))
  },
  reopen: async (store) => {
    await store.close()
    return stopped(await openEventStoreDb(await server.start(`file:${file}`)))
  },
  truncatesAtOnce: true,
}

describe('event store contract: eventstoredb', function () {
  // Every case starts a server.
  this.timeout(60_000)
  directory = temporaryFolder(files)
  before(async () => {
    server = serverProcess()
    await server.start('memory:')
    await server.stop()
  })
  after(async () => {
    await server.kill()
  })
  for (const { name, run } of contractFor(harness)) it(name, () => run(harness))
})

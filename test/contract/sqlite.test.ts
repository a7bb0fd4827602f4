// The SQLite store passes the conformance suite.

import { join } from 'node:path'
import type { SqliteInternals } from '../../runtime/stores/sqlite/open-database.ts'
import { openSqliteStore } from '../../runtime/stores/sqlite/sqlite-store.ts'
import type { ContractHarness } from '../../runtime/testing/contract/contract-case.ts'
import { contractFor } from '../../runtime/testing/event-store-contract.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { everyPage } from '../runtime/stores/support/read-ahead.ts'
import { everyCommit } from '../runtime/stores/support/storage-thread.ts'

/** One of so many cases is run with a thread too, all of them where cases are many. */
const share = process.env['REENACT_CASES'] ? 1 : 5

let directory = ''
let count = 0

const harnessWith = (internals: SqliteInternals): ContractHarness => ({
  open: async (options) => {
    count += 1
    return openSqliteStore(join(directory, `${count}.db`), options, internals)
  },
  reopen: async (store, options) => {
    await store.close()
    return openSqliteStore(store.name.slice('file:'.length), options, internals)
  },
  takesClock: true,
  truncatesAtOnce: true,
  exactGroups: true,
})

describe('event store contract: sqlite', () => {
  directory = temporaryFolder()

  const harness = harnessWith({})
  for (const { name, run } of contractFor(harness)) it(name, () => run(harness))

  // Consumer groups are the same code for every store. A thread takes a tenth of a second to start.
  const threaded = harnessWith({ thread: everyCommit })
  const ahead = harnessWith({ readAhead: everyPage })
  const cases = contractFor(threaded).filter(({ name }) => !name.startsWith('group:'))
  for (const [at, { name, run }] of cases.entries()) {
    if (at % share === 0) it(`by the storage thread: ${name}`, () => run(threaded))
    if (at % share === share - 1) it(`reading ahead: ${name}`, () => run(ahead))
  }
})

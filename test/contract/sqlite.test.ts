// The SQLite store passes the conformance suite.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteStore } from '../../runtime/stores/sqlite/sqlite-store.ts'
import type { ContractHarness } from '../../runtime/testing/contract/contract-case.ts'
import { contractFor } from '../../runtime/testing/event-store-contract.ts'

const directory = mkdtempSync(join(tmpdir(), 'reenact-contract-'))
let count = 0

const harness: ContractHarness = {
  open: async (options) => {
    count += 1
    return openSqliteStore(join(directory, `${count}.db`), options)
  },
  reopen: async (store, options) => {
    await store.close()
    return openSqliteStore(store.name.slice('file:'.length), options)
  },
  takesClock: true,
  truncatesAtOnce: true,
  exactGroups: true,
}

describe('event store contract: sqlite', () => {
  after(() => rmSync(directory, { recursive: true, force: true }))
  for (const { name, run } of contractFor(harness)) it(name, () => run(harness))
})

// The memory store passes the conformance suite.

import { createMemoryStore } from '../../runtime/stores/memory/memory-store.ts'
import type { ContractHarness } from '../../runtime/testing/contract/contract-case.ts'
import { contractFor } from '../../runtime/testing/event-store-contract.ts'

const harness: ContractHarness = {
  open: async (options) => createMemoryStore(options),
  takesClock: true,
  truncatesAtOnce: true,
  exactGroups: true,
}

describe('event store contract: memory', () => {
  for (const { name, run } of contractFor(harness)) it(name, () => run(harness))
})

// The conformance suite of the EventStore port. An adapter is right when all that apply to it pass.

import { batchCases, expectationCases } from './contract/append-cases.ts'
import { concurrencyCases, lifetimeCases } from './contract/concurrency-cases.ts'
import type { ContractCase, ContractHarness } from './contract/contract-case.ts'
import { deletionCases, listCases, metadataCases } from './contract/deletion-cases.ts'
import { groupCases } from './contract/group-cases.ts'
import { groupRetryCases } from './contract/group-retry-cases.ts'
import { idempotenceCases } from './contract/idempotence-cases.ts'
import { logCases } from './contract/log-cases.ts'
import { readingCases } from './contract/reading-cases.ts'
import { stateCases } from './contract/state-cases.ts'
import { subscriptionCases } from './contract/subscription-cases.ts'

/** Every case there is; {@link contractFor} picks those that apply to a store. */
export const eventStoreContract: readonly ContractCase[] = [
  ...expectationCases,
  ...batchCases,
  ...idempotenceCases,
  ...readingCases,
  ...logCases,
  ...subscriptionCases,
  ...metadataCases,
  ...deletionCases,
  ...listCases,
  ...stateCases,
  ...groupCases,
  ...groupRetryCases,
  ...concurrencyCases,
  ...lifetimeCases,
]

/**
 * The cases that apply to this adapter.
 *
 * @example
 * ```ts
 * for (const { name, run } of contractFor(harness)) it(name, () => run(harness))
 * ```
 */
export const contractFor = (harness: ContractHarness): readonly ContractCase[] =>
  eventStoreContract.filter(({ needs = [] }) => needs.every((need) => Boolean(harness[need])))

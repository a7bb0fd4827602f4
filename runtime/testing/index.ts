// Everything a user imports from 'reenact/testing'. It needs no test runner.

export type { ContractCase, ContractHarness } from './contract/contract-case.ts'
export { contractFor, eventStoreContract } from './event-store-contract.ts'
export {
  createFaultyStore,
  type Fault,
  type FaultKind,
  type FaultRates,
  type FaultyStore,
  type FaultyStoreOptions,
} from './faulty-store.ts'
export { createManualPorts, type ManualPorts, type ManualPortsOptions } from './manual-clock.ts'
export {
  type OwedStep,
  type ProcessScenario,
  processScenario,
} from './process-specs.ts'
export { createSeededRandom } from './seeded-random.ts'
export {
  type Scenario,
  type ScenarioOutcome,
  type ScenarioState,
  type StoredEventInput,
  scenario,
} from './specs.ts'

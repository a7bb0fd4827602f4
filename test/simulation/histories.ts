// Random histories: commands of the account with random times, for property tests.

import fc from 'fast-check'
import type { Command } from '../fixtures/account.ts'

/** Cases of each property. */
export const numRuns = Number(process.env['REENACT_CASES'] ?? 40)

/** A command of an account. */
export const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant('deposit' as const), amount: amount() }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('withdraw' as const), amount: amount() }) },
  { weight: 2, arbitrary: fc.constant({ type: 'ping' as const }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('open' as const), owner: fc.string() }) },
  { weight: 1, arbitrary: fc.constant({ type: 'close' as const }) },
)

function amount(): fc.Arbitrary<number> {
  return fc.integer({ min: 1, max: 50 })
}

/** How the clock moves before a command, ms. It may go back. */
export const anyMove: fc.Arbitrary<number> = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 5_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: -60_000, max: 600_000 }) },
)

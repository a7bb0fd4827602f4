// Seeded runs against the oracle. `REENACT_SEEDS` says how many; `REENACT_SEED=7` runs one of them.

import { expect } from 'chai'
import type { FaultRates } from '../../runtime/testing/index.ts'
import { check } from './oracle.ts'
import { simulate } from './simulation.ts'

const steps = 60
const count = Number(process.env['REENACT_SEEDS'] ?? 40)
const one = process.env['REENACT_SEED']
const seeds = one === undefined ? Array.from({ length: count }, (_, i) => i + 1) : [Number(one)]

const unknown: FaultRates = {
  drop: 0.08,
  'lose-reply': 0.08,
  late: 0.08,
  slow: 0.1,
  reject: 0.04,
  hang: 0.04,
  'slow-read': 0.1,
}

const worlds: readonly (readonly [string, FaultRates])[] = [
  ['a log without faults', {}],
  ['a log that loses, delays and repeats', unknown],
  ['a log that does all that and refuses now and then', { ...unknown, refuse: 0.15 }],
]

describe('two processes on one log', () => {
  for (const [title, rates] of worlds) {
    it(`${title}: keep every promise, whatever the seed (A2, A9, A10, A12, A17, A19, C1, C2)`, async function () {
      this.timeout(600_000)
      const seen = new Map<string, number>()
      for (const seed of seeds) {
        const run = await simulate(seed, steps, rates)
        try {
          await check(run)
        } catch (error) {
          throw new Error(`seed ${seed}: ${String(error)}\nREENACT_SEED=${seed} repeats it`)
        }
        for (const { heard } of run.deliveries) {
          const kind = typeof heard === 'object' ? `accepted ${heard.accepted}` : String(heard)
          seen.set(kind, (seen.get(kind) ?? 0) + 1)
        }
      }
      // The runs are worth something: they met what they are about.
      if (seeds.length < 20) return
      for (const kind of ['accepted true', 'accepted false', 'UnknownOutcome', 'Timeout']) {
        if (rates.drop || kind.startsWith('accepted'))
          expect(seen.get(kind)).to.be.greaterThan(seeds.length / 2)
      }
    })
  }

  it('repeat byte for byte with the same seed, and differ with another', async function () {
    this.timeout(60_000)
    const [first, second, other] = [
      await simulate(17, steps, unknown),
      await simulate(17, steps, unknown),
      await simulate(18, steps, unknown),
    ]
    expect(first.events).to.have.length.greaterThan(10)
    expect(second.text).to.equal(first.text)
    expect(other.text).to.not.equal(first.text)
  })
})

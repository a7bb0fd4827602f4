// Whatever the batches, restarts, pauses and rebuilds: the view ends as the fold of the log.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { createMemoryStore, createRuntime, type Runtime } from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { Balances, foldBalances, shown } from './support.ts'

const runs = Math.max(25, Math.round(Number(process.env['REENACT_CASES'] ?? 0) / 20))

type Step =
  | { readonly do: 'send'; readonly account: number; readonly amounts: readonly number[] }
  | { readonly do: 'restart'; readonly batchMax: number }
  | { readonly do: 'pause' | 'resume' | 'rebuild' | 'check' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      account: fc.integer({ min: 0, max: 3 }),
      amounts: fc.array(fc.integer({ min: -5, max: 9 }), { minLength: 1, maxLength: 12 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('restart' as const),
      batchMax: fc.integer({ min: 1, max: 7 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'pause' as const,
        'resume' as const,
        'rebuild' as const,
        'check' as const,
      ),
    }),
  },
)

describe('any interleaving of batches, restarts, pauses and rebuilds', () => {
  const folder = temporaryFolder()
  let runsDone = 0

  it(`ends in the same view, ${runs} times`, async function () {
    this.timeout(60_000 + runs * 2_000)
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), async (steps) => {
        runsDone += 1
        const views = join(folder, `views-${runsDone}`)
        await run(steps, `file:${views}`)
        rmSync(views, { recursive: true })
      }),
      { numRuns: runs },
    )
  })
})

async function run(steps: readonly Step[], views: string): Promise<void> {
  const store = createMemoryStore()
  const open = async (batchMax: number): Promise<Runtime> => {
    const opened = await createRuntime({ store, actors: [Account], views })
    await opened.project([Balances], { batchMax })
    return opened
  }
  let runtime = await open(3)
  try {
    let pending: Promise<unknown>[] = []
    for (const now of steps) {
      if (now.do === 'send') pending.push(send(runtime, now))
      if (now.do === 'pause') await runtime.projections.pause(Balances)
      if (now.do === 'resume') runtime.projections.resume(Balances)
      if (now.do === 'check') await check(runtime)
      if (now.do === 'rebuild') {
        runtime.projections.resume(Balances)
        const verify = (differences: readonly unknown[]) => differences.length === 0
        expect(await runtime.projections.rebuild(Balances, { verify })).to.equal(true)
      }
      if (now.do === 'restart') {
        await Promise.all(pending)
        pending = []
        await runtime.close()
        runtime = await open(now.batchMax)
      }
    }
    await Promise.all(pending)
    runtime.projections.resume(Balances)
    const { events } = await store.readAll({ direction: 'backwards', limit: 1 })
    await runtime.view(Balances).waitFor(events[0]?.position ?? 0)
    await check(runtime)
    expect(await shown(runtime.view(Balances))).to.deep.equal(await foldBalances(runtime))
  } finally {
    await runtime.close()
  }
}

async function send(
  runtime: Runtime,
  { account, amounts }: { readonly account: number; readonly amounts: readonly number[] },
): Promise<void> {
  const actor = runtime.actor(Account, `a${account}`)
  if ((await actor.state()).value === 'unopened') await actor.send({ type: 'open', owner: 'Ann' })
  for (const amount of amounts) {
    if (amount > 0) await actor.send({ type: 'deposit', amount })
    else if (amount < 0) await actor.send({ type: 'withdraw', amount: -amount })
    else await actor.send({ type: 'close' })
  }
}

/** While it stands still, the view is the fold up to its checkpoint. */
async function check(runtime: Runtime): Promise<void> {
  await runtime.projections.pause(Balances)
  const view = runtime.view(Balances)
  const position = await view.position()
  expect(await shown(view)).to.deep.equal(await foldBalances(runtime, position))
  runtime.projections.resume(Balances)
}

// SIGKILL of projecting processes, again and again: the read model is always the fold of the log up to its
// checkpoint, and whoever waits takes over.

import { join } from 'node:path'
import { expect } from 'chai'
import { createRuntime, type Runtime } from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { killAll, start } from './children.ts'
import { engines } from './engines.ts'
import { Balances, eventually, foldBalances, shown, Totals } from './support.ts'

const cycles = Number(process.env['REENACT_PROJECTION_KILLS'] ?? 3)

/** What is in the read model is what the log says up to the checkpoint. */
async function check(file: string, views: string): Promise<number> {
  const runtime: Runtime = await createRuntime({
    store: `file:${file}?mode=ro`,
    actors: [Account],
    views,
  })
  try {
    const view = runtime.view(Balances)
    const position = await view.position()
    expect(await shown(view)).to.deep.equal(await foldBalances(runtime, position))
    return position
  } finally {
    await runtime.close()
  }
}

describe('SIGKILL of projecting processes', () => {
  const folder = temporaryFolder()
  afterEach(killAll)

  for (const engine of engines) {
    describe(`on ${engine.name}`, () => {
      engine.setUp()
      it(`leaves the view as the log says, in ${cycles} lives`, async function () {
        this.timeout(60_000 + cycles * 10_000)
        const views = await engine.address(folder)
        const file = join(folder, `kill-${engine.name}.db`)
        const writer = start('write', file, '5')
        await eventually('a log', async () => (await logLength(file)) > 0)
        let before = 0
        for (let cycle = 0; cycle < cycles; cycle += 1) {
          const worker = start('project', file, views)
          await eventually('progress', async () => worker.said().position > before)
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 200))
          await worker.kill()
          const position = await check(file, views)
          expect(position).to.be.greaterThan(before)
          before = position
        }
        await writer.kill()
      })

      it(`hands over to the worker that waits`, async function () {
        this.timeout(120_000)
        const views = await engine.address(folder)
        const file = join(folder, `hand-over-${engine.name}.db`)
        const writer = start('write', file, '5')
        await eventually('a log', async () => (await logLength(file)) > 0)
        const first = start('project', file, views)
        await eventually('the first works', async () => first.said().position > 0)
        const second = start('project', file, views)
        await eventually('the second waits', async () => second.said().state === 'waiting')
        await first.kill()
        await eventually('the second works', async () =>
          ['live', 'catching-up'].includes(second.said().state),
        )
        await second.kill()
        await writer.kill()
        await check(file, views)
      })
    })
  }
})

describe('SIGKILL of a process with an inline projection', () => {
  const folder = temporaryFolder()
  afterEach(killAll)

  it(`leaves it as the log says, with all that was answered, in ${cycles} lives`, async function () {
    this.timeout(60_000 + cycles * 5_000)
    const file = join(folder, 'inline.db')
    let before = 0
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      const writer = start('inline', file)
      await eventually('answers', async () => writer.said().position > 0)
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 100))
      await writer.kill()
      const total = await checkInline(file)
      expect(total).to.be.at.least(before + writer.said().position)
      before = total
    }
  })
})

/** As the file was left: opened for reading nothing is made anew. Answers the total. */
async function checkInline(file: string): Promise<number> {
  const runtime = await createRuntime({ store: `file:${file}?mode=ro`, actors: [Account] })
  try {
    const folded = new Map([['*', 0]])
    for await (const { actorId, data } of runtime.log({ types: ['Deposited'] })) {
      for (const key of [actorId, '*']) {
        folded.set(key, (folded.get(key) ?? 0) + Number(data['amount']))
      }
    }
    const view = runtime.inlineView(Totals)
    expect(await view.keys()).to.have.members([...folded.keys()])
    for (const [key, amount] of folded) expect(await view.get(key)).to.deep.equal({ amount })
    return folded.get('*') ?? 0
  } finally {
    await runtime.close()
  }
}

async function logLength(file: string): Promise<number> {
  const runtime = await createRuntime({ store: `file:${file}?mode=ro`, actors: [Account] }).catch(
    () => undefined,
  )
  if (!runtime) return 0
  const { events } = await runtime.store.readAll({ direction: 'backwards', limit: 1 })
  await runtime.close()
  return events[0]?.position ?? 0
}

// A rebuild in one process while a worker in another one writes the live build.

import { join } from 'node:path'
import { expect } from 'chai'
import { createRuntime } from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { type Child, killAll, start } from './children.ts'
import { engines } from './engines.ts'
import { eventually } from './support.ts'

/** The numbers a child said after a word. */
const numbers = ({ lines }: Child, word: string): readonly number[] =>
  lines.filter((line) => line.startsWith(`${word} `)).map((line) => Number(line.split(' ')[1]))

for (const engine of engines) {
  describe(`two processes with one read model on ${engine.name}`, () => {
    engine.setUp()
    const folder = temporaryFolder()
    afterEach(killAll)

    it('compare it at one position, and act once for each event across the swap', async function () {
      this.timeout(120_000)
      const views = await engine.address(folder)
      const file = join(folder, `${engine.name}.db`)
      const writer = start('write', file, '2')
      await eventually('a log', async () => (await depositsOf(file)).length > 0)
      const worker = start('act', file, views)
      await eventually('the worker acts', async () => numbers(worker, 'act').length > 0)
      const rebuilder = start('rebuild', file, views)
      await eventually('the swap', async () => numbers(rebuilder, 'swapped').length > 0)
      const acts = () => [...numbers(worker, 'act'), ...numbers(rebuilder, 'act')]
      const before = acts().length
      await eventually('acts of the new build', async () => acts().length > before + 20)
      for (const child of [writer, worker, rebuilder]) await child.kill()
      expect(numbers(rebuilder, 'different')).to.deep.equal([0])
      expect(numbers(rebuilder, 'swapped')).to.deep.equal([0])
      const sorted = acts().sort((a, b) => a - b)
      const [first = 0] = sorted
      // The last batch may have been killed before its commit, and its lines be on their way.
      const deposits = (await depositsOf(file)).filter((position) => position >= first)
      expect(sorted).to.deep.equal(deposits.slice(0, sorted.length))
    })
  })
}

/** Positions of all deposits. */
async function depositsOf(file: string): Promise<readonly number[]> {
  const store = `file:${file}?mode=ro`
  const runtime = await createRuntime({ store, actors: [Account] }).catch(() => undefined)
  if (!runtime) return []
  try {
    const positions: number[] = []
    for await (const { position } of runtime.log({ types: ['Deposited'] })) positions.push(position)
    return positions
  } finally {
    await runtime.close()
  }
}

// The orders example as somebody runs it, and its read models: they say what the aggregates say, now and as of a moment.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { Order } from '../../examples/orders/order.ts'
import { figuresOf, Sales, StockLevels } from '../../examples/orders/read-models.ts'
import { Stock } from '../../examples/orders/stock.ts'
import { createRuntime } from '../../runtime/index.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const isThorough = Number(process.env['REENACT_PROCESS_KILLS'] ?? 4) > 10

async function run(script: string, ...args: readonly string[]): Promise<string> {
  const file = join(root, 'dist', 'examples', 'orders', script)
  // The read models of a killed shop lie in a temporary folder, which it cannot remove.
  const folder = mkdtempSync(join(tmpdir(), 'reenact-orders-test-'))
  const options = { cwd: root, env: { ...process.env, NO_COLOR: '1', TMPDIR: folder } }
  try {
    return (await promisify(execFile)(process.execPath, [file, ...args], options)).stdout
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe('the orders example', function () {
  this.timeout(120_000)

  it('is killed, starts again, and undoes what its customers cancel', async () => {
    const told = await run('main.js', '--cancel', '--orders', '2', '--crash-at', '14')
    expect(told).to.include('kill -9 at write 14')
    expect(told).to.match(/order-0 {2}cancelled {2}.*undo reserve, cancel$/m)
    expect(told).to.include('2 cancelled: the customer cancelled')
    expect(told).to.include('stock: 100 free, 0 reserved, 0 shipped; together 100')
    expect(told).to.include('money: 200 in all; points: 0')
  })

  it('ends with whoever reads what it prints, without a word', async () => {
    const file = join(root, 'dist', 'examples', 'orders', 'main.js')
    const child = spawn(process.execPath, [file, '--orders', '1'], { cwd: root })
    let told = ''
    child.stderr.on('data', (data: Buffer) => {
      told += data
    })
    child.stdout.destroy()
    const [code] = await once(child, 'close')
    expect([told, code]).to.deep.equal(['', 0])
  })

  if (isThorough) {
    it('is the demo: completed, tried again, undone, cancelled, killed; the books are right', async () => {
      const told = await run('demo.js')
      expect(told).to.match(/order-2 {2}confirmed .*approve at attempt 2/)
      expect(told).to.match(
        /order-3 {2}cancelled .*approve failed 4 times, undo freeze, undo reserve/,
      )
      expect(told).to.match(/order-4 {2}cancelled .*undo reserve/)
      expect(told).to.include('\nkilled\n')
      expect(told).to.include('7 confirmed')
      expect(told).to.include('stock: 93 free, 0 reserved, 7 shipped; together 100')
      expect(told).to.include('money: 900 in all; points: 280')
    })

    it('sells 100 lamps to 1,000 buyers, and not one more', async () => {
      const told = await run('main.js', '--flash-sale')
      expect(told).to.match(/^100 confirmed$/m)
      expect(told).to.match(/^900 cancelled: .*enough$/m)
      expect(told).to.include('stock: 0 free, 0 reserved, 100 shipped; together 100')
    })
  }

  it('shows sales and stock now, and as they were at a moment', async () => {
    const runtime = await createRuntime({ store: 'memory:', actors: [Order, Stock] })
    try {
      await runtime.project([Sales, StockLevels])
      const lamp = runtime.actor(Stock, 'lamp')
      const on = (day: number) => ({ occurredAt: `2026-01-0${day}T12:00:00Z` })
      await lamp.send({ type: 'receive', units: 10 }, on(1))
      const placed = { type: 'place', customer: 'Ann', item: 'lamp', units: 2, amount: 40 } as const
      for (const order of ['a', 'b', 'c']) {
        await runtime.actor(Order, order).send(placed, on(2))
        await lamp.send({ type: 'reserve', order, units: 2 }, on(2))
      }
      await lamp.send({ type: 'ship', order: 'a' }, on(3))
      await runtime.actor(Order, 'a').send({ type: 'confirm' }, on(3))
      await lamp.send({ type: 'release', order: 'b' }, on(4))
      const last = await runtime
        .actor(Order, 'b')
        .send({ type: 'cancel', reason: 'no longer wanted' }, on(4))
      await runtime.view(Sales).waitFor(last)
      await runtime.view(StockLevels).waitFor(last)
      const at = (day: number) => new Date(`2026-01-0${day}T23:00:00Z`)
      expect(await figuresOf(runtime, 'lamp', at(1))).to.deep.equal({
        open: 0,
        sold: 0,
        cancelled: 0,
        turnover: 0,
        level: { free: 10, reserved: 0, shipped: 0 },
      })
      expect(await figuresOf(runtime, 'lamp', at(3))).to.deep.equal({
        open: 2,
        sold: 1,
        cancelled: 0,
        turnover: 40,
        level: { free: 4, reserved: 4, shipped: 2 },
      })
      const now = await figuresOf(runtime, 'lamp')
      expect(now).to.deep.include({ open: 1, sold: 1, cancelled: 1, turnover: 40 })
      const { free, reserved, shipped } = (await lamp.state()).context
      const units = Object.values(reserved).reduce((sum, one) => sum + one, 0)
      expect(now.level).to.deep.equal({ free, reserved: units, shipped })
    } finally {
      await runtime.close()
    }
  })
})

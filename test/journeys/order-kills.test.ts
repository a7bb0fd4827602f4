// kill -9 of a shop at work, again and again on one file: in the end the books are right.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const kills = Number(process.env['REENACT_PROCESS_KILLS'] ?? 4)
const worker = fileURLToPath(new URL('../../dist/examples/orders/shop-worker.js', import.meta.url))
/** New orders in each life: together more writes than any life gets to do. */
const ordersALife = 4
const writesMax = 60
const orders = kills * ordersALife
const lamps = Math.ceil(orders / 2)

/** One life of the shop, which is killed at a write or comes to its end. */
async function live(file: string, life: { count: number; first: number; crashAt: string }) {
  const { count, first, crashAt } = life
  const args = [worker, `file:${file}`, count, lamps, 'payment-once', crashAt, first].map(String)
  // Its read models lie in a temporary folder, which the killed cannot remove.
  const env = { ...process.env, TMPDIR: dirname(file) }
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  const [code, signal] = await once(child, 'close')
  if (signal !== 'SIGKILL') expect(code).to.equal(0)
  return { killed: signal === 'SIGKILL', printed }
}

describe('kill -9 of a shop', () => {
  it(`leaves stock and money as they must be, ${kills} times`, async function () {
    this.timeout(60_000 + kills * 10_000)
    const folder = mkdtempSync(join(tmpdir(), 'reenact-order-kills-'))
    const file = join(folder, 'shop.db')
    try {
      let killed = 0
      for (let n = 1; n <= kills; n += 1) {
        const crashAt = String(1 + Math.floor(Math.random() * writesMax))
        const first = Math.max(0, n - 3) * ordersALife
        if ((await live(file, { count: n * ordersALife, first, crashAt })).killed) killed += 1
      }
      expect(killed, 'lives that ended with SIGKILL').to.equal(kills)
      // The last one places what the dead ones did not get to.
      const { printed } = await live(file, { count: orders, first: 0, crashAt: '' })
      const number = (pattern: RegExp) => Number(pattern.exec(printed)?.[1] ?? 0)
      const confirmed = number(/^(\d+) confirmed$/m)
      const cancelled = [...printed.matchAll(/^(\d+) cancelled/gm)]
      const cancelledInAll = cancelled.reduce((sum, [, count]) => sum + Number(count), 0)
      expect(confirmed + cancelledInAll, printed).to.equal(orders)
      expect(confirmed).to.be.greaterThan(0)
      const free = lamps - confirmed
      expect(printed).to.include(
        `stock: ${free} free, 0 reserved, ${confirmed} shipped; together ${lamps}`,
      )
      expect(printed).to.include(`money: ${orders * 100} in all; points: ${confirmed * 40}`)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

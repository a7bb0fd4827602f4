// kill -9 of a shop at work, again and again on one file: in the end the books are right.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

/** Each is three kills and a life that ends well. */
const cycles = Number(process.env['REENACT_PROCESS_KILLS'] ?? 2)
const worker = fileURLToPath(new URL('../../dist/examples/orders/shop-worker.js', import.meta.url))
const orders = 30
const lamps = 20

async function runShop(
  file: string,
  crashAt: string,
): Promise<{ killed: boolean; printed: string }> {
  const args = [worker, `file:${file}`, String(orders), String(lamps), 'payment-once', crashAt]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  const [code, signal] = await once(child, 'close')
  if (signal !== 'SIGKILL') expect(code).to.equal(0)
  return { killed: signal === 'SIGKILL', printed }
}

describe('kill -9 of a shop', () => {
  it(`leaves stock and money as they must be, ${cycles} times`, async function () {
    this.timeout(cycles * 20_000 + 20_000)
    const folder = mkdtempSync(join(tmpdir(), 'reenact-order-kills-'))
    try {
      for (let cycle = 0; cycle < cycles; cycle += 1) {
        const file = join(folder, `${cycle}.db`)
        let kills = 0
        for (let life = 0; life < 3; life += 1) {
          const writes = 1 + Math.floor(Math.random() * 250)
          if ((await runShop(file, String(writes))).killed) kills += 1
        }
        const { printed } = await runShop(file, '')
        expect(kills, 'lives that ended with SIGKILL').to.be.greaterThan(0)
        expect(printed).to.include(`${lamps} confirmed`)
        expect(printed).to.include(`${orders - lamps} cancelled`)
        expect(printed).to.include(`stock: 0 free, 0 reserved, ${lamps} shipped`)
        expect(printed).to.include(`money: ${orders * 100} in all; points: ${lamps * 40}`)
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

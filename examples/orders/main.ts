// `npm run orders`: orders go through reserve, pay, ship and points; failures and crashes on demand.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, Option } from 'commander'
import { isReenactError, messageOf } from '../../runtime/core/errors.ts'

const program = new Command('npm run orders --')
  .description('Orders go through reserve, pay, ship and points, each step durable.')
  .option(
    '--store <address>',
    'where the log is: file:PATH or esdb://HOST:PORT (default: a new file)',
  )
  .option('--orders <n>', 'how many orders', '3')
  .option('--units <n>', 'lamps in stock', '100')
  .addOption(
    new Option('--fail <what>', 'what goes wrong').choices([
      'payment',
      'payment-once',
      'stock',
      'money',
    ]),
  )
  .option('--crash-at <n>', 'kill the shop with SIGKILL at its Nth write, then start it again')
  .option('--flash-sale', '1,000 buyers at once for 100 lamps')

program.parse()
const options = program.opts<{
  store?: string
  orders: string
  units: string
  fail?: string
  crashAt?: string
  flashSale?: true
}>()

const folder = mkdtempSync(join(tmpdir(), 'reenact-orders-'))
const store = options.store ?? `file:${join(folder, 'shop.db')}`
const worker = fileURLToPath(new URL(`./shop-worker${import.meta.url.slice(-3)}`, import.meta.url))

/** Runs the shop in a process of its own. Answers whether it was killed. */
async function runShop(crashAt: string): Promise<boolean> {
  const orders = options.flashSale ? '1000' : options.orders
  const args = [worker, store, orders, options.units, options.fail ?? '', crashAt]
  const child = spawn(process.execPath, [...process.execArgv, ...args], { stdio: 'inherit' })
  const [code, signal] = await once(child, 'exit')
  if (signal === 'SIGKILL') return true
  if (code !== 0) throw new Error(`The shop ended with ${code}.`)
  return false
}

try {
  if (await runShop(options.crashAt ?? '')) {
    console.log(`\nkill -9 at write ${options.crashAt}. The shop starts again on the same log:\n`)
    await runShop('')
  }
  console.log(
    '\nThe process is in examples/orders/order-process.ts. Try --fail payment, --crash-at 12, --flash-sale.',
  )
} catch (error) {
  console.error(messageOf(error))
  process.exitCode = isReenactError(error) ? 2 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

// `npm run orders`: orders go through reserve, pay, ship and points; failures and crashes on demand.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { endWithReader } from '../pipe.ts'
import { runShop } from './run-shop.ts'

const wholeNumber = (text: string): number => {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Give a whole number from 1.')
}

const program = new Command('npm run orders --')
  .description('Orders go through reserve, pay, ship and points, each step durable.')
  .option(
    '--store <address>',
    'where the log is: file:PATH or esdb://HOST:PORT (default: a new file)',
  )
  .option('--orders <n>', 'how many orders', wholeNumber, 3)
  .option('--units <n>', 'lamps in stock', wholeNumber, 100)
  .addOption(
    new Option('--fail <what>', 'what goes wrong').choices([
      'payment',
      'payment-once',
      'stock',
      'money',
    ]),
  )
  .option('--cancel', 'the customers cancel while the payment service is slow')
  .option(
    '--crash-at <n>',
    'kill the shop with SIGKILL at its Nth write, then start it again',
    wholeNumber,
  )
  .option('--flash-sale', '1,000 buyers at once for 100 lamps')

program.parse()
const options = program.opts<{
  store?: string
  orders: number
  units: number
  fail?: string
  cancel?: true
  crashAt?: number
  flashSale?: true
}>()

const folder = mkdtempSync(join(tmpdir(), 'reenact-orders-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
endWithReader()
const run = {
  store: options.store ?? `file:${join(folder, 'shop.db')}`,
  orders: options.flashSale ? 1_000 : options.orders,
  units: options.units,
  fail: options.cancel ? 'cancel' : options.fail,
}

try {
  const killed = await runShop({ ...run, crashAt: options.crashAt })
  if (killed) {
    console.log(`\nkill -9 at write ${options.crashAt}. The shop starts again on the same log.`)
    // An operating system's lock ends with its process; on a network the lease of the dead has to run out.
    if (run.store.startsWith('esdb')) console.log('Its lease runs out within 10 s.')
    console.log()
    await runShop(run)
  } else if (options.crashAt !== undefined) {
    console.log(`\nIt ended before write ${options.crashAt}: nothing was killed.`)
  }
  console.log(
    '\nThe process is in examples/orders/order-process.ts. Try --fail payment, --cancel, --crash-at 12, --flash-sale.',
  )
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

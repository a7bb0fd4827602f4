// `npm run shop`: orders that succeed, fail, are cancelled and lose their process; the books are right at the end. One file
// on disk, gone at the end; another store can be given, such as esdb://localhost:2113?tls=false of `npx reenact serve`.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pc from 'picocolors'
import { endWithReader } from '../pipe.ts'
import { runShop } from './run-shop.ts'

const crashAt = 30

const heading = (number: number, text: string): void => {
  console.log(`\n${pc.bold(pc.cyan(`${number}`))} ${pc.bold(text)}`)
}

const folder = mkdtempSync(join(tmpdir(), 'reenact-demo-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
endWithReader()
const store = process.argv[2] ?? `file:${join(folder, 'shop.db')}`
const shop = { store, units: 100, brief: true }

heading(1, 'Orders go through their steps: stock, money, payment service, points')
await runShop({ ...shop, orders: 2 })

heading(2, 'The payment service fails once: the step is tried again')
await runShop({ ...shop, first: 2, orders: 3, fail: 'payment-once' })

heading(3, 'It stays down: what was done is undone, the last first')
await runShop({ ...shop, first: 3, orders: 4, fail: 'payment' })

heading(4, 'A customer cancels while the payment service is slow')
await runShop({ ...shop, first: 4, orders: 5, fail: 'cancel' })

heading(5, `kill -9 at write ${crashAt}, with four orders under way`)
await runShop({ ...shop, first: 5, orders: 9, crashAt })
console.log(pc.red('killed'))

heading(6, 'Started again on the same log: every step is done once, and the books are right')
await runShop({ ...shop, first: 5, orders: 9, brief: false })

console.log(
  `\nThe process is in ${pc.dim('examples/orders/order-process.ts')}, an XState machine. Next: ${pc.dim('npm run orders -- --help')}, ${pc.dim('docs/processes.md')}`,
)

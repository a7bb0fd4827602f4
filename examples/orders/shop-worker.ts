// The shop in a process of its own: takes orders, works until all have ended, prints the books. It may be killed at any time.
//
// Arguments: STORE ORDERS UNITS FAIL CRASH-AT FIRST BRIEF. FIRST: orders before it were placed by an earlier life.

import { setTimeout } from 'node:timers/promises'
import { createRuntime, isReenactError, type Runtime, steps } from '../../runtime/index.ts'
import { endWithReader } from '../pipe.ts'
import { Order } from './order.ts'
import { orderProcess, shop } from './order-process.ts'
import { paymentService } from './payment-service.ts'
import { Points } from './points.ts'
import { figuresOf, Sales, StockLevels } from './read-models.ts'
import { Stock } from './stock.ts'
import { storyOf } from './story.ts'
import { Wallet } from './wallet.ts'

const [
  store = 'memory:',
  orders = '3',
  units = '100',
  fail = '',
  crashAt = '',
  first = '0',
  brief,
] = process.argv.slice(2)
const count = Number(orders)
const price = 40
const customer = (n: number): string => `customer-${n}`
const failures = { payment: Number.POSITIVE_INFINITY, 'payment-once': 1 }[fail] ?? 0
/** Few enough to be told one by one. */
const areFew = count - Number(first) <= 10

const OrderProcess = orderProcess({
  payments: paymentService({ failures, isSilent: fail === 'cancel' }),
  // Short delays, since somebody is watching.
  retry: steps([100, 200, 400]),
})

/** Everything has an id of its own: told again after a crash, nothing happens twice. */
async function placeOrders(runtime: Runtime): Promise<void> {
  const receive = { type: 'receive', units: fail === 'stock' ? 0 : Number(units) } as const
  await runtime.actor(Stock, 'lamp').send(receive, { commandId: 'delivery' })
  const place = async (n: number): Promise<void> => {
    const amount = fail === 'money' ? 1 : 100
    const wallet = runtime.actor(Wallet, customer(n))
    await wallet.send({ type: 'topUp', amount }, { commandId: `top-up-${n}` })
    const order = { customer: customer(n), item: 'lamp', units: 1, amount: price }
    const command = { type: 'place', ...order } as const
    const actor = runtime.actor(Order, `order-${n}`)
    await actor.send(command, { commandId: `place-${n}` })
    if (fail === 'cancel') {
      // By then the payment service was asked, and has not answered.
      await setTimeout(300)
      await actor.send({ type: 'requestCancel' }, { commandId: `cancel-${n}` })
    }
  }
  const numbers = Array.from({ length: count - Number(first) }, (_, n) => Number(first) + n)
  await Promise.all(numbers.map(place))
}

/**
 * The end of an order. A step with which the process died again and again is parked, since it may have been the step;
 * here it was only the crash, so somebody has it tried again.
 */
async function ended(runtime: Runtime, id: string) {
  for (let retries = 0; ; retries += 1) {
    const info = await runtime.processes.settled(OrderProcess, id, { timeoutMs: 120_000 })
    if (info.status !== 'parked' || retries === 3) return info
    await runtime.processes.retry(OrderProcess, id, { by: 'shop', reason: 'it was the crash' })
  }
}

/** What an earlier life left half done. */
async function printHalfDone(runtime: Runtime): Promise<void> {
  for await (const { id, steps } of runtime.processes.list(OrderProcess)) {
    const names = steps.map(({ name }) => name).join(', ')
    if (areFew) console.log(`  ${id}  was left with ${names || 'nothing'} under way`)
  }
}

/** Where each order has come to, and whether stock and money add up. */
async function printBooks(runtime: Runtime): Promise<void> {
  const ends = new Map<string, number>()
  let money = 0
  let points = 0
  for (let n = 0; n < count; n += 1) {
    await ended(runtime, `order-${n}`)
    const order = await runtime.actor(Order, `order-${n}`).state()
    const wallet = (await runtime.actor(Wallet, customer(n)).state()).context
    const frozen = Object.values(wallet.frozen).reduce((sum, amount) => sum + amount, 0)
    money += wallet.free + frozen + wallet.spent
    points += (await runtime.actor(Points, customer(n)).state()).context.points
    const end = `${order.value}${order.context.reason ? `: ${order.context.reason}` : ''}`
    ends.set(end, (ends.get(end) ?? 0) + 1)
    if (!areFew || n < Number(first)) continue
    console.log(`  order-${n}  ${order.value}  ${await storyOf(runtime, `order-${n}`)}`)
  }
  const { free, reserved, shipped } = (await runtime.actor(Stock, 'lamp').state()).context
  for (const [end, orders] of ends) console.log(`${orders} ${end}`)
  const left = Object.values(reserved).reduce((sum, one) => sum + one, 0)
  console.log(
    `stock: ${free} free, ${left} reserved, ${shipped} shipped; together ${free + left + shipped}`,
  )
  console.log(`money: ${money} in all; points: ${points}`)
}

/** The read models when all orders were placed, and now. */
async function printFigures(runtime: Runtime, placedAt: Date): Promise<void> {
  const [last] = (await runtime.store.readAll({ direction: 'backwards', limit: 1 })).events
  for (const view of [runtime.view(Sales), runtime.view(StockLevels)]) {
    await view.waitFor(last?.position ?? 0, { timeoutMs: 60_000 })
  }
  for (const [when, at] of [['when all orders were placed', placedAt], ['now']] as const) {
    const { open, sold, cancelled, turnover, level } = await figuresOf(runtime, 'lamp', at)
    console.log(
      `${when}: ${open} open, ${sold} sold for ${turnover}, ${cancelled} cancelled; ${level.free} lamps free, ${level.reserved} reserved, ${level.shipped} shipped`,
    )
  }
}

endWithReader()
const runtime = await createRuntime({
  store,
  actors: shop,
  processes: [OrderProcess],
  // Made from the log in each life.
  views: 'memory:',
  limits: { timeoutMs: 60_000 },
}).catch((error: unknown) => {
  if (!isReenactError(error)) throw error
  console.error(error.message)
  process.exit(1)
})
if (crashAt !== '') {
  let writes = 0
  const watched = runtime.store.subscribe({ after: 'end' })
  void (async () => {
    for await (const message of watched) {
      if (message.kind !== 'events') continue
      writes += message.events.length
      if (writes >= Number(crashAt)) process.kill(process.pid, 'SIGKILL')
    }
  })()
}
await printHalfDone(runtime)
const work = runtime.processes.work()
await runtime.project([Sales, StockLevels])
await placeOrders(runtime)
const placedAt = new Date()
await printBooks(runtime)
if (brief !== 'brief') await printFigures(runtime, placedAt)
const { triggers, attempts, retried } = work.metrics(OrderProcess)
if (brief !== 'brief') {
  console.log(`this run: ${triggers} events taken, ${attempts} attempts, ${retried} retries`)
}
await runtime.close()

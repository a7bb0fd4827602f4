// What the tests of processes share: a shop on a log whose process can die at any of its calls, and what must be true then.

import { expect } from 'chai'
import { Order } from '../../../examples/orders/order.ts'
import { orderProcess, shop } from '../../../examples/orders/order-process.ts'
import { Points } from '../../../examples/orders/points.ts'
import { Stock } from '../../../examples/orders/stock.ts'
import { Wallet } from '../../../examples/orders/wallet.ts'
import {
  createMemoryStore,
  createRuntime,
  type EventStore,
  type Ports,
  type Runtime,
  TerminalError,
} from '../../../runtime/index.ts'
import { createManualPorts, type ManualPorts } from '../../../runtime/testing/index.ts'

/** A payment service that remembers the keys it approved. */
export class Payments {
  readonly approved = new Set<string>()
  calls = 0
  /** What happens to the next calls; after these all are approved. */
  readonly script: ('fail' | 'refuse' | 'hang' | 'lose-reply')[] = []
  /** Called first, as a process may die here. */
  onCall: () => Promise<void> = async () => {}

  async approve({ key }: { readonly key: string }): Promise<void> {
    this.calls += 1
    await this.onCall()
    const next = this.script.shift()
    if (next === 'fail') throw new Error('the payment service is down')
    if (next === 'refuse') throw new TerminalError('the card is blocked')
    if (next === 'hang') await new Promise(() => {})
    this.approved.add(key)
    if (next === 'lose-reply') throw new Error('the connection was lost')
  }
}

/** The life of an operating system's process: it may end at any call to the outside. */
export class Life {
  calls = 0
  dead = false
  readonly #dieAt: number
  readonly #afterwards: boolean

  /** Dies at the `dieAt`th call: before it is carried out, or right after. */
  constructor(dieAt = Number.POSITIVE_INFINITY, afterwards = false) {
    this.#dieAt = dieAt
    this.#afterwards = afterwards
  }

  async call<T>(work: () => Promise<T>): Promise<T> {
    if (this.dead) return new Promise(() => {})
    this.calls += 1
    const dies = this.calls === this.#dieAt
    if (dies) this.dead = true
    if (dies && !this.#afterwards) return new Promise(() => {})
    const result = await work()
    // What a dead process is told, nobody hears.
    return this.dead ? new Promise(() => {}) : result
  }

  /** The same store as this process sees it. */
  store(inner: EventStore): EventStore {
    const { state } = inner
    const life = this
    return {
      ...inner,
      name: inner.name,
      supports: inner.supports,
      groups: inner.groups,
      append: (...given) => life.call(() => inner.append(...given)),
      readStream: (...given) => life.call(() => inner.readStream(...given)),
      readAll: (...given) => life.call(() => inner.readAll(...given)),
      listStreams: (...given) => life.call(() => inner.listStreams(...given)),
      streamMetadata: (stream) => inner.streamMetadata(stream),
      setStreamMetadata: (stream, metadata) => inner.setStreamMetadata(stream, metadata),
      deleteStream: (stream) => inner.deleteStream(stream),
      tombstoneStream: (stream) => inner.tombstoneStream(stream),
      close: async () => {},
      subscribe: (options) => {
        const subscription = inner.subscribe(options)
        return {
          close: () => subscription.close(),
          async *[Symbol.asyncIterator]() {
            for await (const message of subscription) {
              if (life.dead) await new Promise(() => {})
              yield message
            }
          },
        }
      },
      state: {
        get: (key) => life.call(() => state.get(key)),
        put: (...given) => life.call(() => state.put(...given)),
        delete: (key) => life.call(() => state.delete(key)),
        keys: (prefix) => life.call(() => state.keys(prefix)),
      },
    }
  }
}

/** A shop with one lamp order by Ann. */
export interface Shop {
  readonly ports: ManualPorts
  readonly log: EventStore
  readonly payments: Payments
  readonly Process: ReturnType<typeof orderProcess>
  /** One process more on the log, working. */
  open(life?: Life): Promise<Runtime>
}

export const units = 2
export const amount = 40
const received = 3
const toppedUp = 100

/** Makes a shop. */
export function openShop(log?: EventStore, given?: ManualPorts): Shop {
  const ports = given ?? createManualPorts()
  const store = log ?? createMemoryStore(ports)
  const payments = new Payments()
  const Process = orderProcess({ payments })
  return {
    ports,
    log: store,
    payments,
    Process,
    open: async (life = new Life()) => {
      payments.onCall = () => life.call(async () => {})
      const runtime = await createRuntime({
        store: life.store(store),
        actors: shop,
        processes: [Process],
        ports: deadly(ports, life),
      })
      runtime.processes.work()
      return runtime
    },
  }
}

/** Timers of a dead process do not fire. */
export const deadly = ({ clock, random, timers }: Ports, life: Life): Ports => ({
  clock,
  random,
  timers: {
    turn: () => timers.turn(),
    after: (delayMs, callback, options) =>
      timers.after(delayMs, () => (life.dead ? undefined : callback()), options),
  },
})

/** Goods, money and the order, all under ids of their own: doing it again changes nothing. */
export async function placeOrder(runtime: Runtime, funds = toppedUp): Promise<void> {
  const receive = { type: 'receive', units: received } as const
  await runtime.actor(Stock, 'lamp').send(receive, { commandId: 'receive' })
  const topUp = { type: 'topUp', amount: funds } as const
  await runtime.actor(Wallet, 'ann').send(topUp, { commandId: 'topUp' })
  const place = { type: 'place', customer: 'ann', item: 'lamp', units, amount } as const
  await runtime.actor(Order, 'o1').send(place, { commandId: 'place' })
}

/** Everything happened once, or everything was taken back; nothing was lost on the way. Answers which. */
export async function checkBooks(
  { payments }: Shop,
  runtime: Runtime,
  funds = toppedUp,
): Promise<'completed' | 'cancelled'> {
  const { context: stock } = await runtime.actor(Stock, 'lamp').state()
  const { context: wallet } = await runtime.actor(Wallet, 'ann').state()
  const { context: points } = await runtime.actor(Points, 'ann').state()
  const order = await runtime.actor(Order, 'o1').state()
  const found = { order: order.value, ...stock, ...wallet, ...points }
  if (order.value === 'confirmed') {
    expect(found).to.deep.equal({
      order: 'confirmed',
      free: funds - amount,
      reserved: {},
      shipped: units,
      frozen: {},
      spent: amount,
      points: amount,
    })
    expect(stock.free).to.equal(received - units)
    expect(payments.approved.size).to.equal(1)
    return 'completed'
  }
  expect(found).to.deep.equal({
    order: 'cancelled',
    free: funds,
    reserved: {},
    shipped: 0,
    frozen: {},
    spent: 0,
    points: 0,
  })
  expect(stock.free).to.equal(received)
  return 'cancelled'
}

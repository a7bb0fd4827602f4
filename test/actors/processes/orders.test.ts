// The order process from end to end: completed, refused, failing, cancelled; stock and money conserved.

import { expect } from 'chai'
import { Order } from '../../../examples/orders/order.ts'
import type { Runtime } from '../../../runtime/index.ts'
import { checkBooks, openShop, placeOrder, type Shop } from './shop.ts'

describe('the order process', () => {
  let shop: Shop
  let runtime: Runtime
  const until = <T>(promise: Promise<T>) => shop.ports.until(promise)
  const ended = () => until(runtime.processes.settled(shop.Process, 'o1', { timeoutMs: 3_600_000 }))

  beforeEach(async () => {
    shop = openShop()
    runtime = await shop.open()
  })
  afterEach(() => until(runtime.close()))

  it('completes an order', async () => {
    await until(placeOrder(runtime))
    expect((await ended()).value).to.equal('completed')
    expect(await until(checkBooks(shop, runtime))).to.equal('completed')
    const { ok, problems } = await until(runtime.actor(Order, 'o1').verify())
    expect({ ok, problems }).to.deep.equal({ ok: true, problems: [] })
  })

  it('takes back what it reserved when the money is not there', async () => {
    await until(placeOrder(runtime, 10))
    const info = await ended()
    expect(info.value).to.equal('cancelled')
    expect(info.undone).to.equal(1)
    expect(await until(checkBooks(shop, runtime, 10))).to.equal('cancelled')
    const { context } = await until(runtime.actor(Order, 'o1').state())
    expect(context.reason).to.include('covered')
    const { events } = await until(shop.log.readStream('order_process-o1'))
    const types = events.map(({ type }) => type)
    expect(types, 'a refusal is no failure').not.to.include('reenact.StepAttemptFailed')
    expect(types).to.include('reenact.StepFailed')
    expect(shop.payments.calls).to.equal(0)
  })

  it('retries a failing service, and completes when it is back', async () => {
    shop.payments.script.push('fail', 'lose-reply', 'hang')
    await until(placeOrder(runtime))
    expect((await ended()).value).to.equal('completed')
    expect(shop.payments.calls).to.equal(4)
    expect(await until(checkBooks(shop, runtime))).to.equal('completed')
  })

  it('gives up after the last retry and undoes the rest, in reverse order', async () => {
    shop.payments.script.push('fail', 'fail', 'fail', 'fail', 'fail')
    await until(placeOrder(runtime))
    const info = await ended()
    expect(shop.payments.calls).to.equal(5)
    expect([info.value, info.undone]).to.deep.equal(['cancelled', 2])
    expect(await until(checkBooks(shop, runtime))).to.equal('cancelled')
    const { events } = await until(shop.log.readStream('order_process-o1'))
    const undone = events.filter(({ type }) => type === 'reenact.StepUndone')
    expect(undone.map(({ data }) => JSON.parse(data).step.split('.').at(-1))).to.deep.equal([
      'freezing',
      'reserving',
    ])
  })

  it('does not retry what can never succeed', async () => {
    shop.payments.script.push('refuse')
    await until(placeOrder(runtime))
    expect((await ended()).value).to.equal('cancelled')
    expect(shop.payments.calls).to.equal(1)
    expect(await until(checkBooks(shop, runtime))).to.equal('cancelled')
  })

  it('is undone when the customer cancels while it waits', async () => {
    shop.payments.script.push('fail', 'hang')
    await until(placeOrder(runtime))
    await shop.ports.advance(3_000)
    await until(runtime.actor(Order, 'o1').send({ type: 'requestCancel' }))
    expect((await ended()).value).to.equal('cancelled')
    expect(await until(checkBooks(shop, runtime))).to.equal('cancelled')
  })
})

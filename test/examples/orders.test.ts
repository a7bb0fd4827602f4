// The read models of the orders example: they say what the aggregates say, now and as of a moment.

import { expect } from 'chai'
import { Order } from '../../examples/orders/order.ts'
import { figuresOf, Sales, StockLevels } from '../../examples/orders/read-models.ts'
import { Stock } from '../../examples/orders/stock.ts'
import { createRuntime } from '../../runtime/index.ts'

describe('the orders example', () => {
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

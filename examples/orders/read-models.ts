// Two read models of the shop: what was sold, and what lies on the shelves. Both can be asked as of a moment.

import { type DocumentsReader, documents, projection, type Runtime } from '../../runtime/index.ts'
import { Order } from './order.ts'
import { Stock } from './stock.ts'

/** An order, as far as sales are concerned. */
export interface Sale {
  readonly item: string
  readonly units: number
  readonly amount: number
  readonly state: 'open' | 'sold' | 'cancelled'
}

/** Every order; what became of it is answered by an index. */
export const Sales = projection('sales', {
  from: Order,
  view: documents<Sale>({ indexes: ['state'] }),
  on: {
    Placed: ({ item, units, amount }, view, { actorId }) =>
      view.put(actorId, { item, units, amount, state: 'open' }),
    Confirmed: (_, view, { actorId }) => view.patch(actorId, { state: 'sold' }),
    Cancelled: (_, view, { actorId }) => view.patch(actorId, { state: 'cancelled' }),
  },
})

/** Units of one item. */
export interface Level {
  readonly free: number
  readonly reserved: number
  readonly shipped: number
}

const nothing: Level = { free: 0, reserved: 0, shipped: 0 }

/** What there is of every item. */
export const StockLevels = projection('stockLevels', {
  from: Stock,
  view: documents<Level>(),
  on: {
    Received: ({ units }, view, { actorId }) =>
      view.patch(actorId, (level = nothing) => ({ ...level, free: level.free + units })),
    Reserved: ({ units }, view, { actorId }) =>
      view.patch(actorId, (level = nothing) => ({
        ...level,
        free: level.free - units,
        reserved: level.reserved + units,
      })),
    Released: ({ units }, view, { actorId }) =>
      view.patch(actorId, (level = nothing) => ({
        ...level,
        free: level.free + units,
        reserved: level.reserved - units,
      })),
    Shipped: ({ units }, view, { actorId }) =>
      view.patch(actorId, (level = nothing) => ({
        ...level,
        reserved: level.reserved - units,
        shipped: level.shipped + units,
      })),
  },
})

/** Sales and stock at one moment. */
export interface Figures {
  readonly open: number
  readonly sold: number
  readonly cancelled: number
  /** What was sold is worth so much. */
  readonly turnover: number
  readonly level: Level
}

/** Sales of the shop and stock of one item; as of a time, or now. Needs both read models projected. */
export async function figuresOf(runtime: Runtime, item: string, at?: Date): Promise<Figures> {
  if (!at) return read(runtime.view(Sales), runtime.view(StockLevels), item)
  const sales = await runtime.view(Sales).asOf(at)
  const levels = await runtime.view(StockLevels).asOf(at)
  try {
    return await read(sales, levels, item)
  } finally {
    await sales.close()
    await levels.close()
  }
}

async function read(
  sales: DocumentsReader<Sale>,
  levels: DocumentsReader<Level>,
  item: string,
): Promise<Figures> {
  const sold = await sales.find({ where: { state: 'sold' }, limit: 1_000_000 })
  return {
    open: await sales.count({ state: 'open' }),
    sold: sold.length,
    cancelled: await sales.count({ state: 'cancelled' }),
    turnover: sold.reduce((sum, { document }) => sum + document.amount, 0),
    level: (await levels.get(item)) ?? nothing,
  }
}

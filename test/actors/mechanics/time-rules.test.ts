// Two times: an event’s own and the log’s; and the moments of a replay.

import { expect } from 'chai'
import { errorOf, world } from './support.ts'

const deposit = (amount: number) => ({ type: 'deposit', amount }) as const
const minute = 60_000

describe('the own time of an event', () => {
  it('is the clock’s, or what the sender says', async () => {
    const here = world()
    const ann = await here.ann(0)
    const now = here.ports.clock.now()
    await here.ports.advance(10 * minute)
    await here.until(ann.send(deposit(1), { occurredAt: now + minute }))
    await here.until(ann.send(deposit(2)))
    const [, , imported, plain] = await ann.history()
    expect(imported).to.include({ time: now + minute, recordedAt: now + 10 * minute })
    expect(plain).to.include({ time: now + 10 * minute, recordedAt: now + 10 * minute })
  })

  it('may be given as Date, number or text', async () => {
    const here = world()
    const ann = await here.ann(0)
    const at = new Date(here.ports.clock.now() + minute)
    for (const occurredAt of [at, at.getTime(), at.toISOString()]) {
      const { state } = await here.until(ann.send(deposit(1), { occurredAt }))
      expect(state.time).to.equal(at.getTime())
    }
  })

  it('is refused when it is before the last event’s', async () => {
    const here = world()
    const ann = await here.ann(0)
    const lastTime = here.ports.clock.now()
    const occurredAt = lastTime - 1
    const error = await errorOf(here.until(ann.send(deposit(1), { occurredAt })), 'OutOfOrder')
    expect(error.details).to.deep.equal({ actor: 'account-ann', occurredAt, lastTime })
    // The same moment is in order.
    expect(await here.until(ann.send(deposit(1), { occurredAt: lastTime }))).to.include({
      accepted: true,
    })
  })

  it('that is late on purpose is kept, and counts as the last event’s for `at`', async () => {
    const here = world()
    const ann = await here.ann(10)
    const second = here.ports.clock.now()
    await here.ports.advance(minute)
    await here.until(ann.send(deposit(1)))
    const third = here.ports.clock.now()
    await here.ports.advance(minute)
    const options = { occurredAt: second - minute, late: true }
    const { state } = await here.until(ann.send(deposit(100), options))
    expect(state.time).to.equal(third)
    expect((await ann.history()).at(-1)).to.include({ time: second - minute })
    const balanceAt = async (at: number) => (await here.until(ann.replay({ at }))).context.balance
    expect(await balanceAt(second - minute)).to.equal(0)
    expect(await balanceAt(second)).to.equal(10)
    expect(await balanceAt(third - 1)).to.equal(10)
    expect(await balanceAt(third)).to.equal(111)
  })

  it('is refused when it is more than five minutes ahead', async () => {
    const here = world()
    const ann = await here.ann(0)
    const now = here.ports.clock.now()
    const occurredAt = now + 5 * minute + 1
    const error = await errorOf(here.until(ann.send(deposit(1), { occurredAt })), 'TooFarAhead')
    expect(error.details).to.deep.equal({ actor: 'account-ann', occurredAt, now })
    const edge = { occurredAt: now + 5 * minute }
    expect(await here.until(ann.send(deposit(1), edge))).to.include({ accepted: true })
  })

  it('C3: never goes back, though the clock does', async () => {
    const here = world()
    const ann = await here.ann(0)
    const start = here.ports.clock.now()
    for (const jump of [-60 * minute, -minute, 30 * minute, 90 * minute, -120 * minute]) {
      here.ports.jump(jump)
      await here.until(ann.send(deposit(1)))
    }
    const times = (await ann.history()).map(({ time }) => time)
    expect(times).to.deep.equal([...times].sort((a, b) => a - b))
    const recorded = (await ann.history()).map(({ recordedAt }) => recordedAt)
    expect(recorded).to.deep.equal([...recorded].sort((a, b) => a - b))
    expect((await here.until(ann.replay({ at: start }))).context.balance).to.equal(3)
    expect((await here.until(ann.replay({ at: start + 59 * minute }))).context.balance).to.equal(5)
  })

  it('is refused as text that is no time', async () => {
    const here = world()
    const ann = await here.ann(0)
    const sent = ann.send(deposit(1), { occurredAt: 'yesterday' })
    expect((await errorOf(here.until(sent), 'InvalidOption')).details.option).to.equal('occurredAt')
  })
})

describe('a replay', () => {
  /** Four events a minute apart, the third told two minutes late. */
  async function told() {
    const here = world()
    const ann = await here.ann(10)
    const start = here.ports.clock.now()
    await here.ports.advance(3 * minute)
    await here.until(ann.send(deposit(100), { occurredAt: start + minute }))
    await here.ports.advance(minute)
    await here.until(ann.send(deposit(1_000)))
    const balance = async (moment: Parameters<typeof ann.replay>[0]) =>
      (await here.until(ann.replay(moment))).context.balance
    return { ann, here, start, balance }
  }

  it('at a time goes by own time, inclusive', async () => {
    const { start, balance } = await told()
    expect(await balance({ at: start - 1 })).to.equal(0)
    expect(await balance({ at: start })).to.equal(10)
    expect(await balance({ at: start + minute - 1 })).to.equal(10)
    expect(await balance({ at: start + minute })).to.equal(110)
    expect(await balance({ at: new Date(start + 4 * minute) })).to.equal(1_110)
    expect(await balance({ at: new Date(start + 9 * minute).toISOString() })).to.equal(1_110)
  })

  it('of what was known at a time goes by the log’s time, inclusive', async () => {
    const { start, balance } = await told()
    expect(await balance({ knownAt: start + minute })).to.equal(10)
    expect(await balance({ knownAt: start + 3 * minute - 1 })).to.equal(10)
    expect(await balance({ knownAt: start + 3 * minute })).to.equal(110)
    expect(await balance({ knownAt: start + 4 * minute })).to.equal(1_110)
  })

  it('of a revision or position is inclusive', async () => {
    const { ann, balance, here } = await told()
    await here.until((await here.fresh('bob')).send({ type: 'open', owner: 'Bob' }))
    await here.until(ann.send(deposit(5)))
    const history = await ann.history()
    for (const [index, expected] of [0, 10, 110, 1_110, 1_115].entries()) {
      expect(await balance({ revision: index })).to.equal(expected)
      const position = history[index]?.position as number
      expect(await balance({ position })).to.equal(expected)
      expect(await balance({ position: position - 1 })).to.equal([0, 0, 10, 110, 1_110][index])
    }
    expect(await balance({ revision: -1 })).to.equal(0)
    expect(await balance({ revision: 1_000 })).to.equal(1_115)
    expect(await balance({ position: 0 })).to.equal(0)
  })

  it('refuses what is no moment', async () => {
    const { ann } = await told()
    for (const moment of [
      {},
      { at: 'soon' },
      { at: Number.NaN },
      { revision: 1.5 },
      { revision: 1, at: 0 },
    ]) {
      await errorOf(ann.replay(moment as { revision: number }), 'InvalidOption')
    }
  })
})

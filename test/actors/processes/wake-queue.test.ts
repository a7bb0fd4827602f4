// What is due: at its moment, oldest first, at a bounded rate, and spread by chance where it is late.

import { expect } from 'chai'
import { WakeQueue } from '../../../actors/processes/wake-queue.ts'
import { createManualPorts } from '../../../runtime/testing/index.ts'

/** When each of `count` late processes is woken, ms after the begin. */
async function wokenAt(seed: number, jitter: number, count: number, perSecondMax: number) {
  const ports = createManualPorts({ seed })
  const begin = ports.clock.now()
  const woken: { id: string; ms: number }[] = []
  const queue = new WakeQueue(ports, { perSecondMax, jitter }, (id) =>
    woken.push({ id, ms: ports.clock.now() - begin }),
  )
  // The newest first: it is not the order of telling that counts.
  for (let n = count; n > 0; n -= 1) queue.set(`p${n}`, begin - 1_000_000 + n)
  for (let ms = 0; ms < 20_000; ms += 1) await ports.advance(1)
  queue.stop()
  return woken
}

/** The most that were woken within any second. */
const mostInASecond = (woken: readonly { ms: number }[]): number =>
  Math.max(
    ...woken.map(({ ms }) => woken.filter((one) => one.ms >= ms && one.ms < ms + 1_000).length),
  )

describe('what is due', () => {
  it('after downtime is woken oldest first, at a bounded rate, in waves that no two workers share', async () => {
    const [one, same, other] = [
      await wokenAt(1, 0.5, 200, 100),
      await wokenAt(1, 0.5, 200, 100),
      await wokenAt(2, 0.5, 200, 100),
    ]
    const oldestFirst = Array.from({ length: 200 }, (_, n) => `p${n + 1}`)
    for (const woken of [one, other]) {
      expect(woken.map(({ id }) => id)).to.deep.equal(oldestFirst)
      expect(mostInASecond(woken)).to.be.at.most(100)
    }
    expect(same).to.deep.equal(one)
    const waves = (woken: typeof one) => [...new Set(woken.map(({ ms }) => ms))]
    expect(waves(one)).to.have.length(20)
    expect(waves(one).filter((ms) => waves(other).includes(ms)).length).to.be.below(10)
    const pauses = waves(one).map((ms, n, all) => ms - (all[n - 1] ?? 0))
    expect(new Set(pauses).size).to.be.above(5)
  })

  it('is woken evenly without jitter', async () => {
    const woken = await wokenAt(1, 0, 30, 100)
    expect(new Set(woken.map(({ ms }) => ms))).to.deep.equal(new Set([0, 100, 200]))
  })

  it('keeps its bound when more turns out to be late meanwhile', async () => {
    const ports = createManualPorts()
    const woken: string[] = []
    const queue = new WakeQueue(ports, { perSecondMax: 10, jitter: 0 }, (id) => woken.push(id))
    for (let n = 0; n < 20; n += 1) {
      queue.set(`p${n}`, ports.clock.now() - n - 10)
      await ports.advance(10)
    }
    // A tick of 100 ms wakes one; all began within 200 ms.
    expect(woken.length).to.be.within(1, 3)
    queue.stop()
  })

  it('is woken at its very moment when nothing is late', async () => {
    const ports = createManualPorts()
    const begin = ports.clock.now()
    const woken: number[] = []
    const limits = { perSecondMax: 1_000, jitter: 1 }
    const queue = new WakeQueue(ports, limits, () => woken.push(ports.clock.now() - begin))
    for (const ms of [30, 70, 50]) queue.set(`p${ms}`, begin + ms)
    for (let ms = 0; ms < 100; ms += 1) await ports.advance(1)
    expect(woken).to.deep.equal([30, 50, 70])
    queue.stop()
  })
})

// Manual time and seeded chance: nothing moves by itself, and everything repeats.

import { expect } from 'chai'
import { createManualPorts, createSeededRandom } from '../../runtime/testing/index.ts'

describe('manual ports', () => {
  it('fire timers in the order they fall due, the older first', async () => {
    const ports = createManualPorts({ startMs: 1_000 })
    const fired: string[] = []
    const at = (ms: number, name: string) =>
      ports.timers.after(ms, () => fired.push(`${name} ${ports.clock.now()}`))
    at(30, 'c')
    at(10, 'a')
    at(10, 'b')
    at(31, 'never')()
    await ports.advance(9)
    expect(fired).to.deep.equal([])
    await ports.advance(21)
    expect(fired).to.deep.equal(['a 1010', 'b 1010', 'c 1030'])
    await ports.advance(1_000)
    expect(fired).to.have.length(3)
    expect(ports.clock.now()).to.equal(2_030)
    expect(ports.clock.monotonic()).to.equal(1_030)
  })

  it('let promises go on between timers, so that one may start the next', async () => {
    const ports = createManualPorts()
    const times: number[] = []
    const tick = async (): Promise<void> => {
      await ports.timers.turn()
      times.push(ports.clock.monotonic())
      if (times.length < 4) ports.timers.after(10, () => void tick())
    }
    void tick()
    await ports.advance(25)
    expect(times).to.deep.equal([0, 10, 20])
  })

  it('stand still while promises settle', async () => {
    const ports = createManualPorts()
    let done = false
    ports.timers.after(1, () => {
      done = true
    })
    let turns = 0
    const turning = async () => {
      for (; turns < 50; turns += 1) await ports.timers.turn()
    }
    void turning()
    await ports.settle()
    expect(turns).to.equal(50)
    expect(done).to.equal(false)
    expect(ports.pendingTimers).to.equal(1)
  })

  it('move on for a promise only as far as it needs', async () => {
    const ports = createManualPorts()
    const value = new Promise((resolve) => ports.timers.after(500, () => resolve('now')))
    ports.timers.after(501, () => {})
    expect(await ports.until(value)).to.equal('now')
    expect(ports.clock.monotonic()).to.equal(500)
    expect(await ports.until(Promise.resolve(1))).to.equal(1)
    expect(ports.clock.monotonic()).to.equal(500)
  })

  it('say so when a promise never settles, and hand on its rejection', async () => {
    const ports = createManualPorts()
    const text = (promise: Promise<unknown>) => promise.then(String, String)
    expect(await text(ports.until(new Promise(() => {})))).to.include('never settles')
    expect(await text(ports.until(Promise.reject(new Error('no'))))).to.equal('Error: no')
  })

  it('run all timers but those in the background, and say so when there is no end', async () => {
    const ports = createManualPorts()
    const fired: number[] = []
    ports.timers.after(1_000_000, () => fired.push(2))
    ports.timers.after(1, () => fired.push(1))
    ports.timers.after(2_000_000, () => fired.push(3), { background: true })
    await ports.runAll()
    expect(fired).to.deep.equal([1, 2])
    expect(ports.pendingTimers).to.equal(1)
    expect(ports.clock.monotonic()).to.equal(1_000_000)
  })

  it('jump on the wall without any timer firing', async () => {
    const ports = createManualPorts({ startMs: 10_000 })
    let fired = false
    ports.timers.after(50, () => {
      fired = true
    })
    ports.jump(-5_000)
    expect(ports.clock.now()).to.equal(5_000)
    ports.jump(100_000)
    await ports.settle()
    expect(fired).to.equal(false)
    expect(ports.clock.monotonic()).to.equal(0)
  })
})

describe('seeded chance', () => {
  it('repeats with its seed and differs with another', () => {
    const draw = (seed: number) => {
      const random = createSeededRandom(seed)
      return [...Array.from({ length: 20 }, () => random.next()), ...random.fill(new Uint8Array(7))]
    }
    expect(draw(1)).to.deep.equal(draw(1))
    expect(draw(1)).to.not.deep.equal(draw(2))
    expect(draw(0)).to.not.deep.equal(draw(2 ** 31))
  })

  it('keeps its numbers for ever, so that old seeds keep their meaning', () => {
    const random = createSeededRandom(42)
    const numbers = [random.next(), random.next()].map((value) => value.toFixed(12))
    expect(numbers).to.deep.equal(['0.153771652657', '0.018084542542'])
  })

  it('is even: each tenth and each byte come about as often', () => {
    const random = createSeededRandom(3)
    const tenths = new Array<number>(10).fill(0)
    for (let drawn = 0; drawn < 100_000; drawn += 1) {
      const tenth = Math.floor(random.next() * 10)
      tenths[tenth] = (tenths[tenth] ?? 0) + 1
    }
    expect(tenths).to.have.length(10)
    for (const count of tenths) expect(count).to.be.within(9_500, 10_500)
    const bytes = random.fill(new Uint8Array(256_000))
    const counts = new Array<number>(256).fill(0)
    for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1
    expect(Math.min(...counts)).to.be.greaterThan(800)
    expect(Math.max(...counts)).to.be.lessThan(1_200)
  })
})

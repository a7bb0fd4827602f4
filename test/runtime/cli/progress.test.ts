// What long work says of itself where there is no terminal.

import { expect } from 'chai'
import { startProgress } from '../../../runtime/cli/progress.ts'

describe('progress without a terminal', () => {
  const { isTTY, write } = process.stderr
  let said = ''
  let nowMs = 0
  beforeEach(() => {
    said = ''
    nowMs = 1_000
    process.stderr.isTTY = false
    process.stderr.write = (text: string | Uint8Array) => {
      said += text
      return true
    }
  })
  const back = () => {
    process.stderr.isTTY = isTTY
    process.stderr.write = write
  }
  afterEach(back)

  it('is a line now and then, with the rate and the time left', () => {
    const clock = { now: () => nowMs, monotonic: () => nowMs }
    const progress = startProgress(800_000, 'positions', clock)
    const at = (ms: number, done: number) => {
      nowMs = 1_000 + ms
      progress.update(done)
    }
    // What was done before is not the work of this time.
    at(0, 100_000)
    at(1_000, 101_000)
    at(4_000, 108_000)
    at(4_500, 110_000)
    at(10_000, 600_000)
    at(20_000, 800_000)
    progress.stop()
    back()
    expect(said.trimEnd().split('\n')).to.deep.equal([
      '13 %  108,000 of 800,000 positions  2,000/s  5 min 46 s left',
      '75 %  600,000 of 800,000 positions  50,000/s  4 s left',
      '100 %  800,000 of 800,000 positions  35,000/s  0 s left',
    ])
  })
})

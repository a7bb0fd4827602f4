// How many events are read at once: few of large ones, up to the limit of small ones.

import { expect } from 'chai'
import { PageSize } from '../../../runtime/core/page-size.ts'

describe('the size of a page', () => {
  const events = (count: number, bytes: number) =>
    Array.from({ length: count }, () => ({ data: 'x'.repeat(bytes), metadata: '' }))

  it('begins small, whatever may come', () => {
    expect(new PageSize(512).limit).to.be.within(1, 32)
    expect(new PageSize(3).limit).to.equal(3)
  })
  it('grows to the limit with small events', () => {
    const size = new PageSize(512)
    size.learn(events(16, 100))
    expect(size.limit).to.equal(512)
  })
  it('shrinks with large ones, to one at least', () => {
    const size = new PageSize(512)
    size.learn(events(4, 256 * 1024))
    expect(size.limit).to.equal(4)
    size.learn(events(1, 10 * 1024 * 1024))
    expect(size.limit).to.equal(1)
  })
  it('stays as it is where nothing was read', () => {
    const size = new PageSize(512)
    size.learn(events(2, 512 * 1024))
    size.learn([])
    expect(size.limit).to.equal(2)
  })
  it('events without texts are as many as may be', () => {
    const size = new PageSize(512)
    size.learn(events(16, 0))
    expect(size.limit).to.equal(512)
  })
})

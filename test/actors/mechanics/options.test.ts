// What a sender does with its options after it has sent is its own affair.

import { expect } from 'chai'
import type { SendOptions } from '../../../runtime/index.ts'
import { world } from './support.ts'

describe('options of a command', () => {
  it('are taken as they are when it is sent', async () => {
    const here = world()
    const ann = await here.ann(10)
    const options: { -readonly [Name in keyof SendOptions]: SendOptions[Name] } = {
      expectedRevision: 1,
      correlationId: 'first',
      occurredAt: here.ports.clock.now(),
    }
    const first = ann.send({ type: 'deposit', amount: 1 }, options)
    options.expectedRevision = 2
    options.correlationId = 'second'
    const second = ann.send({ type: 'deposit', amount: 2 }, options)
    options.expectedRevision = 'none'
    Object.assign(options, { correlationId: 7 })
    const results = await here.until(Promise.all([first, second]))
    expect(results.map(({ revision }) => revision)).to.deep.equal([2, 3])
    const history = await ann.history()
    expect(history.slice(2).map(({ correlationId }) => correlationId)).to.deep.equal([
      'first',
      'second',
    ])
  })
})

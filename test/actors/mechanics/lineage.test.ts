// Where events come from and what differs between moments: metadata, diff, options that are checked.

import { expect } from 'chai'
import type { SendOptions } from '../../../runtime/index.ts'
import { errorOf, world } from './support.ts'

const deposit = { type: 'deposit', amount: 5 } as const
const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

describe('what a command carries', () => {
  it('is kept with its events: conversation, cause, trace and metadata of the caller', async () => {
    const here = world()
    const ann = await here.ann(1)
    await here.until(
      ann.send(deposit, {
        commandId: 'c-1',
        correlationId: 'order-7',
        causationId: 'event-3',
        traceparent: trace,
        metadata: { user: 'eve', tags: ['a'] },
      }),
    )
    const event = (await here.until(ann.history())).at(-1)
    expect(event).to.include({
      commandId: 'c-1',
      correlationId: 'order-7',
      causationId: 'event-3',
    })
    expect(event?.metadata).to.deep.equal({ user: 'eve', tags: ['a'] })
    const [recorded] = (await here.log.readStream('account-ann', { from: 2 })).events
    // The names that EventStoreDB knows, and W3C's.
    expect(JSON.parse(recorded?.metadata ?? '')).to.deep.include({
      $correlationId: 'order-7',
      $causationId: 'event-3',
      traceparent: trace,
      custom: { user: 'eve', tags: ['a'] },
    })
  })

  it('is its own conversation and cause where nothing is given', async () => {
    const here = world()
    const ann = await here.ann(1)
    await here.until(ann.send(deposit, { commandId: 'c-1' }))
    const event = (await here.until(ann.history())).at(-1)
    expect(event).to.include({ correlationId: 'c-1', causationId: 'c-1' })
    expect(event?.metadata).to.equal(undefined)
    const [recorded] = (await here.log.readStream('account-ann', { from: 2 })).events
    expect(recorded?.metadata).not.to.match(/traceparent|custom/)
  })

  it('is also kept with the record of a rejection', async () => {
    const here = world()
    const ann = await here.ann(1)
    const options = { commandId: 'c-1', correlationId: 'order-7', traceparent: trace }
    const refused = await here.until(ann.send({ type: 'withdraw', amount: 9 }, options))
    expect(refused.accepted).to.equal(false)
    const record = (await here.until(ann.history())).at(-1)
    expect(record?.event.type).to.equal('reenact.Rejected')
    expect(record).to.include({ commandId: 'c-1', correlationId: 'order-7' })
  })

  const wrong: readonly (readonly [string, unknown])[] = [
    ["'signal' is no AbortSignal", { signal: {} }],
    ["'signal' is no AbortSignal", { signal: new AbortController() }],
    ["'signal' is no AbortSignal", { signal: null }],
    ["'correlationId' is a number", { correlationId: 7 }],
    ["'causationId' is an object", { causationId: {} }],
    ["'traceparent' is a list", { traceparent: ['00'] }],
    ["'late' is a string", { late: 'yes' }],
    ["'timeoutMs' is 5000", { timeoutMs: '5000' }],
    ["'commandID' is none of a command", { commandID: 'pay-1' }],
    ['The options of a command are a string', 'pay-1'],
  ]
  for (const [issue, options] of wrong) {
    it(`is refused: ${issue}, ${JSON.stringify(options)}`, async () => {
      const here = world()
      const ann = await here.ann(1)
      const sent = here.until(ann.send(deposit, options as SendOptions))
      expect((await errorOf(sent, 'InvalidOption')).message).to.include(issue)
      expect((await here.log.readStream('account-ann')).head).to.equal(1)
    })
  }
})

describe('diff', () => {
  it('names what differs between two moments, value by value', async () => {
    const here = world()
    const ann = await here.ann(40)
    await here.until(ann.send({ type: 'withdraw', amount: 15 }))
    const born = await here.until(ann.diff({ revision: -1 }, { revision: 1 }))
    expect(born.changes).to.deep.equal([
      { path: 'value', before: 'unopened', after: 'active' },
      { path: 'context.owner', before: '', after: 'Ann' },
      { path: 'context.balance', before: 0, after: 40 },
    ])
    const spent = await here.until(ann.diff({ revision: 1 }, { revision: 2 }))
    expect(spent.changes).to.deep.equal([{ path: 'context.balance', before: 40, after: 25 }])
    expect([spent.from, spent.to]).to.deep.equal([
      await here.until(ann.replay({ revision: 1 })),
      await here.until(ann.replay({ revision: 2 })),
    ])
  })

  it('takes moments of every kind, in any order, and finds nothing between equal states', async () => {
    const here = world()
    const ann = await here.ann(40)
    const at = here.ports.clock.now()
    await here.ports.advance(1_000)
    const { position } = await here.until(ann.send(deposit))
    const forwards = await here.until(ann.diff({ at }, { position }))
    expect(forwards.changes).to.deep.equal([{ path: 'context.balance', before: 40, after: 45 }])
    const backwards = await here.until(ann.diff({ position }, { at }))
    expect(backwards.changes).to.deep.equal([{ path: 'context.balance', before: 45, after: 40 }])
    const same = await here.until(ann.diff({ revision: 2 }, { knownAt: at + 1_000 }))
    expect(same.changes).to.deep.equal([])
  })
})

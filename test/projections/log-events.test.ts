// The log as a projection reads it: what is chosen, what it looks like, and what cannot be read.

import { expect } from 'chai'
import {
  type LogDeps,
  type LogEvent,
  type LogOptions,
  logEvents,
} from '../../projections/log-events.ts'
import type { JsonObject } from '../../runtime/codec/codec.ts'
import type { Upcasters, UpcastRule } from '../../runtime/codec/upcasting.ts'
import { systemPorts } from '../../runtime/core/clock.ts'
import { type ErrorCode, isReenactError, type ReenactError } from '../../runtime/core/errors.ts'
import type { EventStore } from '../../runtime/ports/event-store.ts'
import { createMemoryStore } from '../../runtime/stores/memory/memory-store.ts'

/** An account knows one type under two names, in two versions, and takes no interest in another. */
const opened: UpcastRule = {
  type: 'Opened',
  version: 2,
  steps: { 1: (data: JsonObject) => ({ ...data, currency: 'EUR' }) },
}
const account: Upcasters = new Map([
  ['Opened', opened],
  ['Created', opened],
  ['Deposited', { type: 'Deposited', version: 1, steps: {} }],
  ['Viewed', null],
])
const order: Upcasters = new Map([['Placed', { type: 'Placed', version: 1, steps: {} }]])

interface Written {
  readonly data?: string
  readonly metadata?: object
}

describe('events of the log', () => {
  let store: EventStore
  let deps: LogDeps
  let count = 0

  beforeEach(() => {
    store = createMemoryStore()
    const { timers } = systemPorts
    const upcasters = new Map([
      ['account', account],
      ['order', order],
    ])
    deps = { store, timers, upcasters }
  })

  const write = async (stream: string, type: string, written: Written = {}): Promise<void> => {
    count += 1
    const { data = '{}', metadata = {} } = written
    const id = `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`
    const event = { id, type, data, metadata: JSON.stringify(metadata) }
    const appended = await store.append(stream, [event], { expected: 'any' })
    expect(appended.outcome).to.equal('committed')
  }

  const read = async (options?: LogOptions): Promise<LogEvent[]> => {
    const events: LogEvent[] = []
    for await (const event of logEvents(deps, options)) events.push(event)
    return events
  }

  const labels = async (options?: LogOptions): Promise<string[]> =>
    (await read(options)).map(({ actorId, type }) => `${actorId} ${type}`)

  const failure = async <Code extends ErrorCode>(
    code: Code,
    options?: LogOptions,
  ): Promise<ReenactError<Code>> => {
    const error = await read(options).then(
      () => expect.fail(`expected ${code}`),
      (thrown: unknown) => thrown,
    )
    if (!isReenactError(error, code)) throw error
    return error
  }

  it('tells whose event it is, when it happened and what caused it', async () => {
    const metadata = { schemaVersion: 2, time: 1000, commandId: 'c-1' }
    await write('account-J%C3%BCrgen', 'Opened', { data: '{"owner":"J"}', metadata })
    const [event, ...others] = await read()
    expect(others).to.deep.equal([])
    expect(event?.recordedAt).to.be.above(1000)
    expect(event).to.deep.include({
      kind: 'account',
      actorId: 'Jürgen',
      type: 'Opened',
      data: { owner: 'J' },
      revision: 0,
      position: 1,
      time: 1000,
      commandId: 'c-1',
    })
  })

  it('takes the time of recording where a foreign writer gave none', async () => {
    await write('account-1', 'Opened')
    const [event] = await read()
    expect(event?.time).to.equal(event?.recordedAt)
    expect(event?.commandId).to.equal(undefined)
  })

  it('leaves a name that no actor can have as it is', async () => {
    for (const stream of ['account-100%', 'account-%E0%A4', 'account'])
      await write(stream, 'Opened')
    expect((await read()).map(({ actorId }) => actorId)).to.deep.equal([
      '100%',
      '%E0%A4',
      'account',
    ])
  })

  describe('chooses', () => {
    beforeEach(async () => {
      await write('account-1', 'Created', { data: '{"owner":"J"}', metadata: { time: 1000 } })
      await write('order-7', 'Placed', { metadata: { time: 2000 } })
      await write('stranger-1', 'Anything', { data: 'no JSON' })
      await write('account-1', 'reenact.Rejected', { metadata: { time: 2500 } })
      await write('account-1', 'Viewed', { data: 'no JSON', metadata: { time: 2600 } })
      await write('account-2', 'Opened', { metadata: { schemaVersion: 2, time: 3000 } })
      await write('account-1', 'reenact.NoEffect', { metadata: { time: 3500 } })
      await write('account-1', 'Deposited', { metadata: { time: 2700 } })
    })

    it('all events of all known kinds in their order, none of an ignored type', async () => {
      expect(await labels()).to.deep.equal(['1 Opened', '7 Placed', '2 Opened', '1 Deposited'])
    })

    it('kinds', async () => {
      expect(await labels({ kinds: ['order'] })).to.deep.equal(['7 Placed'])
      expect(await labels({ kinds: [] })).to.deep.equal([])
    })

    it('types by the name of today, under whatever name they were written', async () => {
      const found = await read({ types: ['Opened'] })
      expect(found.map(({ type, data }) => [type, data])).to.deep.equal([
        ['Opened', { owner: 'J', currency: 'EUR' }],
        ['Opened', {}],
      ])
      expect(await labels({ types: ['Created'] })).to.deep.equal([], 'a former name')
      expect(await labels({ types: ['Opened', 'Placed'], kinds: ['account'] })).to.deep.equal([
        '1 Opened',
        '2 Opened',
      ])
    })

    it('what happened by a time, also where it was written late', async () => {
      expect(await labels({ at: new Date(2700) })).to.deep.equal([
        '1 Opened',
        '7 Placed',
        '1 Deposited',
      ])
      expect(await labels({ at: new Date(999) })).to.deep.equal([])
    })

    it('what comes after a position', async () => {
      expect(await labels({ after: 2 })).to.deep.equal(['2 Opened', '1 Deposited'])
      expect(await labels({ after: 8 })).to.deep.equal([])
    })

    it("the runtime's own records, where they are named", async () => {
      expect(await labels({ types: ['reenact.Rejected'] })).to.deep.equal(['1 reenact.Rejected'])
      expect(await labels({ types: ['reenact.NoEffect', 'Deposited'] })).to.deep.equal([
        '1 reenact.NoEffect',
        '1 Deposited',
      ])
    })
  })

  it('reads on over many pages', async () => {
    for (let n = 0; n < 1100; n += 1) await write(`account-${n % 3}`, 'Deposited')
    expect(await read()).to.have.length(1100)
  })

  describe('cannot read', () => {
    it('a type that the kind does not know, though another does', async () => {
      await write('order-1', 'Placed')
      await write('order-1', 'Deposited')
      const { details } = await failure('UnknownEvent')
      expect(details).to.deep.equal({ stream: 'order-1', revision: 1, type: 'Deposited' })
    })

    it('a kind that nobody declared', async () => {
      await write('stranger-1', 'Anything')
      await failure('UnknownEvent', { kinds: ['stranger'] })
    })

    it("a record of the runtime's that is not known, once it is asked for", async () => {
      await write('account-1', 'reenact.Later')
      expect(await labels()).to.deep.equal([])
      const { details } = await failure('UnknownEvent', { types: ['reenact.Later'] })
      expect(details).to.deep.equal({ stream: 'account-1', revision: 0, type: 'reenact.Later' })
    })

    it('an event of newer code', async () => {
      await write('account-1', 'Opened', { metadata: { schemaVersion: 3 } })
      expect((await failure('NewerSchema')).details).to.include({ found: 3, known: 2 })
    })

    for (const data of ['no JSON', '[1]', 'null', '"text"', '']) {
      it(`data that is ${data || 'empty'}`, async () => {
        await write('account-1', 'Opened')
        await write('account-1', 'Deposited', { data })
        const { details, message } = await failure('CorruptEvent')
        expect(details).to.deep.equal({ stream: 'account-1', revision: 1, check: 'content' })
        expect(message).to.include('account-1@1')
      })
    }
  })
})

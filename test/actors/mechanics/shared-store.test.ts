// Two runtimes on one log: whoever is second reads what the first wrote, and decides again.

import { expect } from 'chai'
import { emit, setup } from 'xstate'
import { aggregate, type EventStore } from '../../../runtime/index.ts'
import { Account, machine } from '../../fixtures/account.ts'
import { errorOf, overlay, typesOf, world } from './support.ts'

/** Ann in two processes. Both have her in memory, at revision 1. */
async function twice(balance: number) {
  const here = world()
  const ann = await here.ann(balance)
  const rival = (await here.open()).actor(Account, 'ann')
  await here.until(rival.state())
  return { here, ann, rival }
}

describe('two runtimes on one log', () => {
  it('A9: lose no update when they take turns', async () => {
    const { here, ann, rival } = await twice(0)
    for (let turn = 0; turn < 20; turn += 1) {
      const actor = turn % 2 === 0 ? ann : rival
      const result = await here.until(actor.send({ type: 'deposit', amount: 1 }))
      expect(result.state.context.balance).to.equal(turn + 1)
      expect(result.revision).to.equal(turn + 2)
    }
    expect((await here.until(ann.verify())).ok).to.equal(true)
  })

  it('A9: lose no update when they write at the same time', async () => {
    const { here, ann, rival } = await twice(0)
    const sends = Array.from({ length: 100 }, (_, index) =>
      (index % 2 === 0 ? ann : rival).send({ type: 'deposit', amount: 1 }),
    )
    const results = await here.until(Promise.all(sends))
    expect(results.every(({ accepted }) => accepted)).to.equal(true)
    expect((await here.until((await here.fresh()).state())).context.balance).to.equal(100)
    expect(new Set(results.map(({ revision }) => revision)).size).to.equal(100)
  })

  it('A9: never pay out more than there is', async () => {
    const { here, ann, rival } = await twice(10)
    const sends = Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? ann : rival).send({ type: 'withdraw', amount: 1 }),
    )
    const results = await here.until(Promise.all(sends))
    expect(results.filter(({ accepted }) => accepted)).to.have.length(10)
    for (const { state } of results) expect(state.context.balance).to.be.at.least(0)
    expect((await here.until(rival.state())).context.balance).to.equal(0)
  })

  it('A11: confirm a rejection against the log before they answer it', async () => {
    const { here, ann, rival } = await twice(0)
    await here.until(ann.send({ type: 'deposit', amount: 50 }))
    const result = await here.until(rival.send({ type: 'withdraw', amount: 50 }))
    expect(result).to.include({ accepted: true, revision: 3 })
  })

  it('show each other’s events when asked for the state', async () => {
    const { here, ann, rival } = await twice(0)
    await here.until(ann.send({ type: 'deposit', amount: 7 }))
    expect((await here.until(rival.state())).context.balance).to.equal(7)
    expect(await here.until(rival.can({ type: 'withdraw', amount: 7 }))).to.deep.equal({
      can: 'yes',
    })
  })
})

describe('a command that reaches two runtimes', () => {
  const commandId = 'transfer-1'

  it('A10: is applied once when the first one’s append is still under way', async () => {
    const { here, ann, rival } = await twice(50)
    await here.until(ann.send({ type: 'deposit', amount: 1 })) // The rival does not know of it.
    here.store.script({ kind: 'late', delayMs: 60_000 }, ...Array(3).fill({ kind: 'drop' }))
    const first = ann.send({ type: 'withdraw', amount: 51 }, { commandId })
    await here.ports.settle()
    here.store.heal()
    const second = rival.send({ type: 'withdraw', amount: 51 }, { commandId })
    const answers = await here.until(Promise.all([first, second]))
    await here.ports.advance(120_000)
    for (const answer of answers) expect(answer).to.include({ accepted: true, revision: 3 })
    expect(answers.map(({ duplicate }) => duplicate).sort()).to.deep.equal([false, true])
    expect((await typesOf(ann)).filter((type) => type === 'Withdrawn')).to.have.length(1)
  })

  it('A10: is never applied once the other has rejected it', async () => {
    // During a rolling deploy the new code pays out less at once than the old.
    const strict = machine.provide({
      guards: { covered: ({ event }) => event.type === 'withdraw' && event.amount <= 10 },
    })
    const StrictAccount = aggregate('account', strict, {
      events: { Opened: {}, Deposited: {}, Withdrawn: {}, Closed: {} },
    })
    const here = world()
    const ann = await here.ann(50)
    const renewed = (await here.open({}, [StrictAccount])).actor(StrictAccount, 'ann')
    here.store.script({ kind: 'late', delayMs: 60_000 })
    const first = ann.send({ type: 'withdraw', amount: 40 }, { commandId })
    await here.ports.settle()
    const second = await here.until(renewed.send({ type: 'withdraw', amount: 40 }, { commandId }))
    expect(second).to.include({ accepted: false, duplicate: false, revision: 2 })
    // The first one's copy arrives at a log that has moved on, and its sender hears of the rejection.
    expect(await here.until(first)).to.include({ accepted: false, duplicate: true, revision: 2 })
    await here.ports.advance(120_000)
    expect(await typesOf(ann)).to.deep.equal(['Opened', 'Deposited', 'reenact.Rejected'])
  })
})

describe('a rival that is always first', () => {
  const Rival = aggregate(
    'rival',
    setup({
      types: {
        events: {} as { type: 'go' } | { type: 'Gone' },
        emitted: {} as { type: 'Gone' },
      },
    }).createMachine({
      initial: 'here',
      states: { here: { on: { go: { actions: emit({ type: 'Gone' }) }, Gone: {} } } },
    }),
    { events: { Gone: {} } },
  )

  /** Writes one foreign event before each of the next `times` appends. */
  function rivalry() {
    let times = 0
    const wrap = (log: EventStore) =>
      overlay(log, {
        append: async (stream, events, options) => {
          if (times > 0) {
            times -= 1
            const id = `00000000-0000-4000-8000-${String(times).padStart(12, '0')}`
            await log.append(stream, [{ id, type: 'Gone', data: '{}', metadata: '{}' }], {
              expected: 'any',
            })
          }
          return log.append(stream, events, options)
        },
      })
    return { wrap, start: (count: number) => (times = count) }
  }

  it('A9: ends in Conflict after the bounded attempts, with nothing applied', async () => {
    const { wrap, start } = rivalry()
    const here = world(wrap)
    const runtime = await here.open({ conflictAttemptsMax: 3 }, [Rival])
    const actor = runtime.actor(Rival, 'one')
    start(1_000)
    const error = await errorOf(here.until(actor.send({ type: 'go' })), 'Conflict')
    expect(error).to.include({ retryable: true })
    expect(error.details).to.deep.equal({ actor: 'rival-one', attempts: 3 })
    const own = (await actor.history()).filter(({ commandId }) => commandId !== undefined)
    expect(own).to.deep.equal([])
    start(0)
    expect(await here.until(actor.send({ type: 'go' }))).to.include({ accepted: true, revision: 3 })
  })

  it('A9: is bearable while it is first less often than that', async () => {
    const { wrap, start } = rivalry()
    const here = world(wrap)
    const runtime = await here.open({}, [Rival])
    start(7)
    const result = await here.until(runtime.actor(Rival, 'one').send({ type: 'go' }))
    expect(result).to.include({ accepted: true, revision: 7 })
    expect(runtime.metrics().conflicts).to.equal(7)
  })
})

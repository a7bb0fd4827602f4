// The four outcomes of an append, as a sender sees them.

import { expect } from 'chai'
import type { AppendOutcome, EventStore } from '../../../runtime/index.ts'
import type { Fault } from '../../../runtime/testing/index.ts'
import { Account } from '../../fixtures/account.ts'
import { errorOf, overlay, typesOf, type World, world } from './support.ts'

const deposit = { type: 'deposit', amount: 5 } as const
const all = ['Opened', 'Deposited', 'Deposited']

/** Sends one deposit that meets the faults, and checks that the log holds it once. */
async function depositThrough(here: World, faults: readonly Fault[]) {
  const ann = await here.ann(10, { appendTimeoutMs: 1_000, timeoutMs: 60_000 })
  here.store.script(...faults)
  const result = await here.until(ann.send(deposit))
  await here.ports.advance(60_000)
  expect(here.store.outstanding).to.equal(0)
  expect(await typesOf(ann)).to.deep.equal(all)
  return { ann, result }
}

const faults: readonly (readonly [string, readonly Fault[]])[] = [
  ['A2: whose reply is lost', [{ kind: 'lose-reply' }]],
  ['A2: whose reply is lost three times', Array(3).fill({ kind: 'lose-reply' })],
  ['that is dropped', [{ kind: 'drop' }]],
  ['that arrives late, after it was sent again', [{ kind: 'late', delayMs: 10_000 }]],
  ['that arrives late, before it is sent again', [{ kind: 'late', delayMs: 0 }]],
  ['that rejects though it arrived', [{ kind: 'reject', arrives: true }]],
  ['that rejects and did not arrive', [{ kind: 'reject', arrives: false }]],
  ['that never settles though it arrived', [{ kind: 'hang', arrives: true }]],
  ['that never settles and did not arrive', [{ kind: 'hang', arrives: false }]],
  ['that is slower than its timeout', [{ kind: 'slow', delayMs: 5_000 }]],
]

describe('an append', () => {
  for (const [title, script] of faults) {
    it(`${title} is carried out exactly once and answers like any other`, async () => {
      const smooth = await depositThrough(world(), [])
      const rough = await depositThrough(world(), script)
      const { commandId, state, ...answer } = rough.result
      const { commandId: _, state: smoothState, ...smoothAnswer } = smooth.result
      expect(commandId).to.be.a('string')
      expect(answer).to.deep.equal(smoothAnswer)
      expect(state).to.deep.equal(smoothState)
    })
  }

  it('R3: is sent again byte for byte', async () => {
    const requests: string[] = []
    const here = world((log) =>
      overlay(log, {
        append: (...request) => {
          requests.push(JSON.stringify(request))
          return log.append(...request)
        },
      }),
    )
    const ann = await here.ann(10)
    requests.length = 0
    here.store.script(...Array(4).fill({ kind: 'lose-reply' }))
    await here.until(ann.send(deposit))
    expect(requests).to.have.length(5)
    expect(new Set(requests).size).to.equal(1)
  })

  it('A2: whose reply is lost, and behind which another writer was, still answers as its own', async () => {
    const here = world()
    const ann = await here.ann(10)
    const rival = (await here.open()).actor(Account, 'ann')
    here.store.script({ kind: 'lose-reply' })
    const [result] = await here.until(
      Promise.all([
        ann.send(deposit),
        here.ports.settle().then(() => rival.send({ type: 'deposit', amount: 100 })),
      ]),
    )
    expect(result).to.include({ accepted: true, duplicate: false, revision: 2 })
    expect(result.state.context.balance).to.equal(15)
    const { context } = await here.until(ann.state())
    expect(context.balance).to.equal(115)
  })
})

describe('a conflict below the expected revision', () => {
  /** Answers the given outcomes first. */
  const answering = (outcomes: readonly ((expected: number) => AppendOutcome)[]) => {
    const queue: (typeof outcomes)[number][] = []
    const wrap = (log: EventStore) =>
      overlay(log, {
        append: (stream, events, options) => {
          const next = queue.shift()
          const expected = options.expected as number
          return next ? Promise.resolve(next(expected)) : log.append(stream, events, options)
        },
      })
    return { wrap, start: () => queue.push(...outcomes) }
  }
  const unknown = (): AppendOutcome => ({ outcome: 'unknown', error: new Error('lost') })
  const behind = (expected: number): AppendOutcome => ({
    outcome: 'conflict',
    actual: expected - 1,
  })

  it('A3: is unknown while an earlier copy is under way', async () => {
    const { wrap, start } = answering([unknown, behind, behind])
    const here = world(wrap)
    const ann = await here.ann(10)
    start()
    const result = await here.until(ann.send(deposit))
    expect(result).to.include({ accepted: true, revision: 2 })
    expect(await typesOf(ann)).to.deep.equal(all)
  })

  it('F3: is a log that lost its end when no copy is under way', async () => {
    const { wrap, start } = answering([behind])
    const here = world(wrap)
    const ann = await here.ann(10)
    start()
    const error = await errorOf(here.until(ann.send(deposit)), 'AheadOfLog')
    expect(error.details).to.deep.equal({ stream: 'account-ann', revision: 1, head: 0 })
  })
})

describe('a refused append', () => {
  it('fails its commands with the typed error and leaves nothing behind', async () => {
    const here = world()
    const ann = await here.ann(10)
    here.store.script({ kind: 'refuse' })
    const error = await errorOf(here.until(ann.send(deposit)), 'DiskFull')
    expect(error.retryable).to.equal(true)
    expect(await typesOf(ann)).to.deep.equal(['Opened', 'Deposited'])
    const next = await here.until(ann.send(deposit))
    expect(next).to.include({ accepted: true, revision: 2 })
    expect(next.state.context.balance).to.equal(15)
  })

  it('fails no command that was decided before the first event', async () => {
    const here = world()
    const ann = await here.ann(10)
    here.store.script({ kind: 'refuse' })
    const [ping, refused, after] = await here.until(
      Promise.allSettled([
        ann.send({ type: 'ping' }),
        ann.send(deposit),
        ann.send({ type: 'ping' }),
      ]),
    )
    expect(ping.status).to.equal('fulfilled')
    expect(refused.status).to.equal('rejected')
    // Its answer would tell of a state that never came to be.
    expect(after.status).to.equal('rejected')
  })
})

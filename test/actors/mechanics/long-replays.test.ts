// What happens to a log while a replay of several pages is under way.

import { expect } from 'chai'
import type { EventStore } from '../../../runtime/index.ts'
import { Account } from '../../fixtures/account.ts'
import { type Ann, errorOf, overlay, world } from './support.ts'

const stream = 'account-ann'
const events = 1_200

/** A world whose log does something right before its second page is read. */
function interrupted(then: (log: EventStore) => Promise<unknown>) {
  let pages = 0
  let armed = false
  const wrap = (log: EventStore) =>
    overlay(log, {
      readStream: async (name, options) => {
        if (armed) pages += 1
        if (armed && pages === 2) await then(log)
        return log.readStream(name, options)
      },
    })
  const here = world(wrap)
  const fill = async (): Promise<Ann> => {
    const ann = await here.ann(1)
    for (let sent = 2; sent < events; sent += 400) {
      const batch = Array.from({ length: 400 }, () => ann.send({ type: 'deposit', amount: 1 }))
      await here.until(Promise.all(batch))
    }
    await here.log.state.delete(`snapshot:${stream}`)
    armed = true
    return (await here.open()).actor(Account, 'ann')
  }
  return { here, fill, pages: () => pages }
}

const endings = [
  ['deleted', (log: EventStore) => log.deleteStream(stream), 'StreamDeleted'],
  ['tombstoned', (log: EventStore) => log.tombstoneStream(stream), 'StreamDeleted'],
  [
    'truncated beyond what was read',
    (log: EventStore) => log.setStreamMetadata(stream, { truncateBefore: 1_000 }),
    'RevisionGap',
  ],
] as const

describe('a stream that changes between two pages of a replay', () => {
  for (const [what, change, code] of endings) {
    it(`${what}: the replay fails and gives no half of a state`, async () => {
      const { here, fill, pages } = interrupted(change)
      const ann = await fill()
      await errorOf(here.until(ann.replay({ revision: events })), code)
      expect(pages()).to.equal(2)
    })

    it(`${what}: the actor does not come to life`, async () => {
      const { here, fill, pages } = interrupted(change)
      const ann = await fill()
      const failed = here.until(ann.state()).then(
        (state) => `answered with revision ${state.revision}`,
        (error: { code: string; cause?: { code: string } }) => error.cause?.code ?? error.code,
      )
      expect(await failed).to.equal(code)
      expect(pages()).to.be.at.least(2)
    })
  }

  it('truncated within what was read: the replay goes on', async () => {
    const { here, fill } = interrupted((log) =>
      log.setStreamMetadata(stream, { truncateBefore: 100 }),
    )
    const ann = await fill()
    const state = await here.until(ann.replay({ revision: 2 * events }))
    const { head } = await here.log.readStream(stream, { from: 100, limit: 1 })
    expect(state).to.deep.include({ revision: head, context: { owner: 'Ann', balance: head } })
  })

  it('appended to: a replay to the end takes in what came', async () => {
    const { here, fill } = interrupted(async (log) => {
      const { events: page, head } = await log.readStream(stream, { direction: 'backwards' })
      const last = page[0] as (typeof page)[number]
      const metadata = last.metadata.replace(/"previousHash":"[^"]*"/, '"foreign":true')
      const more = { id: '6a1b6bd5-8f5e-4a0c-9d2e-0a4c1f7f0b11', type: last.type, data: last.data }
      await log.append(stream, [{ ...more, metadata }], { expected: head })
    })
    const ann = await fill()
    const state = await here.until(ann.state())
    expect(state.context.balance).to.equal(state.revision)
    expect(state.revision).to.equal((await here.log.readStream(stream)).head)
  })
})

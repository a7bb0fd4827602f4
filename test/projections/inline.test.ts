// Inline projections: in the append's own transaction, or the append is refused.

import { join } from 'node:path'
import { expect } from 'chai'
import {
  type InlineProjection,
  inlineDocuments,
  inlineProjection,
} from '../../projections/index.ts'
import { createRuntime, type Runtime } from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { failure } from './support.ts'

/** No two accounts of one owner; an owner is free again when the account is closed. */
const owners = (version = 1) =>
  inlineProjection('owners', {
    from: Account,
    version,
    view: inlineDocuments<{ account: string; deposits: number }>(),
    on: {
      Opened: ({ owner }, view, { actorId }) => {
        if (view.get(owner)) throw new Error(`${owner} has an account.`)
        view.put(owner, { account: actorId, deposits: 0 })
        view.put(`of ${actorId}`, { account: owner, deposits: 0 })
      },
      Deposited: (_event, view, { actorId }) => {
        const own = view.get(`of ${actorId}`)
        if (own) view.put(`of ${actorId}`, { ...own, deposits: own.deposits + version })
      },
      Closed: (_event, view, { actorId }) => {
        view.delete(view.get(`of ${actorId}`)?.account ?? '')
        view.delete(`of ${actorId}`)
      },
    },
  })

describe('an inline projection', () => {
  const folder = temporaryFolder()
  const Owners = owners()
  let runtime: Runtime
  let files = 0
  const open = (inline: readonly InlineProjection[] = [Owners], file = files) =>
    createRuntime({ store: `file:${join(folder, `inline-${file}.db`)}`, actors: [Account], inline })

  beforeEach(async () => {
    files += 1
    runtime = await open()
  })
  afterEach(() => runtime.close())

  const opened = (id: string, owner: string) =>
    runtime.actor(Account, id).send({ type: 'open', owner })

  it('is there as soon as the command is answered', async () => {
    await opened('a1', 'Ann')
    const view = runtime.inlineView(Owners)
    expect(await view.get('Ann')).to.deep.equal({ account: 'a1', deposits: 0 })
    expect(await view.keys()).to.deep.equal(['Ann', 'of a1'])
    expect(await view.keys('of ')).to.deep.equal(['of a1'])
  })

  it('refuses the append it cannot take, and no other of the same commit', async () => {
    const [first, ...others] = await Promise.allSettled([
      opened('a1', 'Ann'),
      opened('a2', 'Ann'),
      opened('a3', 'Bob'),
      opened('a4', 'Ann'),
    ])
    expect(first?.status).to.equal('fulfilled')
    expect(others.map(({ status }) => status)).to.deep.equal(['rejected', 'fulfilled', 'rejected'])
    const error = await failure(opened('a5', 'Bob'), 'ProjectionFailed')
    expect(error.message).to.include("'owners'").and.include('Bob has an account')
    expect((await runtime.actor(Account, 'a2').state()).revision).to.equal(-1)
    const kept: string[] = []
    for await (const { actorId } of runtime.log()) kept.push(actorId)
    expect(kept).to.deep.equal(['a1', 'a3'])
    // What was refused can be done later.
    await runtime.actor(Account, 'a1').send({ type: 'close' })
    await opened('a2', 'Ann')
    expect((await runtime.inlineView(Owners).get('Ann'))?.account).to.equal('a2')
  })

  it('counts every event of many commands in one commit', async () => {
    await opened('a1', 'Ann')
    const ann = runtime.actor(Account, 'a1')
    await Promise.all(Array.from({ length: 50 }, () => ann.send({ type: 'deposit', amount: 1 })))
    expect((await runtime.inlineView(Owners).get('of a1'))?.deposits).to.equal(50)
  })

  it('is made anew after the log was written without it, and for another version', async () => {
    await opened('a1', 'Ann')
    await runtime.close()
    runtime = await open([])
    await runtime.actor(Account, 'a1').send({ type: 'deposit', amount: 1 })
    await opened('a2', 'Bob')
    await runtime.close()
    runtime = await open()
    const view = runtime.inlineView(Owners)
    expect(await view.get('Bob')).to.deep.equal({ account: 'a2', deposits: 0 })
    expect((await view.get('of a1'))?.deposits).to.equal(1)
    await runtime.close()
    runtime = await open([owners(2)])
    expect((await runtime.inlineView(Owners).get('of a1'))?.deposits).to.equal(2)
    await failure(opened('a3', 'Bob'), 'ProjectionFailed')
  })

  it('is refused where there is no file to write it to, and when it is asynchronous', async () => {
    await failure(
      createRuntime({ store: 'memory:', actors: [Account], inline: [Owners] }),
      'InvalidOption',
    )
    const Slow = inlineProjection('slow', {
      from: Account,
      view: inlineDocuments<{ at: number }>(),
      on: { Opened: async () => {} },
    })
    await runtime.close()
    runtime = await open([Slow], files + 1_000)
    const error = await failure(opened('a1', 'Ann'), 'ProjectionFailed')
    expect(error.message).to.include('must not be asynchronous')
  })
})

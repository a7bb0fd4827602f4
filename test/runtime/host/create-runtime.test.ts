// What a runtime refuses, and what it does beside its actors.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { aggregate } from '../../../actors/aggregate.ts'
import { createRuntime } from '../../../runtime/index.ts'
import { errorOf } from '../../actors/mechanics/support.ts'
import { Account, machine } from '../../fixtures/account.ts'

const open = { type: 'open', owner: 'Ann' } as const

describe('createRuntime', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'reenact-runtime-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('refuses addresses that are no store', async () => {
    for (const store of ['', 'bank.db', 'file:', 'sqlite:x', 'file:x?mode=rx']) {
      await errorOf(createRuntime({ store, actors: [Account] }), 'InvalidOption')
    }
  })

  it('refuses limits that are no whole numbers from 1, and unknown ones', async () => {
    for (const limits of [
      { mailboxMax: 0 },
      { timeoutMs: 1.5 },
      { timeoutMs: 2 ** 31 },
      { speed: 1 },
    ]) {
      await errorOf(createRuntime({ store: 'memory:', actors: [Account], limits }), 'InvalidOption')
    }
  })

  it('refuses two aggregates of one name, and actors it does not know', async () => {
    const events = { Opened: {}, Deposited: {}, Withdrawn: {}, Closed: {} }
    const Other = aggregate('account', machine, { events })
    await errorOf(createRuntime({ store: 'memory:', actors: [Account, Other] }), 'InvalidOption')
    const runtime = await createRuntime({ store: 'memory:', actors: [Account] })
    expect(() => runtime.actor(Other, 'ann')).to.throw('Use the same object')
    const Unknown = aggregate('unknown', machine, { events })
    expect(() => runtime.actor(Unknown, 'ann')).to.throw("Add it to 'actors'")
    await runtime.close()
  })

  it('keeps ids apart that look alike to a stream name', async () => {
    const runtime = await createRuntime({ store: 'memory:', actors: [Account] })
    const ids = ['a', 'a-b', 'a b', 'ä', '%61', 'A', '../a', 'a::b', 'x@y', '\u0000', '🦉']
    for (const id of ids) await runtime.actor(Account, id).send(open)
    const found: string[] = []
    for await (const { id } of runtime.replayAll(Account, { at: Date.now() + 1_000 }))
      found.push(id)
    expect(found.toSorted()).to.deep.equal(ids.toSorted())
    for (const id of ['', '$x', '\ud800', 'x'.repeat(300)]) {
      expect(() => runtime.actor(Account, id), JSON.stringify(id)).to.throw('cannot be an id')
    }
    await runtime.close()
  })

  it('backs a file up while it is in use', async () => {
    const runtime = await createRuntime({ store: `file:${folder}/a.db`, actors: [Account] })
    await runtime.actor(Account, 'ann').send(open)
    await runtime.backup(`${folder}/b.db`)
    await runtime.actor(Account, 'bob').send(open)
    await runtime.close()
    const copy = await createRuntime({ store: `file:${folder}/b.db`, actors: [Account] })
    expect((await copy.actor(Account, 'ann').state()).context.owner).to.equal('Ann')
    expect((await copy.actor(Account, 'bob').state()).revision).to.equal(-1)
    await copy.close()
    const memory = await createRuntime({ store: 'memory:', actors: [Account] })
    await errorOf(memory.backup(`${folder}/c.db`), 'InvalidOption')
    await memory.close()
  })

  it('tells of one actor that cannot be replayed without stopping the others', async () => {
    const runtime = await createRuntime({ store: 'memory:', actors: [Account] })
    await runtime.actor(Account, 'ann').send(open)
    const event = { id: crypto.randomUUID(), type: 'Unheard', data: '{}', metadata: '{}' }
    await runtime.store.append('account-bad', [event], { expected: 'none' })
    await runtime.store.append('account-%zz', [{ ...event, id: crypto.randomUUID() }], {
      expected: 'none',
    })
    const found = new Map<string, string>()
    for await (const { id, error } of runtime.replayAll(Account, { at: Date.now() + 1_000 })) {
      found.set(id, error?.code ?? 'fine')
    }
    expect([...found]).to.deep.equal([
      ['%zz', 'UnknownEvent'],
      ['ann', 'fine'],
      ['bad', 'UnknownEvent'],
    ])
    await runtime.close()
  })
})

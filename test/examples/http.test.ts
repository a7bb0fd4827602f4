// The HTTP example: the real server on a free port, asked with fetch; and its process, drained by a signal.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createAdaptorServer } from '@hono/node-server'
import { expect } from 'chai'
import { createMemoryStore, createRuntime, ReenactError, type Runtime } from 'reenact'
import { createFaultyStore, createSeededRandom, type FaultyStore } from 'reenact/testing'
import { Account } from '../../examples/http/account.ts'
import { createApp } from '../../examples/http/app.ts'
import { systemPorts } from '../../runtime/core/clock.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** What the bodies of answers hold, as far as it is looked at here. */
interface Body {
  readonly status: string | number
  readonly title: string
  readonly reason: string
  readonly revision: number
  readonly time: number
  readonly value: string
  readonly issues: readonly string[]
  readonly events: readonly object[]
  readonly state: { readonly context: { readonly balance: number } }
}
const read = async (response: Response): Promise<Body> => (await response.json()) as Body
const wait = { Prefer: 'wait=20' }

describe('the HTTP example', () => {
  let store: FaultyStore
  let runtime: Runtime
  let server: ReturnType<typeof createAdaptorServer>
  let url: string

  beforeEach(async () => {
    const ports = { ...systemPorts, random: createSeededRandom(1) }
    store = createFaultyStore(createMemoryStore(), { ports })
    runtime = await createRuntime({ store, actors: [Account] })
    server = createAdaptorServer({ fetch: createApp(runtime).fetch })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })

  afterEach(async () => {
    server.close()
    await once(server, 'close')
    await runtime.close()
    await store.close()
  })

  const post = (command: unknown, headers: Record<string, string> = {}, id = 'ann') =>
    fetch(`${url}/accounts/${id}/commands`, {
      method: 'POST',
      headers,
      body: typeof command === 'string' ? command : JSON.stringify(command),
    })
  const open = async (): Promise<void> => {
    expect((await post({ type: 'open', owner: 'Ann' }, wait)).status).to.equal(200)
  }
  const posted = async (id = 'ann'): Promise<number> =>
    (await store.readStream(`account:command-${id}`)).events.length

  it('takes a command, and its status tells the outcome once a worker has handled it', async () => {
    const taken = await post({ type: 'open', owner: 'Ann' }, {}, encodeURIComponent('a/ñ n'))
    expect(taken.status).to.equal(202)
    const link = new URL(taken.headers.get('Location') ?? '', url)
    const early = await fetch(link)
    expect([early.status, await read(early)]).to.deep.equal([202, await read(taken)])
    expect(early.headers.get('Location')).to.equal(link.pathname)
    runtime.work()
    const status = await fetch(link, { headers: wait })
    expect(status.status).to.equal(200)
    const body = await read(status)
    expect(body).to.include({ status: 'accepted', revision: 0 })
    expect(body.events).to.deep.equal([{ type: 'Opened', owner: 'Ann' }])
    expect((await runtime.actor(Account, 'a/ñ n').state()).context.owner).to.equal('Ann')
  })

  it('knows no status of a command that was never posted', async () => {
    const status = await fetch(`${url}/accounts/ann/commands/never`)
    expect([status.status, (await read(status)).title]).to.deep.equal([404, 'NotFound'])
    expect((await fetch(`${url}/elsewhere`)).status).to.equal(404)
  })

  it('waits for the outcome where the client prefers that', async () => {
    const late = await post({ type: 'open', owner: 'Ann' }, { Prefer: 'respond-async, wait=1' })
    expect(late.status).to.equal(202)
    expect(late.headers.get('Preference-Applied')).to.equal('wait=1')
    runtime.work()
    const answer = await post({ type: 'deposit', amount: 50 }, { Prefer: 'wait=9999' })
    expect(answer.status).to.equal(200)
    expect(answer.headers.get('ETag')).to.equal('"1"')
    expect(answer.headers.get('Preference-Applied')).to.equal('wait=30')
    const { status, events, state } = await read(answer)
    expect({ status, events, balance: state.context.balance }).to.deep.equal({
      status: 'accepted',
      events: [{ type: 'Deposited', amount: 50 }],
      balance: 50,
    })
  })

  it('answers a rejection with the guards, or with the reason', async () => {
    runtime.work()
    await open()
    const uncovered = await post({ type: 'withdraw', amount: 1 }, wait)
    expect(uncovered.status).to.equal(409)
    const body = await read(uncovered)
    expect(body).to.deep.include({ status: 'rejected', guards: ['covered'] })
    expect(uncovered.headers.get('ETag')).to.equal(`"${body.revision}"`)
    await post({ type: 'freeze', reason: 'audit' })
    const frozen = await post({ type: 'deposit', amount: 1 }, wait)
    expect([frozen.status, (await read(frozen)).reason]).to.deep.equal([409, 'frozen'])
  })

  it('handles a command only at the revision of If-Match', async () => {
    runtime.work()
    const deposit = { type: 'deposit', amount: 1 }
    await open()
    const held = await post(deposit, { ...wait, 'If-Match': '"0"' })
    expect(held.status).to.equal(200)
    const stale = await post(deposit, { ...wait, 'If-Match': '"0"' })
    expect(stale.status).to.equal(412)
    expect(await read(stale)).to.deep.include({
      reason: 'WrongExpectedRevision',
      details: { expected: 0, actual: 1 },
    })
    expect((await post(deposit, { ...wait, 'If-Match': '*' })).status).to.equal(200)
    const before = await posted()
    for (const wrong of ['3', 'W/"3"', '"3", "4"', '"x"']) {
      expect((await post(deposit, { 'If-Match': wrong })).status, wrong).to.equal(400)
    }
    expect(await posted()).to.equal(before)
  })

  it('refuses what is not valid with the issues, and does not use up its key', async () => {
    runtime.work()
    await open()
    const before = await posted()
    const key = { ...wait, 'Idempotency-Key': 'k1' }
    const wrong = await post({ type: 'deposit', amount: -1, note: 'x' }, key)
    expect(wrong.status).to.equal(400)
    expect(wrong.headers.get('Content-Type')).to.match(/^application\/problem\+json/)
    const problem = await read(wrong)
    expect(problem.title).to.equal('InvalidCommand')
    expect(problem.issues).to.have.length(2)
    expect(problem.issues[0]).to.match(/^amount: /)
    for (const body of ['{', 'null', '[]', '7', '{"type":"nonsense"}', '{"type":"Deposited"}']) {
      expect((await post(body)).status, body).to.equal(400)
    }
    expect((await post('x'.repeat(70_000))).status).to.equal(413)
    expect((await post({ type: 'open', owner: 'x' }, {}, 'x'.repeat(300))).status).to.equal(400)
    expect(await posted()).to.equal(before)
    expect((await post({ type: 'deposit', amount: 1 }, key)).status).to.equal(200)
  })

  it('gives a repeated key one effect, and refuses it with another payload', async () => {
    const key = { 'Idempotency-Key': 'order 4711/ü' }
    await post({ type: 'open', owner: 'Ann' })
    const taken = await post({ type: 'deposit', amount: 50 }, key)
    // Refused while the first is still waiting to be handled …
    expect((await post({ type: 'deposit', amount: 51 }, key)).status).to.equal(422)
    runtime.work()
    const first = await post({ amount: 50, type: 'deposit' }, { ...key, ...wait })
    const again = await post({ type: 'deposit', amount: 50 }, { ...key, ...wait })
    expect([first.status, again.status]).to.deep.equal([200, 200])
    expect((await read(again)).state.context.balance).to.equal(50)
    // … and afterwards, without leaving a dead letter or changing what the status says.
    const other = await post({ type: 'deposit', amount: 51 }, { ...key, ...wait })
    expect([other.status, (await read(other)).title]).to.deep.equal([422, 'IdempotencyMismatch'])
    const status = await fetch(new URL(taken.headers.get('Location') ?? '', url))
    expect((await read(status)).events).to.deep.equal([{ type: 'Deposited', amount: 50 }])
    for await (const letter of runtime.deadLetters.list()) expect.fail(letter.id)
    const elsewhere = await post({ type: 'open', owner: 'Bob' }, { ...key, ...wait }, 'bob')
    expect(elsewhere.status).to.equal(200)
  })

  it('takes one of two payloads that come with one key at the same time', async () => {
    runtime.work()
    await open()
    const key = { ...wait, 'Idempotency-Key': 'race' }
    const amounts = [1, 2, 4, 8, 16]
    const answers = await Promise.all(
      amounts.map((amount) => post({ type: 'deposit', amount }, key)),
    )
    const taken = amounts.filter((_, index) => answers[index]?.status === 200)
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 422, 422, 422, 422])
    const { context } = await runtime.actor(Account, 'ann').state()
    expect([context.balance]).to.deep.equal(taken)
  })

  it('sends a client away for a while when the store is full of work', async () => {
    const details = { queue: 'appends', limit: 1 }
    store.script({ kind: 'refuse', error: new ReenactError('Overloaded', 'Full.', details) })
    const key = { 'Idempotency-Key': 'k1' }
    const busy = await post({ type: 'open', owner: 'Ann' }, key)
    expect([busy.status, busy.headers.get('Retry-After')]).to.deep.equal([503, '1'])
    expect(await read(busy)).to.include({ title: 'Overloaded', ...details })
    expect((await post({ type: 'open', owner: 'Ann' }, key)).status).to.equal(202)
  })

  it('gives the state with its revision, now and at a time', async () => {
    runtime.work()
    await open()
    const now = await fetch(`${url}/accounts/ann`)
    expect([now.status, now.headers.get('ETag')]).to.deep.equal([200, '"0"'])
    const state = await read(now)
    expect(state).to.deep.include({ value: 'active', context: { owner: 'Ann', balance: 0 } })
    const known = { headers: { 'If-None-Match': '"0"' } }
    expect((await fetch(`${url}/accounts/ann`, known)).status).to.equal(304)
    await post({ type: 'deposit', amount: 5 }, wait)
    expect((await fetch(`${url}/accounts/ann`, known)).status).to.equal(200)
    const before = new Date(state.time - 1_000).toISOString()
    const then = await fetch(`${url}/accounts/ann?at=${before}`)
    expect([then.status, then.headers.get('ETag')]).to.deep.equal([200, '"-1"'])
    expect((await read(then)).value).to.equal('unopened')
    expect((await fetch(`${url}/accounts/ann?at=nonsense`)).status).to.equal(400)
  })
})

describe('the process of the HTTP example', () => {
  let folder: string
  let child: ChildProcess | undefined
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reenact-http-'))
  })
  afterEach(async () => {
    if (child?.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit')
    await rm(folder, { recursive: true, force: true })
  })

  it('answers what it prints, and answers what it has taken before SIGTERM ends it', async function () {
    this.timeout(60_000)
    const store = `file:${join(folder, 'bank.db')}`
    const running = spawn(
      process.execPath,
      [join(root, 'dist/examples/http/main.js'), store, '0'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    child = running
    const exited = once(running, 'exit')
    const lines: string[] = []
    for await (const line of createInterface({ input: running.stdout })) {
      lines.push(line)
      if (/^curl -i \S+$/.test(line) && !line.includes('/commands')) break
    }
    const [account = ''] = /http:\S+\/accounts\/ann$/.exec(lines.at(-1) ?? '') ?? []
    const post = (command: object) =>
      fetch(`${account}/commands`, {
        method: 'POST',
        headers: wait,
        body: JSON.stringify(command),
      })
    expect((await post({ type: 'open', owner: 'Ann' })).status).to.equal(200)
    const asked = Array.from({ length: 50 }, () => post({ type: 'deposit', amount: 1 }))
    await Promise.any(asked)
    running.kill('SIGTERM')
    // A connection that came too late was refused; whoever was let in has an answer.
    const answers = (await Promise.allSettled(asked)).flatMap((one) =>
      one.status === 'fulfilled' ? [one.value.status] : [],
    )
    expect(new Set(answers)).to.deep.equal(new Set([200]))
    expect(await exited).to.deep.equal([0, null])
    const runtime = await createRuntime({ store: `${store}?mode=ro`, actors: [Account] })
    const { balance } = (await runtime.actor(Account, 'ann').state()).context
    expect(balance).to.be.at.least(answers.length)
    await runtime.close()
  })
})

// Posting commands and having them handled: order, deduplication, outcomes, headers.

import { expect } from 'chai'
import {
  createMemoryStore,
  createRuntime,
  isReenactError,
  type Runtime,
} from '../../../runtime/index.ts'
import type { SubscribeOptions } from '../../../runtime/ports/event-store.ts'
import { createManualPorts } from '../../../runtime/testing/index.ts'
import { Account } from '../../fixtures/account.ts'

const failure = async (promise: Promise<unknown>, code: string): Promise<void> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(isReenactError(error) && error.code, String(error)).to.equal(code)
}

describe('posted commands', () => {
  let runtime: Runtime
  beforeEach(async () => {
    runtime = await createRuntime({ store: 'memory:', actors: [Account] })
  })
  afterEach(() => runtime.close())

  it('go to the command stream of their actor', async () => {
    const { revision } = await runtime.post(Account, 'ann', { type: 'open', owner: 'Ann' })
    expect(revision).to.equal(0)
    const { events } = await runtime.store.readStream('account:command-ann')
    expect(events.map(({ type, data }) => [type, data])).to.deep.equal([
      ['open', '{"owner":"Ann"}'],
    ])
  })

  it('are handled in order, and their outcomes are those of send', async () => {
    runtime.work({ actors: [Account] })
    const posted = await runtime.postMany(Account, [
      { id: 'ann', command: { type: 'open', owner: 'Ann' } },
      { id: 'ann', command: { type: 'deposit', amount: 50 } },
      { id: 'ann', command: { type: 'withdraw', amount: 80 } },
      { id: 'ann', command: { type: 'withdraw', amount: 20 } },
      { id: 'ann', command: { type: 'ping' } },
    ])
    const outcomes = await Promise.all(posted.map((one) => one.outcome()))
    expect(outcomes.map(({ accepted }) => accepted)).to.deep.equal([true, true, false, true, true])
    expect(outcomes.map(({ revision }) => revision)).to.deep.equal([0, 1, 2, 3, 4])
    expect(outcomes[3]?.state.context.balance).to.equal(30)
    const types = (await runtime.actor(Account, 'ann').history()).map(({ event }) => event.type)
    expect(types).to.deep.equal([
      'Opened',
      'Deposited',
      'reenact.Rejected',
      'Withdrawn',
      'reenact.NoEffect',
    ])
  })

  it('have one effect however often they are posted', async () => {
    const open = { id: 'ann', command: { type: 'open', owner: 'Ann' } } as const
    const deposit = {
      id: 'ann',
      command: { type: 'deposit', amount: 5 },
      options: { commandId: 'once' },
    } as const
    await runtime.postMany(Account, [open, deposit, deposit])
    await runtime.post(Account, 'ann', deposit.command, deposit.options)
    runtime.work()
    const last = await runtime.post(Account, 'ann', { type: 'deposit', amount: 1 })
    expect((await last.outcome()).state.context.balance).to.equal(6)
    const again = await runtime.post(Account, 'ann', deposit.command, deposit.options)
    expect((await again.outcome()).duplicate).to.equal(true)
    const after = await runtime.post(Account, 'ann', { type: 'deposit', amount: 1 })
    expect((await after.outcome()).state.context.balance).to.equal(7)
  })

  it('with another payload under a used id are told so, and the first outcome stays', async () => {
    runtime.work()
    await runtime.post(Account, 'ann', { type: 'open', owner: 'Ann' })
    const options = { commandId: 'once' }
    const first = await runtime.post(Account, 'ann', { type: 'deposit', amount: 5 }, options)
    expect((await first.outcome()).state.context.balance).to.equal(5)
    const other = await runtime.post(Account, 'ann', { type: 'deposit', amount: 6 }, options)
    await failure(other.outcome(), 'IdempotencyMismatch')
    const next = await runtime.post(Account, 'ann', { type: 'deposit', amount: 1 })
    expect((await next.outcome()).state.context.balance).to.equal(6)
    expect((await first.outcome()).state.context.balance).to.equal(5)
    const asked = await runtime.outcome(Account, 'ann', 'once')
    expect(asked.state.context.balance).to.equal(5)
  })

  it('are finished by a closing runtime, which takes no new ones from its users', async () => {
    const ann = runtime.actor(Account, 'ann')
    runtime.work()
    await ann.send({ type: 'open', owner: 'Ann' })
    const closed = runtime.close()
    await failure(ann.send({ type: 'deposit', amount: 1 }), 'Closed')
    await closed
  })

  it('mix with commands that are sent', async () => {
    runtime.work()
    const ann = runtime.actor(Account, 'ann')
    await ann.send({ type: 'open', owner: 'Ann' })
    const work = Array.from({ length: 50 }, async (_, n) => {
      if (n % 2 === 0) await ann.send({ type: 'deposit', amount: 1 })
      else await (await runtime.post(Account, 'ann', { type: 'deposit', amount: 1 })).outcome()
    })
    await Promise.all(work)
    expect((await ann.state()).context.balance).to.equal(50)
    expect((await ann.verify()).ok).to.equal(true)
  })

  it('carry their headers to the events', async () => {
    runtime.work()
    const posted = await runtime.post(
      Account,
      'ann',
      { type: 'open', owner: 'Ann' },
      {
        commandId: 'c1',
        correlationId: 'conversation',
        causationId: 'order 7',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        metadata: { user: 'ann' },
      },
    )
    await posted.outcome()
    const [event] = await runtime.actor(Account, 'ann').history()
    expect(event).to.include({
      commandId: 'c1',
      correlationId: 'conversation',
      causationId: 'order 7',
    })
    expect(event?.metadata).to.deep.equal({ user: 'ann' })
    const { events } = await runtime.store.readStream('account-ann')
    expect(JSON.parse(events[0]?.metadata ?? '{}').traceparent).to.match(/^00-0af7/)
  })

  it('with an expected revision that does not hold are rejected, on record', async () => {
    runtime.work()
    const [, late] = await runtime.postMany(Account, [
      { id: 'ann', command: { type: 'open', owner: 'Ann' } },
      { id: 'ann', command: { type: 'deposit', amount: 1 }, options: { expectedRevision: 5 } },
      { id: 'ann', command: { type: 'deposit', amount: 2 }, options: { expectedRevision: 1 } },
    ])
    const outcome = await late?.outcome()
    expect(outcome).to.deep.include({
      accepted: false,
      reason: 'WrongExpectedRevision',
      details: { expected: 5, actual: 0 },
    })
    const after = await runtime.post(Account, 'ann', { type: 'ping' })
    expect((await after.outcome()).state.context.balance).to.equal(2)
  })

  it('with a delay are handled when they are due, and hold up nobody', async () => {
    const ports = createManualPorts()
    const store = createMemoryStore(ports)
    const manual = await createRuntime({ store, actors: [Account], ports })
    await manual.post(Account, 'ann', { type: 'open', owner: 'Ann' })
    const hour = { delayMs: 3_600_000 }
    const late = await manual.post(Account, 'ann', { type: 'deposit', amount: 5 }, hour)
    const soon = await manual.post(
      Account,
      'ann',
      { type: 'deposit', amount: 1 },
      { delayMs: 60_000 },
    )
    await failure(manual.post(Account, 'ann', { type: 'ping' }, { delayMs: -1 }), 'InvalidOption')
    const first = manual.work()
    await ports.advance(30_000)
    expect((await manual.actor(Account, 'ann').state()).context.balance).to.equal(0)
    await ports.advance(31_000)
    expect((await soon.outcome()).state.context.balance).to.equal(1)
    await ports.until(first.stop())
    await ports.advance(3_600_000)
    manual.work()
    await ports.advance(1_000)
    const { state } = await ports.until(late.outcome())
    expect([state.context.balance, state.revision]).to.deep.equal([6, 2])
    await ports.until(manual.close())
  })

  it('are checked before they are written', async () => {
    await failure(runtime.post(Account, 'ann', { type: 'nonsense' } as never), 'InvalidCommand')
    await failure(runtime.post(Account, '', { type: 'ping' }), 'InvalidName')
    expect((await runtime.store.readAll()).events).to.deep.equal([])
  })

  it('are handled by workers with a usable group and concurrency only', () => {
    for (const options of [{ group: '' }, { group: 'a:b' }, { group: 'a b' }, { concurrency: 0 }]) {
      expect(() => runtime.work(options))
        .to.throw()
        .with.property('code', 'InvalidOption')
    }
  })

  it('wait for a worker, and say so when time runs out', async () => {
    const posted = await runtime.post(Account, 'ann', { type: 'open', owner: 'Ann' })
    await failure(posted.outcome({ timeoutMs: 10 }), 'UnknownOutcome')
    const aborted = new AbortController()
    const waiting = posted.outcome({ signal: aborted.signal })
    aborted.abort()
    await failure(waiting, 'UnknownOutcome')
    const outcome = runtime.outcome(Account, 'ann', posted.commandId)
    runtime.work()
    expect((await outcome).accepted).to.equal(true)
    expect((await runtime.outcome(Account, 'ann', posted.commandId)).duplicate).to.equal(true)
  })

  it('are seen though they were decided while the subscription was only beginning', async () => {
    let begin = () => {}
    const begins = new Promise<void>((resolve) => {
      begin = resolve
    })
    const inner = createMemoryStore()
    // As over a network: where the log ends is known only after the first look at the actor.
    const slow = new Proxy(inner, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        if (name !== 'subscribe') return value.bind(target)
        return (options: SubscribeOptions) => {
          const subscribed = begins.then(() => inner.subscribe(options))
          return {
            close: () => void subscribed.then((subscription) => subscription.close()),
            async *[Symbol.asyncIterator]() {
              yield* await subscribed
            },
          }
        }
      },
    })
    const asking = await createRuntime({ store: slow, actors: [Account] })
    const deciding = await createRuntime({ store: inner, actors: [Account] })
    const posted = await asking.post(Account, 'ann', { type: 'open', owner: 'Ann' })
    const outcome = posted.outcome({ timeoutMs: 5_000 })
    await posted.outcome({ timeoutMs: 50 }).catch(() => {})
    deciding.work()
    await deciding.outcome(Account, 'ann', posted.commandId)
    begin()
    expect((await outcome).accepted).to.equal(true)
    await asking.close()
    await deciding.close()
  })

  it('outlive runtime and worker', async () => {
    const store = createMemoryStore()
    const first = await createRuntime({ store, actors: [Account] })
    first.work()
    const open = await first.post(Account, 'ann', { type: 'open', owner: 'Ann' })
    await open.outcome()
    await first.close()
    const idle = await createRuntime({ store, actors: [Account] })
    await idle.postMany(
      Account,
      Array.from({ length: 300 }, () => ({ id: 'ann', command: { type: 'deposit', amount: 1 } })),
    )
    await idle.close()
    const second = await createRuntime({ store, actors: [Account] })
    second.work()
    const last = await second.post(Account, 'ann', { type: 'ping' })
    expect((await last.outcome()).state.context.balance).to.equal(300)
    await second.close()
  })

  it('two workers share the actors, each in order', async function () {
    this.timeout(60_000)
    const store = createMemoryStore()
    const runtimes = await Promise.all(
      [1, 2, 3].map(() => createRuntime({ store, actors: [Account] })),
    )
    const [poster, ...others] = runtimes as [Runtime, Runtime, Runtime]
    const workers = others.map((each) => each.work({ concurrency: 4 }))
    const ids = Array.from({ length: 40 }, (_, n) => `a${n}`)
    const items = ids.flatMap((id) => [
      { id, command: { type: 'open', owner: id } as const },
      ...Array.from({ length: 30 }, (_, n) => ({
        id,
        command: { type: 'deposit', amount: 1 } as const,
        options: { commandId: `${id} ${n}` },
      })),
    ])
    const posted = await poster.postMany(Account, items)
    await Promise.all(posted.map((one) => one.outcome()))
    for (const id of ids) {
      const history = await poster.actor(Account, id).history()
      const ours = history.map(({ commandId }) => commandId).slice(1)
      expect(ours).to.deep.equal(Array.from({ length: 30 }, (_, n) => `${id} ${n}`))
    }
    for (const worker of workers) expect(worker.metrics().handled).to.be.greaterThan(0)
    await Promise.all(runtimes.map((each) => each.close()))
  })
})

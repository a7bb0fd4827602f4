// A server that is killed and started again under load: what was acknowledged is there, once, in order.

import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Order } from '../../examples/orders/order.ts'
import { orderProcess, shop } from '../../examples/orders/order-process.ts'
import { paymentService } from '../../examples/orders/payment-service.ts'
import { Stock } from '../../examples/orders/stock.ts'
import { Wallet } from '../../examples/orders/wallet.ts'
import { createRuntime, isReenactError, type Runtime, steps } from '../../runtime/index.ts'
import type { EventStore, EventToAppend } from '../../runtime/ports/event-store.ts'
import { openEventStoreDb } from '../../runtime/stores/eventstoredb/eventstoredb-store.ts'
import { Account, type Command as AccountCommand } from '../fixtures/account.ts'
import { Balances } from '../projections/support.ts'
import { type ServerProcess, serverProcess } from '../server/support/server-process.ts'

const streams = 8
const kills = Number(process.env['REENACT_SERVER_KILLS'] ?? 2)
const appendsEach = 10 * (kills + 1)

const OrderProcess = orderProcess({
  payments: paymentService(),
  retry: steps([100, 200, 400]),
})

const eventOf = (n: number): EventToAppend => ({
  id: randomUUID(),
  type: 'Happened',
  data: JSON.stringify({ n }),
  metadata: '{}',
})

describe('journey: the server of an EventStoreDB store is killed', function () {
  this.timeout(60_000 + kills * 10_000)
  let directory: string
  let server: ServerProcess
  let connectionString: string
  let runtime: Runtime | undefined
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'reenact-esdb-kill-'))
    server = serverProcess()
    connectionString = await server.start(`file:${join(directory, 'log.db')}`)
  })
  afterEach(async () => {
    // Before the server, and also after a failure: a process has one EventStoreDB at a time.
    await runtime?.close({ graceMs: 1_000 })
    runtime = undefined
    await server.kill()
    rmSync(directory, { recursive: true })
  })
  /** Kills the server and starts another one in its place. */
  const killServer = async (): Promise<void> => {
    await server.kill()
    server = serverProcess()
    const port = Number(/:(\d+)\?/.exec(connectionString)?.[1])
    await server.start(`file:${join(directory, 'log.db')}`, port)
  }

  it('loses and doubles nothing, neither for writers nor for subscribers', async () => {
    const store = await openEventStoreDb(connectionString, { timeoutMs: 15_000 })
    const written = new Map<string, string[]>()
    let done = 0

    const write = async (stream: string): Promise<void> => {
      const ids: string[] = []
      written.set(stream, ids)
      for (let n = 0; n < appendsEach; n += 1) {
        const event = eventOf(n)
        await insist(store, stream, event, n - 1)
        ids.push(event.id)
        done += 1
      }
    }
    const seen: string[] = []
    const subscribed = (async () => {
      for await (const message of store.subscribe()) {
        if (message.kind === 'events') seen.push(...message.events.map(({ id }) => id))
        if (seen.length >= streams * appendsEach) return
      }
    })()
    const killing = (async () => {
      for (let kill = 1; kill <= kills; kill += 1) {
        const due = (kill * streams * appendsEach) / (kills + 1)
        while (done < due) await new Promise((resolve) => setTimeout(resolve, 1))
        await killServer()
      }
    })()
    await Promise.all([
      killing,
      ...Array.from({ length: streams }, (_, n) => write(`account-${n}`)),
    ])
    await subscribed

    for (const [stream, ids] of written) {
      const page = await store.readStream(stream)
      expect(
        page.events.map(({ id }) => id),
        stream,
      ).to.deep.equal(ids)
    }
    expect(seen.length).to.equal(new Set(seen).size)
    expect(seen.toSorted()).to.deep.equal([...written.values()].flat().toSorted())
    await store.close()
  })
  it('commands, processes and projections end as they must', async () => {
    const opened = await createRuntime({
      store: connectionString,
      actors: [Account, ...shop],
      processes: [OrderProcess],
      views: `file:${join(directory, 'views')}`,
      limits: { timeoutMs: 60_000 },
    })
    runtime = opened
    opened.work({ actors: [Account] })
    opened.processes.work()
    await opened.project([Balances])
    let done = false
    const killing = (async () => {
      for (let kill = 0; kill < kills && !done; kill += 1) {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 500))
        await killServer()
      }
    })()

    const owners = Array.from({ length: 5 }, (_, n) => `owner-${n}`)
    // While the server is away nobody may know: then the same is posted again, as the error says.
    const post = async (command: AccountCommand, commandId: string): Promise<void> => {
      const items = owners.map((id) => ({ id, command, options: { commandId } }))
      for (let posted = false; !posted; ) {
        try {
          await opened.postMany(Account, items)
          posted = true
        } catch (error) {
          if (!isReenactError(error, 'UnknownOutcome')) throw error
        }
      }
    }
    await post({ type: 'open', owner: 'Ann' }, 'open')
    for (let n = 0; n < 10; n += 1) await post({ type: 'deposit', amount: 1 }, `deposit ${n}`)
    const delivery = { type: 'receive', units: owners.length } as const
    await opened.actor(Stock, 'lamp').send(delivery, { commandId: 'delivery' })
    for (const id of owners) {
      const money = { type: 'topUp', amount: 100 } as const
      await opened.actor(Wallet, id).send(money, { commandId: 'top up' })
      const order = { type: 'place', customer: id, item: 'lamp', units: 1, amount: 40 } as const
      await opened.actor(Order, id).send(order, { commandId: 'place' })
    }
    for (const id of owners) {
      await opened.processes.settled(OrderProcess, id, { timeoutMs: 60_000 })
      await opened.outcome(Account, id, 'deposit 9', { timeoutMs: 60_000 })
    }
    done = true
    await killing

    expect((await opened.actor(Stock, 'lamp').state()).context).to.deep.equal({
      free: 0,
      reserved: {},
      shipped: owners.length,
    })
    for (const id of owners) {
      const last = await runtime
        .actor(Account, id)
        .send({ type: 'deposit', amount: 1 }, { commandId: 'last' })
      await opened.view(Balances).waitFor(last)
      const { context } = last.state
      expect([context.balance, last.revision]).to.deep.equal([11, 11])
      const shown = { owner: 'Ann', balance: 11, events: 12 }
      expect(await opened.view(Balances).get(id)).to.deep.equal(shown)
    }
  })
})

/** The identical request until its outcome is definite, as an actor sends it. */
async function insist(
  store: EventStore,
  stream: string,
  event: EventToAppend,
  last: number,
): Promise<void> {
  for (;;) {
    const expected = last === -1 ? 'none' : last
    const { outcome } = await store.append(stream, [event], { expected })
    if (outcome === 'committed') return
    if (outcome !== 'unknown') expect.fail(`${stream}: ${outcome}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

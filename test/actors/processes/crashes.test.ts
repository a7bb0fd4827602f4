// A process of the operating system that dies at any call to the outside: the order is completed or fully undone.

import { expect } from 'chai'
import { setup } from 'xstate'
import { Order } from '../../../examples/orders/order.ts'
import {
  type ActivityArgs,
  activity,
  createRuntime,
  type DomainEvent,
  processManager,
  type Runtime,
} from '../../../runtime/index.ts'
import { checkBooks, deadly, Life, openShop, placeOrder, type Shop } from './shop.ts'
import { Case, world } from './world.ts'

// Dead after a call and dead before the next one leave the same behind, but for calls made at once: many cases do both.
const moments = process.env['REENACT_CASES'] ? [false, true] : [true]

interface Scenario {
  readonly name: string
  readonly funds: number
  readonly script: Shop['payments']['script']
  readonly cancels: boolean
  readonly ends: readonly string[]
}

const scenarios: readonly Scenario[] = [
  { name: 'all is well', funds: 100, script: [], cancels: false, ends: ['completed'] },
  { name: 'no money', funds: 10, script: [], cancels: false, ends: ['cancelled'] },
  { name: 'a lost reply', funds: 100, script: ['lose-reply'], cancels: false, ends: ['completed'] },
  {
    name: 'a refusal',
    funds: 100,
    script: ['refuse', 'refuse', 'refuse'],
    cancels: false,
    ends: ['cancelled'],
  },
  {
    name: 'cancelled',
    funds: 100,
    script: ['hang'],
    cancels: true,
    ends: ['completed', 'cancelled'],
  },
]

/** One life after the other until the order has come to its end. Answers the calls of the one that saw it. */
async function live(
  scenario: Scenario,
  lives: readonly Life[],
): Promise<{ calls: number; end: string }> {
  const shop = openShop()
  const { ports } = shop
  shop.payments.script.push(...scenario.script)
  const act = async (runtime: Runtime): Promise<void> => {
    await placeOrder(runtime, scenario.funds)
    const order = runtime.actor(Order, 'o1')
    if (scenario.cancels) await order.send({ type: 'requestCancel' }, { commandId: 'cancel' })
  }
  for (const life of lives) {
    const runtime = await shop.open(life)
    const end = async () => {
      await act(runtime)
      await runtime.processes.settled(shop.Process, 'o1', { timeoutMs: 3_600_000 })
    }
    let over = false
    void end().then(() => {
      over = true
    })
    for (let ticks = 0; !over && !life.dead && ticks < 200; ticks += 1) await ports.advance(500)
    if (life.dead) continue
    expect(over, 'the order has ended').to.equal(true)
    const { calls } = life
    life.dead = true
    const auditor = await shop.open()
    const outcome = await ports.until(checkBooks(shop, auditor, scenario.funds))
    await ports.until(auditor.close())
    return { calls, end: outcome }
  }
  throw new Error('the last life must not die')
}

describe('a process that dies at any moment', function () {
  this.timeout(60_000)

  for (const scenario of scenarios) {
    it(`comes to the same end after all: ${scenario.name}`, async () => {
      const { calls } = await live(scenario, [new Life()])
      const ends = new Set<string>()
      for (let at = 1; at <= calls; at += 1) {
        for (const afterwards of moments) {
          const first = new Life(at, afterwards)
          const { end } = await live(scenario, [first, new Life()])
          ends.add(end)
          expect(scenario.ends, `died ${afterwards ? 'after' : 'before'} call ${at}`).to.include(
            end,
          )
        }
      }
      expect(calls).to.be.greaterThan(20)
    })
  }

  it('also when it dies again and again', async () => {
    const [scenario] = scenarios as [Scenario]
    for (let step = 3; step < 40; step += 4) {
      const lives = Array.from({ length: 8 }, (_, n) => new Life(step + n, n % 2 === 0))
      const { end } = await live(scenario, [...lives, new Life()])
      expect(end).to.equal('completed')
    }
  })
})

describe('a step that kills its process', () => {
  it('is given up after a few lives, and nothing else is blamed', async () => {
    const all = world()
    let life = new Life()
    const calls = new Map<string, number>()
    const work = activity(({ input }: ActivityArgs<string>) => {
      calls.set(input, (calls.get(input) ?? 0) + 1)
      if (input !== 'bad') return 'fine'
      life.dead = true
      return new Promise<string>(() => {})
    })
    const machine = setup({
      types: {
        context: {} as { readonly id: string },
        events: {} as DomainEvent<typeof Case>,
        input: {} as { readonly id: string },
      },
      actors: { work },
    }).createMachine({
      context: ({ input: { id } }) => ({ id }),
      initial: 'working',
      states: {
        working: { invoke: { src: 'work', input: ({ context }) => context.id, onDone: 'done' } },
        done: { type: 'final' },
      },
    })
    const Working = processManager('working', machine, {
      on: [{ event: 'case.Begun', starts: true }],
    })
    const others = Array.from({ length: 20 }, (_, n) => `c${n}`)
    const writer = await all.look([])
    const ids = [...others.slice(0, 10), 'bad', ...others.slice(10)]
    for (const id of ids) await all.until(writer.actor(Case, id).send({ type: 'begin' }))
    await all.until(writer.close())
    let lives = 0
    do {
      lives += 1
      life = new Life()
      const runtime = await createRuntime({
        store: life.store(all.log),
        actors: [Case],
        processes: [Working],
        ports: deadly(all.ports, life),
      })
      runtime.processes.work()
      await all.ports.advance(15_000)
    } while (life.dead && lives < 20)
    const runtime = await all.look([Working])
    const { parked } = await all.until(runtime.processes.show(Working, 'bad'))
    expect(parked?.error.code).to.equal('Interrupted')
    expect(calls.get('bad')).to.be.within(2, 6)
    for (const id of others) {
      expect((await all.until(runtime.processes.show(Working, id))).status, id).to.equal('done')
      expect(calls.get(id), id).to.be.within(1, 4)
    }
    life.dead = true
    await all.until(runtime.close())
  })
})

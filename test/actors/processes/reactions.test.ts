// Reactions: an event calls for commands; each has its effect once, and what cannot be done is kept for somebody to see.

import { expect } from 'chai'
import { Order } from '../../../examples/orders/order.ts'
import { Points } from '../../../examples/orders/points.ts'
import { Stock } from '../../../examples/orders/stock.ts'
import {
  createRuntime,
  isReenactError,
  type Reaction,
  ReenactError,
  type Runtime,
  reaction,
} from '../../../runtime/index.ts'
import { Life } from './shop.ts'
import { type World, world } from './world.ts'

const Loyalty = reaction('loyalty', {
  from: Order,
  on: 'Placed',
  to: Points,
  send: ({ customer, amount }, { actorId }) => ({
    id: customer,
    command: { type: 'grant', order: actorId, points: amount },
  }),
})

const details = { queue: 'dead letters', limit: 0 }
const act = { by: 'ann', reason: 'mended' }
const placed = { type: 'place', customer: 'ann', item: 'lamp', units: 1, amount: 10 } as const

describe('reactions', () => {
  let all: World
  let runtime: Runtime
  beforeEach(() => {
    all = world([Order, Points, Stock])
  })
  afterEach(() => all.until(runtime.close()))
  const place = (id: string) => all.until(runtime.actor(Order, id).send(placed))
  const points = async () => (await all.until(runtime.actor(Points, 'ann').state())).context.points

  it('send the commands an event calls for, in the order of the log, each once', async () => {
    runtime = await all.react([Loyalty])
    for (const id of ['o1', 'o2', 'o3']) await place(id)
    await all.ports.advance(1_000)
    expect(await points()).to.equal(30)
    const { events } = await all.log.readStream('points-ann')
    expect(events.map(({ data }) => JSON.parse(data).order)).to.deep.equal(['o1', 'o2', 'o3'])
    await all.until(runtime.close())
    runtime = await all.react([Loyalty])
    await place('o4')
    await all.ports.advance(1_000)
    expect(await points()).to.equal(40)
  })

  it('follow from event to command to event by correlation and causation', async () => {
    runtime = await all.react([Loyalty])
    await all.until(runtime.actor(Order, 'o1').send(placed, { correlationId: 'talk' }))
    await all.ports.advance(1_000)
    const [cause] = (await all.log.readStream('order-o1')).events
    const [command] = (await all.log.readStream('points:command-ann')).events
    const [effect] = (await all.log.readStream('points-ann')).events
    expect(JSON.parse(command?.metadata ?? '')).to.include({
      $correlationId: 'talk',
      $causationId: cause?.id,
    })
    expect(JSON.parse(effect?.metadata ?? '').$correlationId).to.equal('talk')
  })

  it('have each effect once wherever the process dies', async () => {
    for (let dieAt = 1; ; dieAt += 1) {
      all = world([Order, Points, Stock])
      runtime = await all.look([])
      await place('o1')
      await place('o2')
      await all.until(runtime.close())
      const life = new Life(dieAt, dieAt % 2 === 0)
      const { ports, log } = all
      const actors = [Order, Points]
      const store = life.store(log)
      const doomed = await createRuntime({ store, actors, reactions: [Loyalty], ports })
      doomed.processes.work()
      await ports.advance(500)
      const { dead } = life
      life.dead = true
      await ports.advance(15_000)
      runtime = await all.react([Loyalty])
      await ports.advance(100_000)
      expect(await points(), `died at call ${dieAt}`).to.equal(20)
      if (!dead) {
        expect(dieAt).to.be.greaterThan(8)
        return
      }
      await all.until(runtime.close())
    }
  })

  it('keep an event they fail on as a dead letter, go on, and try again when told', async () => {
    const make = (broken: boolean) =>
      reaction('reserving', {
        from: Order,
        on: ['Placed', 'Cancelled'],
        to: Stock,
        send: (event, { actorId }) => {
          if (broken && actorId === 'o1') throw new Error('no idea')
          return event.type === 'Placed'
            ? [
                { id: event.item, command: { type: 'receive', units: event.units } },
                {
                  id: event.item,
                  command: { type: 'reserve', order: actorId, units: event.units },
                },
              ]
            : { id: 'lamp', command: { type: 'release', order: actorId } }
        },
      })
    runtime = await all.react([make(true)])
    await place('o1')
    await place('o2')
    await all.ports.advance(1_000)
    const stock = async () => (await all.until(runtime.actor(Stock, 'lamp').state())).context
    expect(await stock()).to.deep.include({ free: 0, reserved: { o2: 1 } })
    const letters = async (status: 'open' | 'all') => {
      const found = []
      for await (const letter of runtime.deadLetters.list({ kind: 'reserving', status })) {
        found.push(letter)
      }
      return found
    }
    const [letter] = await letters('open')
    expect(letter).to.deep.include({ kind: 'reserving', actorId: 'o1', attempts: 1 })
    expect(letter?.error.message).to.equal('no idea')
    expect(letter?.command).to.include({ type: 'Placed', customer: 'ann' })
    const id = letter?.id ?? ''
    const again = await all.until(runtime.deadLetters.retry(id, act).catch((error: Error) => error))
    expect(again).to.be.an('error').with.property('message', 'no idea')
    await all.until(runtime.close())
    runtime = await all.react([make(false)])
    await all.until(runtime.deadLetters.retry(id, act))
    await all.ports.advance(1_000)
    expect(await stock()).to.deep.include({ free: 0, reserved: { o1: 1, o2: 1 } })
    expect(await letters('open')).to.deep.equal([])
    expect((await letters('all')).map(({ status }) => status)).to.deep.equal(['retried'])
  })

  it('stand still while not even a dead letter can be kept, and lose nothing', async () => {
    const Picky = reaction('picky', {
      from: Order,
      on: 'Placed',
      to: Points,
      send: ({ customer, amount }, { actorId }) => {
        if (actorId === 'o1') throw new Error('no idea')
        return { id: customer, command: { type: 'grant', order: actorId, points: amount } }
      },
    })
    const { log } = all
    const append = log.append.bind(log)
    let isFull = true
    Object.assign(log, {
      append: async (...[stream, events, options]: Parameters<typeof append>) =>
        isFull && stream.startsWith('picky:')
          ? { outcome: 'refused', error: new ReenactError('Overloaded', 'full', details) }
          : append(stream, events, options),
    })
    runtime = await createRuntime({
      store: log,
      actors: [Order, Points],
      reactions: [Picky],
      ports: all.ports,
    })
    runtime.processes.work()
    runtime.work()
    await place('o1')
    await place('o2')
    await all.ports.advance(10_000)
    expect(await points(), 'what comes after it waits').to.equal(0)
    isFull = false
    await all.ports.advance(10_000)
    expect(await points()).to.equal(10)
    const open = []
    for await (const letter of runtime.deadLetters.list({ kind: 'picky' }))
      open.push(letter.actorId)
    expect(open).to.deep.equal(['o1'])
  })

  it('leave a command that cannot succeed to the dead letters of its actor', async () => {
    const Faulty = reaction('faulty', {
      from: Order,
      on: 'Placed',
      to: Points,
      send: ({ customer }, { actorId }) => ({
        id: customer,
        command: { type: 'grant', order: actorId, points: 1 },
      }),
    })
    const Other = reaction('faulty', {
      from: Order,
      on: 'Placed',
      to: Points,
      send: ({ customer }, { actorId }) => ({
        id: customer,
        command: { type: 'grant', order: actorId, points: 2 },
      }),
    })
    runtime = await all.react([Faulty])
    await place('o1')
    await all.ports.advance(1_000)
    await all.until(runtime.close())
    // Asked again about the same event it sends something else under the same id.
    const key = 'checkpoint:reaction:faulty'
    const entry = await all.log.state.get(key)
    await all.log.state.put(key, JSON.stringify({ position: 0, kept: '' }), entry?.revision ?? -1)
    runtime = await all.react([Other])
    await all.ports.advance(10_000)
    expect(await points()).to.equal(1)
    const codes = []
    for await (const { kind, error } of runtime.deadLetters.list()) codes.push([kind, error.code])
    expect(codes).to.deep.equal([['points', 'IdempotencyMismatch']])
  })

  it('that lead in a circle end as a dead letter', async () => {
    const Circle = reaction('circle', {
      from: Points,
      on: 'Granted',
      to: Points,
      send: ({ order, points }, { actorId }) => ({
        id: actorId,
        command: { type: 'grant', order, points },
      }),
    })
    runtime = await all.react([Circle])
    await all.until(runtime.actor(Points, 'ann').send({ type: 'grant', order: 'o1', points: 1 }))
    await all.ports.advance(60_000)
    expect(await points()).to.equal(65)
    const codes = []
    for await (const { error } of runtime.deadLetters.list({ kind: 'circle' })) {
      codes.push(error.code)
    }
    expect(codes).to.deep.equal(['TooManyHops'])
  })

  it('may begin with what comes from now on', async () => {
    runtime = await all.react([])
    await place('o1')
    await all.until(runtime.close())
    const Late = reaction('late', {
      from: Order,
      on: 'Placed',
      to: Points,
      startAt: 'end',
      send: ({ customer }) => ({ id: customer, command: { type: 'grant', order: '', points: 1 } }),
    })
    for (const id of ['o2', 'o3']) {
      runtime = await all.react([Late])
      await all.ports.advance(100)
      await place(id)
      await all.ports.advance(1_000)
      await all.until(runtime.close())
    }
    runtime = await all.look([])
    expect(await points()).to.equal(2)
  })

  it('are checked when they are defined and when they meet their runtime', async () => {
    runtime = await all.look([])
    const refusal = (make: () => unknown): string => {
      try {
        make()
      } catch (error) {
        expect(isReenactError(error, 'InvalidOption'), String(error)).to.equal(true)
        return String(error)
      }
      return 'taken'
    }
    const send = () => undefined
    const to = Points
    const wrong = { from: Order, to, send, on: 'Burned' as 'Placed' }
    expect(refusal(() => reaction('r', wrong))).to.include("'order' does not emit")
    const none = { from: Order, to, send, on: [] }
    expect(refusal(() => reaction('r', none))).to.include('is empty')
    const command = { type: 'grant', order: '', points: 1 } as const
    const timed = () => ({ id: `${Date.now()}`, command })
    const impure = { from: Order, to, on: 'Placed', send: timed } as const
    expect(refusal(() => reaction('r', impure))).to.include('reads the clock')
    const code = async (reactions: readonly Reaction[] | readonly object[], actors = [Order]) => {
      const made = createRuntime({ store: 'memory:', actors, reactions: reactions as Reaction[] })
      return made.then(
        () => 'opened',
        (error: unknown) => (isReenactError(error) ? error.code : String(error)),
      )
    }
    expect(await code([Loyalty])).to.equal('UnknownActor')
    expect(await code([{}])).to.equal('InvalidOption')
  })
})

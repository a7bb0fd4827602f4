// A command that comes again: its first outcome, wherever and whenever it is asked for.

import { expect } from 'chai'
import { createIds } from '../../../runtime/core/ids.ts'
import type { CommandOf, SendOptions } from '../../../runtime/index.ts'
import { Account } from '../../fixtures/account.ts'
import { type Ann, errorOf, typesOf, type World, world } from './support.ts'

type Command = CommandOf<typeof Account>

const commands: readonly (readonly [string, Command])[] = [
  ['an accepted command', { type: 'deposit', amount: 5 }],
  ['a command refused by a guard', { type: 'withdraw', amount: 999 }],
  ['a command refused with a reason', { type: 'close' }],
  ['a command without effect', { type: 'ping' }],
]

/** Sends so many other commands that an id before them is forgotten. */
async function pushOut(here: World, ann: Ann, id: (index: number) => string, count = 1_100) {
  for (let from = 0; from < count; from += 100) {
    const sends = Array.from({ length: 100 }, (_, index) =>
      ann.send({ type: 'deposit', amount: 1 }, { commandId: id(from + index) }),
    )
    await here.until(Promise.all(sends))
  }
}

interface Place {
  readonly title: string
  readonly limits?: { readonly snapshotEvery?: number }
  readonly id?: (here: World) => string
  /** What is there before the first time. */
  before?(here: World): Promise<Ann>
  /** What happens in between; answers who is asked again. */
  between(here: World, ann: Ann, before: Ann): Promise<Ann>
}

const another = async (here: World): Promise<Ann> => (await here.open()).actor(Account, 'ann')
const uuid = (here: World) => createIds(here.ports.clock, here.ports.random)()

const places: readonly Place[] = [
  { title: 'in the same runtime', between: async (_, ann) => ann },
  { title: 'in another runtime', between: another },
  {
    title: 'in another runtime that had the actor in memory before',
    before: async (here) => {
      const rival = await another(here)
      await here.until(rival.state())
      return rival
    },
    between: async (_, __, before) => before,
  },
  {
    title: 'after other commands',
    between: async (here, ann) => {
      await here.until(ann.send({ type: 'deposit', amount: 1 }))
      await here.until(ann.send({ type: 'withdraw', amount: 2 }))
      return ann
    },
  },
  {
    title: 'after passivation',
    between: async (here, ann) => {
      await here.ports.advance(200_000)
      return ann
    },
  },
  {
    title: 'after a restart that begins from a snapshot',
    limits: { snapshotEvery: 1 },
    between: another,
  },
  {
    title: 'beyond 1,024 other commands, with ids of its own kind',
    between: async (here, ann) => {
      await pushOut(here, ann, (index) => `other ${index}`)
      return ann
    },
  },
  {
    title: 'beyond 1,024 other commands, with UUIDs of version 7',
    id: uuid,
    between: async (here, ann) => {
      const newId = createIds(here.ports.clock, here.ports.random)
      await here.ports.advance(3_600_000)
      await pushOut(here, ann, newId)
      await here.ports.advance(3_600_000)
      return ann
    },
  },
  {
    title: 'beyond 1,024 other commands, after a restart that begins from a snapshot',
    limits: { snapshotEvery: 100 },
    between: async (here, ann) => {
      await pushOut(here, ann, (index) => `other ${index}`)
      return another(here)
    },
  },
]

describe('A12: a command that comes again', function () {
  this.timeout(60_000)
  for (const { title, limits, id, before, between } of places) {
    for (const [kind, command] of commands) {
      it(`${title}: ${kind} answers as the first time`, async () => {
        const here = world()
        const ann = await here.ann(10, limits)
        const prepared = before ? await before(here) : ann
        const commandId = id ? id(here) : 'again'
        const first = await here.until(ann.send(command, { commandId }))
        expect(first).to.include({ duplicate: false, commandId, revision: 2 })
        const asked = await between(here, ann, prepared)
        const { revision } = await here.until(asked.state())
        const again = await here.until(asked.send(command, { commandId }))
        expect(again).to.deep.equal({ ...first, duplicate: true })
        // Nothing was written.
        expect((await here.until(asked.state())).revision).to.equal(revision)
      })
    }
  }

  for (const [kind, command] of commands) {
    it(`within one turn: ${kind} answers all three with one outcome`, async () => {
      const here = world()
      const ann = await here.ann(10)
      const send = () => ann.send(command, { commandId: 'again' })
      const [first, ...others] = await here.until(Promise.all([send(), send(), send()]))
      expect(first.duplicate).to.equal(false)
      for (const other of others) expect(other).to.deep.equal({ ...first, duplicate: true })
      expect((await here.until(ann.state())).revision).to.equal(2)
    })
  }

  it('is found among 1,800 others, many of them from before a snapshot', async () => {
    const here = world()
    const first = await here.ann(10, { snapshotEvery: 100 })
    const id = (index: number) => `number ${index}`
    await pushOut(here, first, id, 1_500)
    const runtime = await here.open({ snapshotEvery: 10_000 })
    const ann = runtime.actor(Account, 'ann')
    await pushOut(here, ann, (index) => id(1_500 + index), 300)
    for (let index = 0; index < 1_800; index += 23) {
      const again = ann.send({ type: 'deposit', amount: 1 }, { commandId: id(index) })
      expect(await here.until(again)).to.include({ duplicate: true, revision: index + 2 })
    }
    expect((await here.until(ann.state())).revision).to.equal(1_801)
    // The stream was read once for all of them.
    expect(runtime.metrics().streamScans).to.equal(1)
  })

  it('answers also when its first sender gave no id', async () => {
    const here = world()
    const ann = await here.ann(10)
    const first = await here.until(ann.send({ type: 'deposit', amount: 5 }))
    const { commandId } = first
    const again = await here.until(ann.send({ type: 'deposit', amount: 5 }, { commandId }))
    expect(again).to.deep.equal({ ...first, duplicate: true })
  })

  it('is the same whatever the order of its keys', async () => {
    const here = world()
    const ann = await here.ann(10)
    const options: SendOptions = { commandId: 'again' }
    await here.until(ann.send({ type: 'deposit', amount: 5 }, options))
    const turned = { amount: 5, type: 'deposit' } as const
    expect((await here.until(ann.send(turned, options))).duplicate).to.equal(true)
  })

  it('keeps its outcome though today’s state would decide otherwise', async () => {
    const here = world()
    const ann = await here.ann(10)
    const refused = { type: 'withdraw', amount: 20 } as const
    await here.until(ann.send(refused, { commandId: 'again' }))
    await here.until(ann.send({ type: 'deposit', amount: 100 }))
    const again = await here.until(ann.send(refused, { commandId: 'again' }))
    expect(again).to.include({ accepted: false, duplicate: true, revision: 2 })
    expect(again.state.context.balance).to.equal(10)
  })

  it('is not held to its other options again', async () => {
    const here = world()
    const ann = await here.ann(10)
    const options = { commandId: 'again', expectedRevision: 1 }
    await here.until(ann.send({ type: 'deposit', amount: 5 }, options))
    const again = await here.until(ann.send({ type: 'deposit', amount: 5 }, options))
    expect(again).to.include({ accepted: true, duplicate: true, revision: 2 })
  })

  it('may have a new id without reading the whole stream when it is a fresh UUID', async () => {
    const here = world()
    const ann = await here.ann(10)
    const newId = createIds(here.ports.clock, here.ports.random)
    await pushOut(here, ann, newId)
    await here.ports.advance(50_000)
    await here.ports.advance(3_600_000)
    await here.until(ann.state()) // In memory again.
    let reads = 0
    const { readStream } = here.log
    here.log.readStream = (...given) => {
      reads += 1
      return readStream.apply(here.log, given)
    }
    await here.until(ann.send({ type: 'deposit', amount: 1 }, { commandId: newId() }))
    expect(reads).to.equal(0)
    await here.until(ann.send({ type: 'deposit', amount: 1 }, { commandId: 'some other' }))
    expect(reads).to.be.greaterThan(0)
  })
})

describe('A13: another command under a used id', function () {
  this.timeout(60_000)
  const other = { type: 'deposit', amount: 6 } as const
  for (const [kind, command] of commands) {
    for (const { title, limits, before, between } of places.filter(({ id }) => id === undefined)) {
      it(`${title}: is refused after ${kind}`, async () => {
        const here = world()
        const ann = await here.ann(10, limits)
        const prepared = before ? await before(here) : ann
        await here.until(ann.send(command, { commandId: 'used' }))
        const asked = await between(here, ann, prepared)
        const types = await typesOf(asked)
        const error = await errorOf(
          here.until(asked.send(other, { commandId: 'used' })),
          'IdempotencyMismatch',
        )
        expect(error.details).to.deep.equal({
          actor: 'account-ann',
          commandId: 'used',
          revision: 2,
        })
        expect(await typesOf(asked)).to.deep.equal(types)
      })
    }
  }

  it('is refused within one turn, and the first goes through', async () => {
    const here = world()
    const ann = await here.ann(10)
    const first = ann.send({ type: 'deposit', amount: 5 }, { commandId: 'used' })
    const second = errorOf(ann.send(other, { commandId: 'used' }), 'IdempotencyMismatch')
    await here.until(Promise.all([first, second]))
    expect((await here.until(ann.state())).context.balance).to.equal(15)
  })
})

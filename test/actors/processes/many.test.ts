// Many processes at once, and triggers that come twice, late and out of order.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect } from 'chai'
import { setup } from 'xstate'
import {
  command,
  createRuntime,
  type DomainEvent,
  type EventStore,
  type ProcessInput,
  processManager,
  type SubscriptionMessage,
} from '../../../runtime/index.ts'
import { Case, world } from './world.ts'

const count = Number(process.env['REENACT_PROCESSES'] ?? 250)
type Event = DomainEvent<typeof Case>

const noted = (id: string, text: string) => ({
  id: `${id}-log`,
  command: { type: 'note', text } as const,
})

/** Notes, waits to be told, and notes again. */
const Following = processManager(
  'following',
  setup({
    types: {
      context: {} as { readonly id: string },
      events: {} as Event,
      input: {} as ProcessInput<Event>,
    },
    actors: { note: command(Case) },
  }).createMachine({
    context: ({ input: { id } }) => ({ id }),
    initial: 'first',
    states: {
      first: {
        invoke: { src: 'note', input: ({ context }) => noted(context.id, '1'), onDone: 'waiting' },
        on: { 'case.Noted': 'second' },
      },
      waiting: { on: { 'case.Noted': 'second' } },
      second: {
        invoke: { src: 'note', input: ({ context }) => noted(context.id, '2'), onDone: 'done' },
      },
      done: { type: 'final' },
    },
  }),
  {
    on: [
      { event: 'case.Begun', starts: true },
      // What the process itself notes is somebody else's.
      { event: 'case.Noted', id: (_, { actorId }) => actorId },
    ],
  },
)

const until = async (reached: () => boolean): Promise<void> => {
  while (!reached()) await setTimeout(10)
}

describe('many processes', () => {
  it(`${count} at once wait, survive the end of their worker, and end, each once`, async function () {
    this.timeout(60_000 + count * 20)
    const folder = mkdtempSync(join(tmpdir(), 'reenact-many-'))
    const ids = Array.from({ length: count }, (_, n) => `c${n}`)
    const open = () =>
      createRuntime({
        store: `file:${join(folder, 'log.db')}`,
        actors: [Case],
        processes: [Following],
        limits: { timeoutMs: 120_000 },
      })
    try {
      const first = await open()
      const before = first.processes.work()
      await Promise.all(ids.map((id) => first.actor(Case, id).send({ type: 'begin' })))
      await until(() => before.metrics(Following).completed === count)
      expect(before.metrics(Following).open).to.equal(count)
      await first.close()
      const second = await open()
      const after = second.processes.work()
      const tell = (id: string) => second.actor(Case, id).send({ type: 'note', text: 'go' })
      await Promise.all(ids.map(tell))
      await until(() => after.metrics(Following).ended === count)
      expect(after.metrics(Following)).to.include({ open: 0, retried: 0, failed: 0 })
      let right = 0
      for (const id of ids) {
        const { context } = await second.actor(Case, `${id}-log`).state()
        if (context.notes.join() === '1,2') right += 1
      }
      expect(right).to.equal(count)
      await second.close()
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe('triggers', () => {
  /** A store whose subscriptions say everything again, once at once and once later. */
  const repeating = (inner: EventStore): EventStore => ({
    ...inner,
    name: inner.name,
    supports: inner.supports,
    state: inner.state,
    groups: inner.groups,
    append: (...given) => inner.append(...given),
    readStream: (...given) => inner.readStream(...given),
    readAll: (...given) => inner.readAll(...given),
    listStreams: (...given) => inner.listStreams(...given),
    streamMetadata: (stream) => inner.streamMetadata(stream),
    setStreamMetadata: (stream, metadata) => inner.setStreamMetadata(stream, metadata),
    deleteStream: (stream) => inner.deleteStream(stream),
    tombstoneStream: (stream) => inner.tombstoneStream(stream),
    close: async () => {},
    subscribe: (options) => {
      const subscription = inner.subscribe(options)
      const seen: SubscriptionMessage[] = []
      return {
        close: () => subscription.close(),
        async *[Symbol.asyncIterator]() {
          for await (const message of subscription) {
            yield message
            yield message
            seen.push(message)
            if (message.kind === 'events') yield* seen
          }
        },
      }
    },
  })

  it('that come twice, or again after later ones, count once', async () => {
    const all = world()
    const runtime = await createRuntime({
      store: repeating(all.log),
      actors: [Case],
      processes: [Following],
      ports: all.ports,
    })
    const work = runtime.processes.work()
    for (const id of ['a', 'b', 'c']) {
      await all.until(runtime.actor(Case, id).send({ type: 'begin' }))
      await all.ports.advance(200)
      await all.until(runtime.actor(Case, id).send({ type: 'note', text: 'go' }))
      await all.ports.advance(200)
    }
    for (const id of ['a', 'b', 'c']) {
      const { context } = await all.until(runtime.actor(Case, `${id}-log`).state())
      expect(context.notes, id).to.deep.equal(['1', '2'])
      const types = await all.types(`following-${id}`)
      expect(types.filter((type) => type === 'Triggered')).to.have.length(2)
    }
    expect(work.metrics(Following).triggers).to.equal(6)
    expect(work.metrics(Following).passedOver).to.be.greaterThan(6)
    await all.until(runtime.close())
  })

  it('that come before the one that starts are passed over; those that come early are the machine’s to judge', async () => {
    const all = world()
    const runtime = await all.open([Following])
    const send = (command: { type: 'begin' } | { type: 'note'; text: string }) =>
      all.until(runtime.actor(Case, 'a').send(command))
    await send({ type: 'note', text: 'too early' })
    await all.ports.advance(200)
    expect(await all.types('following-a')).to.deep.equal([])
    // Both before the worker looks: the second comes while the first step is under way.
    await send({ type: 'begin' })
    await send({ type: 'note', text: 'go' })
    await all.ports.advance(1_000)
    const { status } = await all.until(runtime.processes.settled(Following, 'a'))
    expect(status).to.equal('done')
    const { context } = await all.until(runtime.actor(Case, 'a-log').state())
    expect(context.notes.at(-1)).to.equal('2')
    await all.until(runtime.close())
  })
})

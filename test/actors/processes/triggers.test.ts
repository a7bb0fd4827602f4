// An event that no process can take is a dead letter of the process's name; the others go on.

import { expect } from 'chai'
import { assign, setup } from 'xstate'
import { type DomainEvent, processManager, type TriggerInfo } from '../../../runtime/index.ts'
import { Case, type World, world } from './world.ts'

type Event = DomainEvent<typeof Case>

const machine = setup({
  types: { context: {} as { readonly notes: readonly string[] }, events: {} as Event },
}).createMachine({
  context: { notes: [] },
  on: {
    'case.Noted': {
      actions: assign({ notes: ({ context, event }) => [...context.notes, event.text] }),
    },
  },
})

const act = { by: 'ann', reason: 'it is mended' }
/** Longer than that of the actors: what fits theirs may not fit this. */
const name = 'listening_process'
const longest = 'x'.repeat(255 - 'case-'.length)

describe('an event that no process can take', () => {
  let isMended: boolean
  let all: World

  const idOf = (_: Event, { actorId }: TriggerInfo): string => {
    if (isMended) return actorId.slice(0, 8)
    if (actorId === 'bad') throw new TypeError('there is no order')
    return actorId === 'none' ? (undefined as never) : actorId
  }
  const Listening = processManager(name, machine, {
    on: [{ event: 'case.Begun', starts: true, id: idOf }, { event: 'case.Noted' }],
  })
  const lettersOf = async (runtime: Awaited<ReturnType<World['open']>>) => {
    const found = []
    for await (const letter of runtime.deadLetters.list({ kind: name })) found.push(letter)
    return found
  }
  const begin = async (runtime: Awaited<ReturnType<World['open']>>, id: string) => {
    await all.until(runtime.actor(Case, id).send({ type: 'begin' }))
    await all.ports.advance(1_000)
  }
  beforeEach(() => {
    isMended = false
    all = world()
  })

  for (const [why, id, code] of [
    ['its id cannot be found', 'bad', 'TypeError'],
    ['its id is none', 'none', 'InvalidName'],
    ['its id is too long', longest, 'InvalidName'],
  ] as const) {
    it(`is a dead letter, and is told again when that is mended: ${why}`, async () => {
      const runtime = await all.open([Listening])
      await begin(runtime, id)
      await begin(runtime, 'good')
      expect((await all.until(runtime.processes.show(Listening, 'good'))).status).to.equal(
        'running',
      )
      const [letter, ...others] = await all.until(lettersOf(runtime))
      expect(others).to.have.length(0)
      expect(letter).to.deep.include({ kind: name, status: 'open', command: { type: 'Begun' } })
      expect(letter?.error.code).to.equal(code)

      const again = () => all.until(runtime.deadLetters.retry(letter?.id ?? '', act))
      const error = await again().catch((thrown: Error) => thrown)
      expect(error).to.be.instanceOf(Error)
      isMended = true
      await again()
      expect(await all.until(lettersOf(runtime))).to.have.length(0)
      const { status } = await all.until(runtime.processes.show(Listening, id.slice(0, 8)))
      expect(status).to.equal('running')
      await all.until(runtime.close())
    })
  }

  it('is a dead letter where its process was deleted, also after a restart', async () => {
    const first = await all.open([Listening])
    await begin(first, 'gone')
    await all.until(first.close())
    await all.log.deleteStream(`${name}-gone`)
    const second = await all.open([Listening])
    await all.until(second.actor(Case, 'gone').send({ type: 'note', text: 'late' }))
    await begin(second, 'good')
    await begin(second, 'later')
    for (const id of ['good', 'later']) {
      expect((await all.until(second.processes.show(Listening, id))).status).to.equal('running')
    }
    const letters = await all.until(lettersOf(second))
    expect(letters.map(({ command, error }) => [command['type'], error.code])).to.deep.equal([
      ['Noted', 'StreamDeleted'],
    ])
    await all.until(second.close())
  })

  for (const early of [false, true]) {
    it(`is told once, however often it is tried again${early ? ', also before its process begins' : ''}`, async () => {
      const Counting = processManager(name, machine, {
        on: [
          { event: 'case.Begun', starts: true, id: () => 'one' },
          {
            event: 'case.Noted',
            ...(early && { early: 'park' }),
            id: () => {
              if (isMended) return 'one'
              throw new Error('not yet')
            },
          },
        ],
      })
      const runtime = await all.open([Counting])
      if (!early) await begin(runtime, 'a')
      await all.until(runtime.actor(Case, 'a').send({ type: 'note', text: 'first' }))
      await all.ports.advance(1_000)
      const [letter] = await all.until(lettersOf(runtime))
      isMended = true
      // The first time it ends before the letter is closed.
      const { append } = all.log
      all.log.append = (stream, ...rest) => {
        if (stream.includes('parked')) throw new Error('cut off')
        return append.call(all.log, stream, ...rest)
      }
      const again = () => all.until(runtime.deadLetters.retry(letter?.id ?? '', act))
      expect(await again().catch(({ message }: Error) => message)).to.equal('cut off')
      all.log.append = append
      await again()
      if (early) await begin(runtime, 'b')
      const { context } = await all.until(runtime.processes.show(Counting, 'one'))
      expect(context?.notes).to.deep.equal(['first'])
      await all.until(runtime.close())
    })
  }
})

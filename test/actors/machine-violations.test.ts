// Rules a definition cannot see: found when the machine runs, with nothing written.

import { expect } from 'chai'
import { type AnyStateMachine, assign, createMachine, emit, enqueueActions } from 'xstate'
import { aggregate } from '../../actors/aggregate.ts'
import { reject } from '../../actors/reject.ts'
import { createRuntime, isReenactError, type ReenactError } from '../../runtime/index.ts'

const actorOf = async (config: object) => {
  const machine = createMachine({ id: 'm', context: { n: 0 }, ...config } as never)
  const Thing = aggregate(
    'thing',
    machine as AnyStateMachine,
    {
      events: { Noted: {}, Other: {} },
    } as never,
  )
  const runtime = await createRuntime({ store: 'memory:', actors: [Thing] })
  return { actor: runtime.actor(Thing, '1'), runtime }
}

/** Sends and returns the error; the stream must be empty then. */
const failure = async (config: object, command: object = { type: 'go' }): Promise<ReenactError> => {
  const { actor, runtime } = await actorOf(config)
  let error: unknown
  await actor.send(command as never).catch((caught: unknown) => {
    error = caught
  })
  expect(await actor.history()).to.deep.equal([])
  await runtime.close()
  if (isReenactError(error)) return error
  throw new Error('it was accepted', { cause: error })
}

const noted = emit({ type: 'Noted' } as never)
const on = { Noted: {}, Other: {} }
/** What a loosely typed function of a machine is given. */
interface Bag {
  readonly event: { readonly items: readonly number[] }
}

const enqueue = (collect: (enqueue: never) => void) =>
  enqueueActions(({ enqueue: given }) => collect(given as never))

describe('a machine that breaks a rule while it runs writes nothing', () => {
  it('a command that assigns through enqueueActions', async () => {
    const go = {
      actions: enqueue((q: never) => (q as { assign(a: object): void }).assign({ n: 1 })),
    }
    const error = await failure({ on: { ...on, go } })
    expect(error.code).to.equal('InvalidMachine')
    expect(error.details).to.include({ type: 'go', aggregate: 'thing' })
    expect(error.message).to.contain('changed the context')
  })

  it('a command that makes always fire, though no transition takes it', async () => {
    const error = await failure({
      initial: 'a',
      states: {
        a: {
          on: { ...on, go: { guard: () => false } },
          always: {
            guard: ({ event }: { event: { type: string } }) => event.type === 'go',
            target: 'b',
          },
        },
        b: { on },
      },
    })
    expect(error.code).to.equal('InvalidMachine')
    expect(error.details).to.include({ state: 'a', type: 'go' })
  })

  it('emit and reject in one enqueueActions', async () => {
    const go = {
      actions: enqueue((q: never) => {
        const both = q as unknown as { (action: unknown): void; emit(event: object): void }
        both.emit({ type: 'Noted' })
        both(reject('no'))
      }),
    }
    const error = await failure({ on: { ...on, go } })
    expect(error.code).to.equal('InvalidMachine')
    expect(error.message).to.contain('both emitted and rejected')
  })

  it('an effect in enqueueActions', async () => {
    const go = { actions: enqueue((q: never) => (q as (action: unknown) => void)(() => {})) }
    const error = await failure({ on: { ...on, go } })
    expect(error.code).to.equal('InvalidMachine')
    expect(error.message).to.contain('ran the action')
  })

  it('an event that emits through enqueueActions', async () => {
    const Noted = {
      actions: enqueue((q: never) => (q as { emit(event: object): void }).emit({ type: 'Other' })),
    }
    const error = await failure({ on: { ...on, Noted, go: { actions: noted } } })
    expect(error.code).to.equal('InvalidMachine')
    expect(error.details).to.include({ type: 'Noted' })
  })

  it('spawn in an assign', async () => {
    const Noted = {
      actions: assign(({ spawn }) => {
        spawn(createMachine({}) as never)
        return {}
      }),
    }
    const error = await failure({ on: { ...on, Noted, go: { actions: noted } } })
    expect(error.code).to.equal('InvalidMachine')
  })

  it('an assign that changes the context in place', async () => {
    const Noted = {
      actions: assign(({ context }) => {
        ;(context as { list: number[] }).list.push(1)
        return {}
      }),
    }
    const error = await failure({
      context: { list: [] },
      on: { ...on, Noted, go: { actions: noted } },
    })
    expect(error.code).to.equal('ActorFaulted')
    expect(error.message).to.contain('not extensible')
  })

  it('an emitted event that is not declared', async () => {
    const go = { actions: emit(() => ({ type: 'Secret' }) as never) }
    const error = await failure({ on: { ...on, go } })
    expect(error.code).to.equal('InvalidEvent')
    expect(error.details).to.include({ type: 'Secret' })
  })

  it('an emitted event that the state after the ones before it does not take', async () => {
    const go = { actions: [noted, emit({ type: 'Other' } as never)] }
    const error = await failure({
      initial: 'a',
      states: { a: { on: { go, Noted: 'b', Other: {} } }, b: {} },
    })
    expect(error.code).to.equal('UnexpectedEvent')
    expect(error.details).to.include({ state: 'b', type: 'Other' })
  })

  it('an emitted event that only a wildcard would take', async () => {
    const error = await failure({
      initial: 'a',
      states: { a: { on: { go: { actions: noted }, '*': {} } }, b: { on } },
    })
    expect(error.code).to.equal('UnexpectedEvent')
    expect(error.message).to.contain('wildcard')
  })

  it('an emitted event with a value that would not survive, by its path', async () => {
    const go = { actions: emit(() => ({ type: 'Noted', price: { net: Number.NaN } }) as never) }
    const error = await failure({ on: { ...on, go } })
    expect(error.code).to.equal('InvalidEvent')
    expect(error.message).to.contain('$.price.net')
  })

  it('a guard that throws', async () => {
    const go = {
      guard: () => {
        throw new Error('boom')
      },
      actions: noted,
    }
    const error = await failure({ on: { ...on, go } })
    expect(error.code).to.equal('ActorFaulted')
    expect(error.message).to.contain('boom')
  })
})

describe('what XState selects is accepted', () => {
  it('an empty transition is accepted without events', async () => {
    const { actor } = await actorOf({ on: { ...on, go: {} } })
    const result = await actor.send({ type: 'go' } as never)
    expect(result).to.deep.include({ accepted: true, events: [], revision: -1 })
  })

  it('a wildcard takes commands the machine does not name', async () => {
    const { actor } = await actorOf({ on: { ...on, '*': { actions: noted } } })
    const result = await actor.send({ type: 'anything' } as never)
    expect(result).to.deep.include({ accepted: true, events: [{ type: 'Noted' }] })
  })

  it('an undefined property is dropped before the event evolves', async () => {
    const { actor } = await actorOf({
      context: { keys: [] },
      on: {
        ...on,
        go: { actions: emit(() => ({ type: 'Noted', a: 1, b: undefined }) as never) },
        Noted: {
          actions: assign({
            keys: ({ event }: { event: object }) => Object.keys(event).sort(),
          } as never),
        },
      },
    })
    const { state } = await actor.send({ type: 'go' } as never)
    expect(state.context).to.deep.equal({ keys: ['a', 'type'] })
  })

  it('what the sender changes afterwards changes nothing', async () => {
    const { actor } = await actorOf({
      context: { items: [] },
      on: {
        ...on,
        go: {
          actions: emit((({ event }: Bag) => ({ type: 'Noted', items: event.items })) as never),
        },
        Noted: { actions: assign({ items: ({ event }: Bag) => event.items } as never) },
      },
    })
    const command = { type: 'go', items: [1] }
    const sent = actor.send(command as never)
    command.items.push(2)
    const { state } = await sent
    command.items.push(3)
    expect(state.context).to.deep.equal({ items: [1] })
    expect((await actor.state()).context).to.deep.equal({ items: [1] })
  })
})

describe('a rejection says why', () => {
  const rejection = async (transition: object, implementations: object = {}) => {
    const machine = createMachine(
      {
        id: 'm',
        context: {},
        initial: 'a',
        states: { a: { on: { ...on, go: transition } } },
      } as never,
      implementations as never,
    ) as AnyStateMachine
    const Thing = aggregate('thing', machine, { events: { Noted: {}, Other: {} } } as never)
    const runtime = await createRuntime({ store: 'memory:', actors: [Thing] })
    const result = await runtime.actor(Thing, '1').send({ type: 'go' } as never)
    if (result.accepted) throw new Error('it was accepted')
    return result
  }
  const no = () => false

  it('with the names of guards that refuse', async () => {
    const { guards } = await rejection({ guard: 'ready' }, { guards: { ready: no } })
    expect(guards).to.deep.equal(['ready'])
  })

  it('with an inline guard by its path', async () => {
    const { guards } = await rejection([{ guard: no }, { guard: { type: 'ready' } }], {
      guards: { ready: no },
    })
    expect(guards).to.deep.equal(['a.on.go[0].guard', 'ready'])
  })

  it('with the part of a combined guard that refuses', async () => {
    const { and, not, or } = await import('xstate')
    const guard = and([not('open' as never), or(['ready' as never, no]), 'open' as never])
    const { guards } = await rejection({ guard }, { guards: { ready: no, open: () => true } })
    expect(guards).to.deep.equal(['not(open)', 'ready', 'a.on.go[0].guard.and[1].or[1]'])
  })

  it('with the reason, its details and the guards before it', async () => {
    const result = await rejection(
      [{ guard: 'ready' }, { actions: reject('not ready', { tries: 1 }) }],
      { guards: { ready: no } },
    )
    expect(result).to.deep.include({
      reason: 'not ready',
      details: { tries: 1 },
      guards: ['ready'],
      accepted: false,
    })
    expect(result.message).to.equal("'go' was refused by thing in state 'a': not ready")
  })

  it('in a final state, whatever the command', async () => {
    const { actor } = await actorOf({
      initial: 'a',
      states: {
        a: { on: { ...on, go: { actions: noted }, Noted: 'end' } },
        end: { type: 'final' },
      },
      on: { always: {} },
    })
    await actor.send({ type: 'go' } as never)
    const again = await actor.send({ type: 'always' } as never)
    expect(again).to.deep.include({ accepted: false, guards: [] })
    expect(again.state.status).to.equal('done')
    expect(await actor.can()).to.deep.equal({ go: 'no', always: 'no' })
  })
})

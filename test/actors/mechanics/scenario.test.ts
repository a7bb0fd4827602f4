// Given, when, then: the rules of an aggregate without a runtime.

import { expect } from 'chai'
import { expectTypeOf } from 'expect-type'
import { assign, emit, setup } from 'xstate'
import { aggregate, isReenactError } from '../../../runtime/index.ts'
import { scenario } from '../../../runtime/testing/index.ts'
import { Account, type Event } from '../../fixtures/account.ts'

const open = scenario(Account).given({ type: 'Opened', owner: 'Ann' })

const codeOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return isReenactError(error) ? error.code : String(error)
  }
  return 'nothing thrown'
}

describe('a scenario', () => {
  it('tells the events and the state of an accepted command', () => {
    expect(open.when({ type: 'deposit', amount: 5 })).to.deep.equal({
      accepted: true,
      events: [{ type: 'Deposited', amount: 5 }],
      state: { value: 'active', context: { owner: 'Ann', balance: 5 }, status: 'active' },
      guards: [],
    })
  })

  it('tells the guards that refuse', () => {
    expect(open.when({ type: 'withdraw', amount: 5 })).to.deep.equal({
      accepted: false,
      events: [],
      state: { value: 'active', context: { owner: 'Ann', balance: 0 }, status: 'active' },
      guards: ['covered'],
    })
  })

  it('tells the reason and its details', () => {
    const filled = open.given({ type: 'Deposited', amount: 5 })
    const outcome = filled.when({ type: 'close' })
    expect(outcome).to.deep.include({ reason: 'not empty', details: { balance: 5 } })
    expect(outcome.guards).to.deep.equal(['active.on.close[0].guard'])
  })

  it('tells a command without effect from a rejection', () => {
    expect(open.when({ type: 'ping' })).to.deep.include({ accepted: true, events: [] })
    expect(scenario(Account).when({ type: 'ping' })).to.deep.include({ accepted: false })
  })

  it('never changes', () => {
    open.given({ type: 'Deposited', amount: 5 })
    open.when({ type: 'deposit', amount: 5 })
    expect(open.state.context.balance).to.equal(0)
    expect(scenario(Account).state).to.deep.equal({
      value: 'unopened',
      context: { owner: '', balance: 0 },
      status: 'active',
    })
  })

  it('refuses what a log could not hold or the machine could not take', () => {
    const start = scenario(Account)
    expect(codeOf(() => start.given({ type: 'Deposited', amount: 1 }))).to.equal('UnexpectedEvent')
    expect(codeOf(() => start.given({ type: 'Nope' } as unknown as Event))).to.equal('UnknownEvent')
    const never = { type: 'Opened', owner: new Date() as unknown as string } as const
    expect(codeOf(() => start.given(never))).to.equal('InvalidPayload')
    expect(codeOf(() => start.when({ type: 'nope' } as never))).to.equal('InvalidCommand')
    expect(codeOf(() => open.when({ type: 'deposit', amount: Number.NaN }))).to.equal(
      'InvalidCommand',
    )
  })

  it('freezes the context, as real life does', () => {
    expect(open.state.context).to.satisfy(Object.isFrozen)
    expect(open.when({ type: 'deposit', amount: 1 }).state.context).to.satisfy(Object.isFrozen)
  })

  it('takes events of older releases', () => {
    type Named = { type: 'Named'; first: string }
    const machine = setup({
      types: {
        context: {} as { first: string },
        events: {} as { type: 'name'; first: string } | Named,
        emitted: {} as Named,
      },
    }).createMachine({
      context: { first: '' },
      on: {
        name: { actions: emit(({ event }) => ({ type: 'Named', first: event.first })) },
        Named: { actions: assign({ first: ({ event }) => event.first }) },
      },
    })
    const Person = aggregate('person', machine, {
      events: {
        Named: {
          version: 2,
          aliases: ['Called'],
          upcast: { 1: ({ name }) => ({ first: name ?? '' }) },
        },
      },
      ignored: ['Poked'],
    })
    const ada = scenario(Person).givenStored(
      { type: 'Called', data: { name: 'Ada' } },
      { type: 'Poked', version: 9, data: {} },
    )
    expect(ada.state.context.first).to.equal('Ada')
    expect(codeOf(() => ada.givenStored({ type: 'Named', version: 3, data: {} }))).to.equal(
      'NewerSchema',
    )
    expect(ada.when({ type: 'name', first: 'Eve' }).events).to.deep.equal([
      { type: 'Named', first: 'Eve' },
    ])
  })

  it('knows the types of commands, events and state', () => {
    const outcome = open.when({ type: 'ping' })
    expectTypeOf(outcome.events).toEqualTypeOf<readonly Event[]>()
    expectTypeOf(outcome.state.context).toEqualTypeOf<{ owner: string; balance: number }>()
    expectTypeOf(outcome.state.value).toEqualTypeOf<'unopened' | 'active' | 'closed'>()
    // @ts-expect-error an event is no command
    expect(codeOf(() => open.when({ type: 'Opened', owner: 'x' }))).to.equal('InvalidCommand')
    // @ts-expect-error a command is no event
    expect(codeOf(() => open.given({ type: 'ping' }))).to.equal('UnknownEvent')
  })
})

// Try, confirm, cancel: what was tried is confirmed or cancelled, never both, whatever is known of it.

import { expect } from 'chai'
import { setup } from 'xstate'
import { Wallet } from '../../../examples/orders/wallet.ts'
import {
  type ActivityArgs,
  activity,
  compensate,
  createRuntime,
  type DomainEvent,
  type ProcessInput,
  processManager,
  tcc,
} from '../../../runtime/index.ts'
import { processScenario } from '../../../runtime/testing/index.ts'
import { deadly, Life } from './shop.ts'
import { Case, world } from './world.ts'

type Event = DomainEvent<typeof Case>

const order = (command: { readonly type: string; readonly order?: string }) => command.order ?? ''
const payment = tcc(Wallet, {
  confirm: ({ input }) => ({ type: 'deduct', order: order(input.command) }),
  cancel: ({ input }) => ({ type: 'unfreeze', order: order(input.command) }),
})
const freezing = (id: string) =>
  ({ id: 'ann', command: { type: 'freeze', order: id, amount: 30 } }) as const

/** Freezes, deducts, then does what may fail; a note breaks it off at any time. */
const paying = (work: () => Promise<void> = async () => {}) =>
  processManager(
    'paying',
    setup({
      types: {
        context: {} as { readonly id: string },
        events: {} as Event,
        input: {} as ProcessInput<Event>,
      },
      actors: {
        freeze: payment.try,
        deduct: payment.confirm,
        work: activity((_: ActivityArgs<null>) => work(), { retry: { delayMs: () => null } }),
        compensate,
      },
    }).createMachine({
      context: ({ input: { id } }) => ({ id }),
      initial: 'freezing',
      on: { 'case.Noted': '.undoing' },
      states: {
        freezing: {
          invoke: {
            src: 'freeze',
            input: ({ context }) => freezing(context.id),
            onDone: 'deducting',
            onError: 'undoing',
          },
        },
        deducting: {
          invoke: {
            src: 'deduct',
            input: ({ context }) => freezing(context.id),
            onDone: 'working',
          },
        },
        working: { invoke: { src: 'work', input: null, onDone: 'done', onError: 'undoing' } },
        undoing: { invoke: { src: 'compensate', onDone: 'done' }, on: { 'case.Noted': {} } },
        done: { type: 'final' },
      },
    }),
    { on: [{ event: 'case.Begun', starts: true }, { event: 'case.Noted' }] },
  )

describe('try, confirm, cancel', () => {
  const begun = processScenario(paying(), { id: 'o1' }).given({ type: 'case.Begun' })
  const breakOff = { type: 'case.Noted', text: '' } as const
  const undoes = (one: typeof begun) => one.owed[0]?.undoes

  it('cancels what was tried and not confirmed', () => {
    expect(begun.owed[0]).to.deep.include({ step: 'freeze', input: freezing('o1') })
    expect(undoes(begun.failed('freeze', { kind: 'rejected' })), 'no empty cancel').to.deep.equal(
      [],
    )
    const tried = begun.completed('freeze').given(breakOff)
    // Whether the confirm had its effect is found out first.
    expect(undoes(tried)).to.deep.equal([
      { step: 'deduct', unknown: true },
      { step: 'freeze', command: { type: 'unfreeze', order: 'o1' } },
    ])
    expect(tried.completed('compensate').status).to.equal('done')
  })

  it('does not cancel what is confirmed', () => {
    const confirmed = begun.completed('freeze').completed('deduct')
    expect(undoes(confirmed.failed('work'))).to.deep.equal([])
  })

  const books = async (work: () => Promise<void>, breakAfterMs?: number) => {
    const all = world([Case, Wallet])
    const Process = paying(work)
    const runtime = await all.open([Process])
    const wallet = runtime.actor(Wallet, 'ann')
    await all.until(wallet.send({ type: 'topUp', amount: 100 }))
    const one = runtime.actor(Case, 'o1')
    await all.until(one.send({ type: 'begin' }))
    if (breakAfterMs !== undefined) await all.until(one.send({ type: 'note', text: 'stop' }))
    await all.ports.advance(60_000)
    const { status } = await all.until(runtime.processes.show(Process, 'o1'))
    const { context } = await all.until(wallet.state())
    await all.until(runtime.close())
    return { status, ...context }
  }

  it('leaves the money spent, or free: never both, never frozen', async () => {
    const spent = { status: 'done', free: 70, frozen: {}, spent: 30 }
    const free = { status: 'done', free: 100, frozen: {}, spent: 0 }
    expect(await books(async () => {})).to.deep.equal(spent)
    const failing = async () => {
      throw new Error('too late to go back')
    }
    expect(await books(failing)).to.deep.equal(spent)
    expect(await books(failing, 0)).to.be.deep.oneOf([spent, free])
  })

  it('what was under way when a process died and was cancelled is resolved before anything is cancelled', async () => {
    const ends = new Set<string>()
    let resolved = 0
    for (let dieAt = 1; ; dieAt += 1) {
      const all = world([Case, Wallet])
      const Process = paying()
      const writer = await all.look([Process])
      await all.until(writer.actor(Wallet, 'ann').send({ type: 'topUp', amount: 100 }))
      await all.until(writer.actor(Case, 'o1').send({ type: 'begin' }))
      const life = new Life(dieAt, true)
      const doomed = await createRuntime({
        store: life.store(all.log),
        actors: [Case, Wallet],
        processes: [Process],
        ports: deadly(all.ports, life),
      })
      doomed.processes.work()
      await all.ports.advance(1_000)
      if (!life.dead) {
        life.dead = true
        break
      }
      const act = { by: 'ann', reason: 'enough' }
      await all.until(writer.processes.cancel(Process, 'o1', act).catch(() => {}))
      await all.until(writer.close())
      await all.ports.advance(15_000)
      const runtime = await all.open([Process])
      await all.ports.advance(60_000)
      const { context } = await all.until(runtime.actor(Wallet, 'ann').state())
      ends.add(JSON.stringify([context.free, Object.keys(context.frozen).length, context.spent]))
      const { status } = await all.until(runtime.processes.show(Process, 'o1'))
      expect(status, `died at call ${dieAt}`).to.be.oneOf(['cancelled', 'done'])
      if ((await all.types('paying-o1')).includes('StepResolved')) resolved += 1
      await all.until(runtime.close())
    }
    expect([...ends].sort()).to.deep.equal(['[100,0,0]', '[70,0,30]'])
    expect(resolved).to.be.greaterThan(2)
  })
})

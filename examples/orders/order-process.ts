// The order process: reserve the goods, freeze the money, ask the payment service, ship, deduct, grant points, confirm.
// Whatever goes wrong before the goods are shipped is undone.

import { assign, setup } from 'xstate'
import {
  type ActivityArgs,
  activity,
  type CommandOf,
  command,
  compensate,
  type Deadline,
  type DomainEvent,
  isStepError,
  type ProcessInput,
  processManager,
  type RetryPolicy,
  retryPresets,
  TerminalError,
  tcc,
} from '../../runtime/index.ts'
import { Order } from './order.ts'
import { Points } from './points.ts'
import { Stock } from './stock.ts'
import { Wallet } from './wallet.ts'

type Event = DomainEvent<typeof Order> | Deadline

export interface Context {
  readonly order: string
  readonly customer: string
  readonly item: string
  readonly units: number
  readonly amount: number
  readonly reason: string
}

/** The payment service, outside: approves a payment once for each key. */
export interface PaymentService {
  approve(payment: { readonly key: string; readonly amount: number }): Promise<void>
}

/** How the process meets the world. */
export interface OrderProcessOptions {
  readonly payments: PaymentService
  /** How often the payment service is asked. Default: five times, after 1, 2, 4 and 8 s. */
  readonly retry?: RetryPolicy
}

const orderOf = (command: CommandOf<typeof Wallet>): string => {
  if ('order' in command) return command.order
  throw new TerminalError(`'${command.type}' belongs to no order`)
}

/** Try, confirm, cancel: money is frozen first, then deducted or free again. */
const payment = tcc(Wallet, {
  confirm: ({ input }) => ({ type: 'deduct', order: orderOf(input.command) }),
  cancel: ({ input }) => ({ type: 'unfreeze', order: orderOf(input.command) }),
})

const freezing = ({ customer, order, amount }: Context) =>
  ({ id: customer, command: { type: 'freeze', order, amount } }) as const

const machine = setup({
  types: {
    context: {} as Context,
    events: {} as Event,
    input: {} as ProcessInput<Event>,
  },
  actors: {
    reserve: command(Stock, {
      undo: ({ input: { command } }) =>
        'order' in command ? { type: 'release', order: command.order } : undefined,
    }),
    freeze: payment.try,
    approve: activity<{ readonly amount: number }, void>(() => {
      throw new TerminalError('there is no payment service')
    }),
    ship: command(Stock),
    deduct: payment.confirm,
    grant: command(Points),
    confirm: command(Order),
    cancel: command(Order),
    compensate,
  },
  actions: {
    why: assign({
      reason: ({ event }) => {
        if (event.type === 'order.CancelRequested') return 'the customer cancelled'
        if (event.type === 'reenact.deadline') return 'it took too long'
        const { error } = event as { error?: unknown }
        return isStepError(error) ? error.message : 'unknown'
      },
    }),
  },
}).createMachine({
  id: 'order_process',
  context: ({ input: { id, event } }) => {
    if (event.type !== 'order.Placed') throw new Error(`${id} was never placed`)
    const { customer, item, units, amount } = event
    return { order: id, customer, item, units, amount, reason: '' }
  },
  initial: 'open',
  states: {
    open: {
      initial: 'reserving',
      on: {
        'order.CancelRequested': { target: 'undoing', actions: 'why' },
        'reenact.deadline': { target: 'undoing', actions: 'why' },
      },
      states: {
        reserving: {
          invoke: {
            src: 'reserve',
            input: ({ context: { item, order, units } }) => ({
              id: item,
              command: { type: 'reserve', order, units },
            }),
            onDone: 'freezing',
            onError: { target: '#order_process.undoing', actions: 'why' },
          },
        },
        freezing: {
          invoke: {
            src: 'freeze',
            input: ({ context }) => freezing(context),
            onDone: 'approving',
            onError: { target: '#order_process.undoing', actions: 'why' },
          },
        },
        approving: {
          invoke: {
            src: 'approve',
            input: ({ context: { amount } }) => ({ amount }),
            onDone: '#order_process.finishing',
            onError: { target: '#order_process.undoing', actions: 'why' },
          },
        },
      },
    },
    // From here on there is no way back: these steps are tried until they are done.
    finishing: {
      type: 'parallel',
      states: {
        goods: {
          initial: 'shipping',
          states: {
            shipping: {
              invoke: {
                src: 'ship',
                input: ({ context: { item, order } }) => ({
                  id: item,
                  command: { type: 'ship', order },
                }),
                onDone: 'shipped',
              },
            },
            shipped: { type: 'final' },
          },
        },
        money: {
          initial: 'deducting',
          states: {
            deducting: {
              invoke: {
                src: 'deduct',
                input: ({ context }) => freezing(context),
                onDone: 'granting',
              },
            },
            granting: {
              invoke: {
                src: 'grant',
                input: ({ context: { customer, order, amount } }) => ({
                  id: customer,
                  command: { type: 'grant', order, points: amount },
                }),
                onDone: 'granted',
              },
            },
            granted: { type: 'final' },
          },
        },
      },
      onDone: 'confirming',
    },
    confirming: {
      invoke: {
        src: 'confirm',
        input: ({ context: { order } }) => ({ id: order, command: { type: 'confirm' } }),
        onDone: 'completed',
      },
    },
    undoing: { invoke: { src: 'compensate', onDone: 'cancelling' } },
    cancelling: {
      invoke: {
        src: 'cancel',
        input: ({ context: { order, reason } }) => ({
          id: order,
          command: { type: 'cancel', reason },
        }),
        onDone: 'cancelled',
      },
    },
    completed: { type: 'final' },
    cancelled: { type: 'final' },
  },
  output: ({ context, event }) => ({ reason: context.reason, last: event.type }),
})

/** The kind of process that brings orders to their end. */
export function orderProcess({ payments, retry = retryPresets.doubling }: OrderProcessOptions) {
  const approve = activity(
    ({ input, idempotencyKey }: ActivityArgs<{ readonly amount: number }>) =>
      payments.approve({ key: idempotencyKey, amount: input.amount }),
    { retry, timeoutMs: 2_000, dependency: { name: 'payments' } },
  )
  return processManager('order_process', machine.provide({ actors: { approve } }), {
    on: [{ event: 'order.Placed', starts: true }, { event: 'order.CancelRequested' }],
    deadlineMs: 24 * 3_600_000,
  })
}

/** The aggregates of the shop. */
export const shop = [Order, Stock, Wallet, Points] as const

// The bank's account with schemas: what comes over the network is checked before the machine sees it.

import { aggregate } from 'reenact'
import { z } from 'zod'
import { Account as BankAccount } from '../bank/account.ts'

const text = z.string().trim().min(1).max(200)
const amount = z.number().int().positive().max(1_000_000_000)

/** One bank account an actor. */
export const Account = aggregate('account', BankAccount.machine, {
  events: { Opened: {}, Deposited: {}, Withdrawn: {}, Frozen: {} },
  commands: {
    open: { schema: z.strictObject({ type: z.literal('open'), owner: text }) },
    deposit: { schema: z.strictObject({ type: z.literal('deposit'), amount }) },
    withdraw: { schema: z.strictObject({ type: z.literal('withdraw'), amount }) },
    freeze: { schema: z.strictObject({ type: z.literal('freeze'), reason: text }) },
  },
})

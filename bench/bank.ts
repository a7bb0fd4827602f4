// The bank that Reenact and its peers keep, and the load that all of them get.

import { createRuntime } from '../runtime/index.ts'
import { Account } from './account.ts'
import { type Figure, rate } from './measure.ts'

/** A bank by any library. Each command reads the account, decides and keeps what happened. */
export interface Bank {
  open(id: string): Promise<void>
  deposit(id: string, amount: number): Promise<void>
  balance(id: string): Promise<number>
  close(): Promise<void>
}

/** How the bank is used. */
export interface Load {
  readonly accounts: number
  readonly inFlight: number
  readonly commands: number
}

/** The bank by Reenact. */
export async function openReenactBank(store: string): Promise<Bank> {
  const runtime = await createRuntime({ store, actors: [Account] })
  return {
    open: async (id) => {
      await runtime.actor(Account, id).send({ type: 'open', owner: 'Ann' })
    },
    deposit: async (id, amount) => {
      await runtime.actor(Account, id).send({ type: 'deposit', amount })
    },
    balance: async (id) => (await runtime.actor(Account, id).state()).context.balance,
    close: () => runtime.close(),
  }
}

/** Deposits over all accounts in turn, so many at a time. Fails if the bank lost any. */
export async function measureBank(
  bank: Bank,
  { accounts, inFlight, commands }: Load,
): Promise<Figure> {
  const ids = Array.from({ length: accounts }, (_, id) => `a${id}`)
  let next = 0
  const client = async (work: (id: string) => Promise<void>, count: number) => {
    while (next < count) {
      const id = ids[next % accounts] as string
      next += 1
      await work(id)
    }
  }
  const clients = async (work: (id: string) => Promise<void>, count: number) => {
    next = 0
    await Promise.all(Array.from({ length: inFlight }, () => client(work, count)))
  }
  await clients((id) => bank.open(id), accounts)
  const deposits = (count: number) => clients((id) => bank.deposit(id, 1), count)
  // Until the compiler has done its work.
  const before = Math.ceil(commands / 3)
  await deposits(before)
  const figure = await rate(commands, () => deposits(commands))
  const balances = await Promise.all(ids.map((id) => bank.balance(id)))
  const sum = balances.reduce((total, balance) => total + balance, 0)
  await bank.close()
  if (sum !== before + commands) throw new Error(`${before + commands} paid in, ${sum} there`)
  return figure
}

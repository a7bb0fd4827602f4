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
  const opened = async (prefix: string): Promise<readonly string[]> => {
    const ids = Array.from({ length: accounts }, (_, id) => `${prefix}${id}`)
    await inTurn(ids, accounts, inFlight, (id) => bank.open(id))
    return ids
  }
  const deposits = (ids: readonly string[], count: number) =>
    inTurn(ids, count, inFlight, (id) => bank.deposit(id, 1))
  // Until the compiler has done its work; on accounts of their own, so that no stream is long before it is measured.
  await deposits(await opened('warm'), Math.ceil((commands * 2) / 3))
  const ids = await opened('a')
  const figure = await rate(commands, () => deposits(ids, commands))
  const balances = await Promise.all(ids.map((id) => bank.balance(id)))
  const sum = balances.reduce((total, balance) => total + balance, 0)
  await bank.close()
  if (sum !== commands) throw new Error(`${commands} paid in, ${sum} there`)
  return figure
}

/** Does `count` pieces of work over all accounts in turn, so many at a time. */
async function inTurn(
  ids: readonly string[],
  count: number,
  inFlight: number,
  work: (id: string) => Promise<void>,
): Promise<void> {
  let next = 0
  const client = async () => {
    while (next < count) {
      const id = ids[next % ids.length] as string
      next += 1
      await work(id)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, client))
}

// What the tests of projections share: balances of accounts, and the log folded by hand.

import { expect } from 'chai'
import {
  documents,
  inlineDocuments,
  inlineProjection,
  projection,
} from '../../projections/index.ts'
import { type ErrorCode, isReenactError, type ReenactError } from '../../runtime/core/errors.ts'
import type { Runtime } from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'

export interface Balance {
  readonly owner: string
  readonly balance: number
  readonly events: number
}

/** The balance of each account, and under `*` the sum of all. */
export const Balances = projection('balances', {
  from: Account,
  view: documents<Balance>({ indexes: ['owner', 'balance'] }),
  on: {
    Opened: (event, view, { actorId }) =>
      view.put(actorId, { owner: event.owner, balance: 0, events: 1 }),
    Deposited: async (event, view, { actorId }) => {
      const row = await view.get(actorId)
      view.put(actorId, add(row, event.amount))
      await view.patch('*', (sum) => add(sum, event.amount))
    },
    Withdrawn: (event, view, { actorId }) => {
      void view.patch(actorId, (row) => add(row, -event.amount))
      void view.patch('*', (sum) => add(sum, -event.amount))
    },
    Closed: (_event, view, { actorId }) => view.delete(actorId),
  },
})

/** How much was deposited to each account, and under `*` to all, in the log's own file. */
export const Totals = inlineProjection('totals', {
  from: Account,
  view: inlineDocuments<{ amount: number }>(),
  on: {
    Deposited: ({ amount }, view, { actorId }) => {
      for (const key of [actorId, '*']) {
        view.put(key, { amount: (view.get(key)?.amount ?? 0) + amount })
      }
    },
  },
})

export const add = (row: Balance | undefined, amount: number): Balance => ({
  owner: row?.owner ?? '*',
  balance: (row?.balance ?? 0) + amount,
  events: (row?.events ?? 0) + 1,
})

/** What `Balances` should hold after the events up to a position. */
export async function foldBalances(
  runtime: Pick<Runtime, 'log'>,
  position = Number.POSITIVE_INFINITY,
): Promise<Record<string, Balance>> {
  const rows: Record<string, Balance> = {}
  for await (const event of runtime.log()) {
    if (event.position > position) break
    const { actorId, type, data } = event
    const amount = Number(data['amount']) * (type === 'Withdrawn' ? -1 : 1)
    if (type === 'Opened') rows[actorId] = { owner: String(data['owner']), balance: 0, events: 1 }
    else if (type === 'Closed') delete rows[actorId]
    else {
      rows[actorId] = add(rows[actorId], amount)
      rows['*'] = add(rows['*'], amount)
    }
  }
  return rows
}

type BalancesView = ReturnType<typeof viewOfBalances>
const viewOfBalances = (runtime: Runtime) => runtime.view(Balances)

/** All documents of the view. */
export async function shown(view: Pick<BalancesView, 'find'>): Promise<Record<string, Balance>> {
  const rows = await view.find({ limit: 1_000_000 })
  return Object.fromEntries(rows.map(({ key, document }) => [key, document]))
}

/** What the promise failed with. */
export async function failure<Code extends ErrorCode>(
  promise: Promise<unknown>,
  code: Code,
): Promise<ReenactError<Code>> {
  const error = await promise.then(
    () => expect.fail(`expected ${code}`),
    (thrown: unknown) => thrown,
  )
  if (!isReenactError(error, code)) throw error
  return error
}

/** Asks until the answer is yes. Fails when it is not within a minute: only what hangs takes that long. */
export async function eventually(what: string, ask: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 6_000; attempt += 1) {
    if (await ask()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  expect.fail(`never: ${what}`)
}

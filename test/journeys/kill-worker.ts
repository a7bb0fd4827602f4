// The process the kill test kills: 64 commands in flight over 16 accounts, each acknowledgement on a line.
//
// A line is `account number revision`, written after the answer. Every seventh command is refused, on record. In every
// other life all commits go to the storage thread.

import { createRuntime } from '../../runtime/index.ts'
import { openSqliteStore } from '../../runtime/stores/sqlite/sqlite-store.ts'
import { threadDefaults } from '../../runtime/stores/sqlite/storage-thread.ts'
import { Account } from '../fixtures/account.ts'

const accounts = 16
const inFlight = 4
const [file = '', cycle = '0'] = process.argv.slice(2)

const thread = { ...threadDefaults, operationsMin: 1, groupsBefore: 0 }

const runtime = await createRuntime({
  store: Number(cycle) % 2 === 1 ? await openSqliteStore(file, {}, { thread }) : `file:${file}`,
  actors: [Account],
  // A busy disk is no reason to fail here.
  limits: { snapshotEvery: 50, timeoutMs: 60_000 },
})

async function work(account: number): Promise<void> {
  const actor = runtime.actor(Account, `a${account}`)
  await actor.send({ type: 'open', owner: 'Ann' }, { commandId: `open-${account}` })
  let number = 0
  const one = async (): Promise<void> => {
    for (;;) {
      number += 1
      const mine = number
      const command =
        mine % 7 === 0
          ? ({ type: 'withdraw', amount: 1e9 } as const)
          : ({ type: 'deposit', amount: 1 } as const)
      const { revision } = await actor.send(command, { commandId: `${cycle}-${account}-${mine}` })
      process.stdout.write(`${account} ${mine} ${revision}\n`)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, one))
}

await Promise.all(Array.from({ length: accounts }, (_, account) => work(account)))

// A process of the kill tests: writes commands, or projects what another one writes.
//
// `write FILE`: deposits and withdrawals without end. `inline FILE`: the same with an inline projection; says
// `answered` with the number of deposits answered. `project FILE VIEWS`: one worker beside the writer; says
// `live` with its build and position whenever it is live.

import { createRuntime } from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'
import { Balances, Totals } from './support.ts'

const accounts = 8
const [role, file = '', views = ''] = process.argv.slice(2)

async function write(): Promise<void> {
  const runtime = await createRuntime({ store: `file:${file}`, actors: [Account] })
  await Promise.all(
    Array.from({ length: accounts }, async (_, account) => {
      const actor = runtime.actor(Account, `a${account}`)
      if ((await actor.state()).revision === -1) await actor.send({ type: 'open', owner: 'Ann' })
      for (let number = 1; ; number += 1) {
        await actor.send({ type: 'deposit', amount: number })
        if (number % 5 === 0) await actor.send({ type: 'withdraw', amount: 3 })
        // Leaves the disk and the processor to the others too.
        if (number % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }),
  )
}

async function inline(): Promise<void> {
  const runtime = await createRuntime({
    store: `file:${file}`,
    actors: [Account],
    inline: [Totals],
    // A crash between a snapshot and an append is one more place to die.
    limits: { snapshotEvery: 50 },
  })
  let answered = 0
  await Promise.all(
    Array.from({ length: accounts }, async (_, account) => {
      const actor = runtime.actor(Account, `a${account}`)
      if ((await actor.state()).revision === -1) await actor.send({ type: 'open', owner: 'Ann' })
      for (;;) {
        await actor.send({ type: 'deposit', amount: 1 })
        answered += 1
        process.stdout.write(`answered ${answered}\n`)
      }
    }),
  )
}

async function project(): Promise<void> {
  const runtime = await createRuntime({ store: `file:${file}?mode=ro`, actors: [Account], views })
  await runtime.project([Balances], { batchMax: 50, turnMs: 50 })
  let said = ''
  for (;;) {
    const [status] = await runtime.projections.status()
    if (status?.state === 'stopped') throw status.lastError?.error
    const line = `${status?.state} ${status?.position}\n`
    if (line !== said) process.stdout.write(line)
    said = line
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

await { write, inline, project }[role as 'write' | 'inline' | 'project']()

// A process of the tests with several: writes commands, or projects what another one writes.
//
// `write FILE [N]`: deposits and withdrawals without end, a rest after every N (50). `inline FILE`: the same with an inline projection; says
// `answered` with the number of deposits answered. `project FILE VIEWS`: one worker beside the writer; says
// `live` with its build and position whenever it is live. `act FILE VIEWS`: the same with a projection that acts on the
// world; says `act` with each position it acts for. `rebuild FILE VIEWS`: the same, waiting for its turn; compares a
// candidate with the live build, says `different` with the number of differences, and makes it live.

import { documents, type Projection, projection } from '../../projections/index.ts'
import { createRuntime, onlyLive, type Runtime } from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'
import { Balances, Totals } from './support.ts'

const accounts = 8
const [role, file = '', views = ''] = process.argv.slice(2)

async function write(): Promise<void> {
  const every = Number(views || 50)
  const runtime = await createRuntime({ store: `file:${file}`, actors: [Account] })
  await Promise.all(
    Array.from({ length: accounts }, async (_, account) => {
      const actor = runtime.actor(Account, `a${account}`)
      if ((await actor.state()).revision === -1) await actor.send({ type: 'open', owner: 'Ann' })
      for (let number = 1; ; number += 1) {
        await actor.send({ type: 'deposit', amount: number })
        if (number % 5 === 0) await actor.send({ type: 'withdraw', amount: 3 })
        // Leaves the disk and the processor to the others too.
        if (number % every === 0) await new Promise((resolve) => setTimeout(resolve, 20))
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

const say = (line: string) => process.stdout.write(`${line}\n`)

const Acting = projection('acting', {
  from: Account,
  view: documents<{ count: number }>(),
  on: {
    Deposited: (_event, view, about) => {
      void view.patch(about.actorId, (row) => ({ count: (row?.count ?? 0) + 1 }))
      onlyLive(about, () => say(`act ${about.position}`))
    },
  },
})

async function run(projected: Projection): Promise<Runtime> {
  const runtime = await createRuntime({ store: `file:${file}?mode=ro`, actors: [Account], views })
  await runtime.project([projected], { batchMax: 50, turnMs: 50 })
  return runtime
}

async function rebuild(): Promise<void> {
  const runtime = await run(Acting)
  const shadow = await runtime.projections.shadow(Acting)
  await shadow.caughtUp()
  say(`different ${(await shadow.diff()).length}`)
  let differences = -1
  await shadow.promote((found) => {
    differences = found.length
    return true
  })
  say(`swapped ${differences}`)
  await watch(runtime)
}

const act = async (): Promise<void> => watch(await run(Acting))

const project = async (): Promise<void> => watch(await run(Balances))

async function watch(runtime: Runtime): Promise<void> {
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

await { write, inline, project, act, rebuild }[role as 'write']()

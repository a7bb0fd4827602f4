// `npm run bank`: write, be refused, repeat, crash, replay. One file on disk, gone at the end; another store can be
// given, such as esdb://localhost:2113?tls=false of `npx reenact serve`.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Actor, createRuntime, isReenactError } from 'reenact'
import { endWithReader } from '../pipe.ts'
import { Account } from './account.ts'
import { bad, faint, good, heading, line, table } from './page.ts'

const killAfter = 25
type AccountActor = Actor<typeof Account>

const clock = (time: number): string => new Date(time).toISOString().slice(11, 23)
const plain = (value: unknown): string => JSON.stringify(value)

async function send(
  ann: AccountActor,
  command: Parameters<AccountActor['send']>[0],
  commandId?: string,
) {
  const result = await ann.send(command, commandId === undefined ? {} : { commandId })
  const { type, ...payload } = command
  const asked = `${type} ${plain(payload)}`.padEnd(34)
  const outcome = result.accepted
    ? `${good('accepted')}  ${result.events.map((event) => event.type).join(', ')}`
    : `${bad('rejected')}  ${result.guards.map((guard) => `guard '${guard}'`).join(', ') || result.reason}`
  const again = result.duplicate ? faint('  the first outcome, again') : ''
  line(`${asked} ${outcome}${again}  ${faint(`balance ${result.state.context.balance}`)}`)
  return result
}

async function writeSome(store: string): Promise<number> {
  heading(1, 'Commands make events, or are refused by a guard')
  const runtime = await createRuntime({ store, actors: [Account] })
  const ann = runtime.actor(Account, 'ann')
  await send(ann, { type: 'open', owner: 'Ann' })
  const opened = await send(ann, { type: 'deposit', amount: 50 })
  await send(ann, { type: 'withdraw', amount: 80 })

  heading(2, 'The same command id never acts twice')
  await send(ann, { type: 'withdraw', amount: 20 }, 'order-4711')
  await send(ann, { type: 'withdraw', amount: 20 }, 'order-4711')
  try {
    await ann.send({ type: 'withdraw', amount: 21 }, { commandId: 'order-4711' })
  } catch (error) {
    if (!isReenactError(error, 'IdempotencyMismatch')) throw error
    line(
      `${'withdraw {"amount":21}'.padEnd(34)} ${bad(error.code)}  ${faint('same id, other payload')}`,
    )
  }
  await runtime.close()
  return opened.revision
}

/** Lets another process pay in, and kills it in the middle. Answers how many payments it was told are safe. */
async function crash(store: string): Promise<number> {
  heading(3, 'A process is killed in the middle of its work')
  const teller = spawn(
    process.execPath,
    [fileURLToPath(new URL('./teller.js', import.meta.url)), store],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const ended = once(teller, 'exit')
  let acknowledged = 0
  for await (const text of createInterface({ input: teller.stdout })) {
    acknowledged = Number(text)
    if (acknowledged === killAfter) teller.kill('SIGKILL')
  }
  await ended
  line(
    `process ${teller.pid} paid in 1 at a time and got ${bad('SIGKILL')} after ${acknowledged} answers`,
  )
  return acknowledged
}

async function comeBack(store: string, acknowledged: number): Promise<void> {
  heading(4, 'Started again on the same store')
  const runtime = await createRuntime({ store, actors: [Account] })
  const ann = runtime.actor(Account, 'ann')
  const before = (await ann.state()).context.balance
  line(`balance ${before}: all ${acknowledged} acknowledged payments are there`)
  for (let payment = 1; payment <= acknowledged + 1; payment += 1) {
    await ann.send({ type: 'deposit', amount: 1 }, { commandId: `payment-${payment}` })
  }
  const { balance } = (await ann.state()).context
  line(
    `the teller's payments 1 to ${acknowledged + 1} sent again: balance ${balance}, none paid twice`,
  )
  await send(ann, { type: 'freeze', reason: 'audit' })
  const { ok, verified } = await ann.verify()
  line(`chain of ${verified} events ${ok ? good('intact') : bad('broken')}`)
  await runtime.close()
}

async function lookBack(store: string, revision: number): Promise<void> {
  heading(5, 'Any moment can be replayed')
  const runtime = await createRuntime({
    store: store.startsWith('file:') ? `${store}?mode=ro` : store,
    actors: [Account],
  })
  const ann = runtime.actor(Account, 'ann')
  const { time } = await ann.replay({ revision })
  const then = await ann.replay({ at: time ?? 0 })
  const now = await ann.state()
  line(`at ${clock(time ?? 0)}  ${plain(then.value)} ${plain(then.context)}`)
  line(`now              ${plain(now.value)} ${plain(now.context)}`)

  heading(6, 'The timeline says what each event changed')
  const timeline = await ann.timeline()
  const rows = timeline.map((entry) => [
    String(entry.revision),
    clock(entry.time),
    entry.event.type,
    entry.changes
      .map(({ path, before, after }) => `${path} ${plain(before)} → ${plain(after)}`)
      .join(', ') || faint('nothing'),
  ])
  const gap = rows.length > 9 ? [['', '', `… ${rows.length - 8} more`, '']] : []
  table(['rev', 'time', 'event', 'changed'], [...rows.slice(0, 5), ...gap, ...rows.slice(-3)])

  heading(7, 'Two moments can be compared')
  const { changes } = await ann.diff({ revision }, { revision: now.revision })
  table(
    ['what', `revision ${revision}`, `revision ${now.revision}`],
    changes.map(({ path, before, after }) => [path, plain(before), plain(after)]),
  )
  await runtime.close()
}

const folder = mkdtempSync(join(tmpdir(), 'reenact-demo-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
endWithReader()
const store = process.argv[2] ?? `file:${join(folder, 'bank.db')}`
const revision = await writeSome(store)
const acknowledged = await crash(store)
await comeBack(store, acknowledged)
await lookBack(store, revision)
process.stdout.write(
  `\nThe machine is in ${faint('examples/bank/account.ts')}. Next: ${faint('docs/getting-started.md')}\n`,
)

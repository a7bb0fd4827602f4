// Three worker processes on one file, through the server: killed and stopped at random, while commands come twice and
// deliveries out of order. Each command has one outcome, each account its order, and no money is lost or made.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { createRuntime, type DeadLetter, type Runtime } from '../../runtime/index.ts'
import { Account, type Command } from '../fixtures/account.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { serverProcess } from '../server/support/server-process.ts'

const count = Number(process.env['REENACT_WORKER_COMMANDS'] ?? 500)
const accounts = Math.min(1_000, Math.ceil(count / 20))
/** Commands posted at once, and how many of them in a row go to one account. */
const chunk = 500
const row = 10
/** What is paid in for each account, enough for all it will pay out. */
const paidIn = count
const stopMs = Math.min(12_000, count / 5)
const script = fileURLToPath(new URL('../../dist/test/journeys/account-worker.js', import.meta.url))

const accountOf = (n: number): number => Math.floor(n / row) % accounts
const firstOf = (account: number): number => account * row

/** Opens, pays in, then moves money from one row to the next; every ninth tries to take what is not there. */
function commandOf(n: number): Command {
  if (n === firstOf(accountOf(n))) return { type: 'open', owner: `owner ${accountOf(n)}` }
  if (n === firstOf(accountOf(n)) + 1) return { type: 'deposit', amount: paidIn }
  if (n % 9 === 0) return { type: 'withdraw', amount: 10 * paidIn * accounts }
  return { type: n % 2 === 0 ? 'withdraw' : 'deposit', amount: 1 }
}

const item = (n: number) => ({
  id: `a${accountOf(n)}`,
  command: commandOf(n),
  options: { commandId: `number ${n}` },
})

/** What each account's log must say: its commands in order, each once, as it would decide them one after the other. */
function expectedLogs(without: ReadonlySet<string>): string[][] {
  const logs = Array.from({ length: accounts }, (): string[] => [])
  const balances = Array.from({ length: accounts }, () => Number.NaN)
  for (let n = 0; n < count; n += 1) {
    const { options, command } = item(n)
    if (without.has(options.commandId)) continue
    const account = accountOf(n)
    const balance = balances[account] ?? Number.NaN
    let type = 'reenact.Rejected'
    if (command.type === 'open') {
      type = 'Opened'
      balances[account] = 0
    } else if (command.type === 'deposit' && balance >= 0) {
      type = 'Deposited'
      balances[account] = balance + command.amount
    } else if (command.type === 'withdraw' && balance >= command.amount) {
      type = 'Withdrawn'
      balances[account] = balance - command.amount
    }
    logs[account]?.push(`${options.commandId} ${type}`)
  }
  return logs
}

async function startWorker(address: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [script, address], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

/** Resolves when a worker has answered all that was delivered: what the killed ones left half done is finished. */
async function settled({ store }: Runtime): Promise<void> {
  for (;;) {
    const { status, inFlight, waiting } = await store.groups.info({ name: 'reenact:account' })
    if (status === 'live' && inFlight + waiting === 0) return
    await pause(20)
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Takes deliveries from the workers for a while and gives them back: they come again, later and in another order. */
async function shuffle({ store }: Runtime): Promise<void> {
  const consumer = await store.groups.consume({ name: 'reenact:account' }, { inFlightMax: 16 })
  setTimeout(() => consumer.close(), 200)
  for await (const deliveries of consumer) {
    const ids = deliveries.map(({ event }) => event.id).sort()
    await pause(5)
    await consumer.nack(ids, 'retry').catch(() => {})
  }
}

describe('workers through the server', function () {
  // Fifty commands a second are enough: what is asked here is not how fast it is.
  this.timeout(120_000 + count * 25)
  const folder = temporaryFolder()
  const file = `file:${join(folder, 'shared.db')}`
  const server = serverProcess()
  const workers = new Set<ChildProcess>()
  let posting = true
  let poster: Runtime | undefined
  after(async () => {
    await poster?.close({ graceMs: 1_000 })
    await Promise.all([...workers].map(kill))
    await server.kill()
  })

  /** Kills or stops some worker, until everything is posted. */
  async function disturb(address: string): Promise<void> {
    while (posting) {
      await pause(Math.random() * Math.min(5_000, count))
      const victim = [...workers][Math.floor(Math.random() * workers.size)] as ChildProcess
      if (Math.random() < 0.5) {
        victim.kill('SIGSTOP')
        await pause(Math.random() * stopMs)
        victim.kill('SIGCONT')
      } else {
        workers.delete(victim)
        await kill(victim)
        workers.add(await startWorker(address))
      }
    }
  }

  async function post(runtime: Runtime): Promise<void> {
    for (let n = 0; n < count; n += chunk) {
      const size = Math.min(chunk, count - n)
      await runtime.postMany(
        Account,
        Array.from({ length: size }, (_, at) => item(n + at)),
      )
      // Some of all so far once more, in any order.
      const again = () => item(Math.floor(Math.random() * (n + size)))
      await runtime.postMany(Account, Array.from({ length: size / 10 }, again))
      if (n % (20 * chunk) === 0) await shuffle(runtime)
    }
    posting = false
  }

  async function handled(runtime: Runtime): Promise<void> {
    const last = Array.from({ length: accounts }, (_, account) => {
      const rows = Math.floor((count / row - 1 - account) / accounts)
      return item((account + rows * accounts) * row + row - 1)
    })
    const settled = last.map(({ id, options }) =>
      runtime.outcome(Account, id, options.commandId, { timeoutMs: 60_000 + count * 20 }).then(
        () => undefined,
        (error: { code?: unknown }) => error.code,
      ),
    )
    for (const code of await Promise.all(settled)) {
      expect(code).to.be.oneOf([undefined, 'CommandParked'])
    }
  }

  it(`killed, stopped and confused, handle ${count} commands of ${accounts} accounts once each, in order`, async () => {
    const address = await server.start(file)
    const started = await Promise.all([1, 2, 3].map(() => startWorker(address)))
    for (const worker of started) workers.add(worker)
    const runtime = await createRuntime({ store: address, actors: [Account] })
    poster = runtime
    await Promise.all([post(runtime), disturb(address)])
    await handled(runtime)
    await Promise.all([...workers].map(kill))
    await runtime.close()
    await server.stop()

    const opened = await createRuntime({ store: file, actors: [Account] })
    opened.work()
    await settled(opened)
    const letters: DeadLetter[] = []
    for await (const letter of opened.deadLetters.list()) letters.push(letter)
    // Killed while it was alone in hand, again and again: parked, and then it is not in the log.
    const parked = new Set(letters.map(({ commandId }) => commandId))
    expect(parked.size).to.equal(letters.length)
    const expected = expectedLogs(parked)
    for (let account = 0; account < accounts; account += 1) {
      const history = await opened.actor(Account, `a${account}`).history()
      const own = history.filter(({ commandId }) => !commandId?.endsWith(' parked'))
      const log = own.map(({ commandId, event }) => `${commandId} ${event.type}`)
      expect(log).to.deep.equal(expected[account])
      expect((await opened.actor(Account, `a${account}`).verify()).ok).to.equal(true)
    }
    // What was parked is retried: then nothing is missing, and all money is there.
    for (const { id, actorId, commandId } of letters) {
      await opened.deadLetters.retry(id, { by: 'test', reason: 'nothing kills it any more' })
      await opened.outcome(Account, actorId, commandId)
    }
    let total = 0
    for (let account = 0; account < accounts; account += 1) {
      total += (await opened.actor(Account, `a${account}`).state()).context.balance
    }
    const moved = Array.from({ length: count }, (_, n) => commandOf(n))
    const paid = (type: string) =>
      moved.reduce((sum, one) => {
        const amount = 'amount' in one && one.type === type ? one.amount : 0
        return sum + (amount > paidIn ? 0 : amount)
      }, 0)
    expect(total).to.equal(paid('deposit') - paid('withdraw'))
    await opened.close()
  })
})

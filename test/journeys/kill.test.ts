// kill -9 under load, again and again on one file: what was acknowledged is there exactly once, in order.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { createRuntime, type Runtime } from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'

const cycles = Number(process.env['REENACT_KILLS'] ?? 4)
const worker = fileURLToPath(new URL('../../dist/test/journeys/kill-worker.js', import.meta.url))

interface Acknowledged {
  readonly cycle: number
  readonly account: string
  readonly number: number
  readonly revision: number
}

/** Runs the worker and kills it at a random moment after its first answers. */
async function runAndKill(file: string, cycle: number): Promise<Acknowledged[]> {
  const child = spawn(process.execPath, [worker, file, String(cycle)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk
  })
  const ended = once(child, 'exit')
  const killAt = 1 + Math.floor(Math.random() * 3_000)
  const acknowledged: Acknowledged[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    const parts = line.split(' ')
    // SIGKILL may cut the last line anywhere.
    if (parts.length !== 3) continue
    const [account = '', number, revision] = parts
    acknowledged.push({ cycle, account, number: Number(number), revision: Number(revision) })
    if (acknowledged.length === killAt) child.kill('SIGKILL')
  }
  const [code, signal] = await ended
  expect([code, signal], errors).to.deep.equal([null, 'SIGKILL'])
  // The last line may have lost digits: it says less than what was acknowledged, so it is left out.
  return acknowledged.slice(0, -1)
}

async function checkAccount(runtime: Runtime, account: string, acks: readonly Acknowledged[]) {
  const actor = runtime.actor(Account, `a${account}`)
  const history = await actor.history()
  const places = new Map<string, number>()
  for (const { commandId = '', revision } of history) {
    expect(places.has(commandId), `${commandId} is there twice`).to.equal(false)
    places.set(commandId, revision)
  }
  for (const { cycle, number, revision } of acks) {
    expect(places.get(`${cycle}-${account}-${number}`), `${cycle}-${account}-${number}`).to.equal(
      revision,
    )
  }
  // Within one life of the process commands are applied in the order they were sent.
  const lastNumber = new Map<string, number>()
  for (const commandId of places.keys()) {
    const [cycle = '', , number] = commandId.split('-')
    if (cycle === 'open') continue
    expect(Number(number)).to.equal((lastNumber.get(cycle) ?? 0) + 1)
    lastNumber.set(cycle, Number(number))
  }
  const deposits = history.filter(({ event }) => event.type === 'Deposited').length
  expect((await actor.state()).context.balance).to.equal(deposits)
  const { ok, verified, problems } = await actor.verify()
  expect(problems).to.deep.equal([])
  expect({ ok, verified }).to.deep.equal({ ok: true, verified: history.length })
}

describe('kill -9', () => {
  it(`loses and doubles nothing in ${cycles} lives of a process`, async function () {
    this.timeout(60_000 + cycles * 10_000)
    const folder = mkdtempSync(join(tmpdir(), 'reenact-kill-'))
    try {
      const file = join(folder, 'kill.db')
      const acks: Acknowledged[] = []
      for (let cycle = 0; cycle < cycles; cycle += 1) acks.push(...(await runAndKill(file, cycle)))
      const runtime = await createRuntime({ store: `file:${file}`, actors: [Account] })
      for (let account = 0; account < 16; account += 1) {
        const own = acks.filter((ack) => ack.account === String(account))
        await checkAccount(runtime, String(account), own)
      }
      await runtime.close()
      expect(acks.length, 'commands acknowledged').to.be.greaterThan(cycles)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

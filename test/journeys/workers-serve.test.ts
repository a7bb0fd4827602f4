// Workers in processes of their own on one file, through the server: killed and stopped at random, they share the work.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { createRuntime } from '../../runtime/index.ts'
import { Counter } from '../fixtures/counter.ts'
import { serverProcess } from '../server/support/server-process.ts'

const rounds = Number(process.env['REENACT_WORKER_KILLS'] ?? 2)
const count = rounds * 200
const actors = 20
const script = fileURLToPath(new URL('../../dist/test/journeys/command-worker.js', import.meta.url))

async function startWorker(address: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [script, address], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

describe('workers through the server', function () {
  this.timeout(rounds * 60_000)
  const folder = mkdtempSync(join(tmpdir(), 'reenact-serve-workers-'))
  const server = serverProcess()
  const workers: ChildProcess[] = []
  after(async () => {
    await Promise.all(workers.map(kill))
    await server.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  it(`share ${count} commands while they are killed and stopped: each has one outcome, in order`, async () => {
    const address = await server.start(`file:${join(folder, 'shared.db')}`)
    for (let n = 0; n < 3; n += 1) workers.push(await startWorker(address))
    const runtime = await createRuntime({ store: address, actors: [Counter] })
    const item = (n: number) => ({
      id: `a${n % actors}`,
      command: { type: 'add' as const, n },
      options: { commandId: `number ${n}` },
    })
    const share = count / rounds
    for (let round = 0; round < rounds; round += 1) {
      const numbers = Array.from({ length: share }, (_, at) => round * share + at)
      await runtime.postMany(Counter, numbers.map(item))
      // Some of them once more, out of order.
      await runtime.postMany(Counter, numbers.slice(0, 20).reverse().map(item))
      const victim = workers.shift() as ChildProcess
      if (round % 2 === 0) await kill(victim)
      else {
        victim.kill('SIGSTOP')
        setTimeout(() => victim.kill('SIGCONT'), 3_000)
      }
      workers.push(round % 2 === 0 ? await startWorker(address) : victim)
    }
    const last = Array.from({ length: actors }, (_, at) => item(count - actors + at))
    await Promise.all(
      last.map(({ id, options }) =>
        runtime.outcome(Counter, id, options.commandId, { timeoutMs: rounds * 50_000 }),
      ),
    )
    for (let actor = 0; actor < actors; actor += 1) {
      const counter = runtime.actor(Counter, `a${actor}`)
      const history = await counter.history()
      const own = history.flatMap(({ event }) => (event.type === 'Added' ? [event.n] : []))
      expect(own).to.deep.equal(
        Array.from({ length: count / actors }, (_, at) => actor + at * actors),
      )
      expect((await counter.verify()).ok).to.equal(true)
    }
    await runtime.close()
  })
})

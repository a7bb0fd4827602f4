// Workers that are killed, stopped and ended by a command: each command has one outcome all the same, in order.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { createRuntime, type DeadLetter } from '../../runtime/index.ts'
import { Counter } from '../fixtures/counter.ts'

const lives = Number(process.env['REENACT_WORKER_KILLS'] ?? 3)
const count = lives * 500
const actors = Math.min(1_000, lives * 10)
const worker = fileURLToPath(new URL('../../dist/test/journeys/command-worker.js', import.meta.url))

interface Life {
  /** The last number it said to have posted. */
  readonly posted: number
  readonly end: 'done' | 'killed' | 'left'
}

/** One life of the worker's process. `disturb` may do to it what it likes, at every line. */
async function live(
  file: string,
  options: { first: number; deadly?: number; disturb?(child: ChildProcess, lines: number): void },
): Promise<Life> {
  const { first, deadly = -1, disturb } = options
  const args = [`file:${file}`, first, count, actors, deadly].map(String)
  const child = spawn(process.execPath, [worker, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  let posted = first
  let lines = 0
  let done = false
  for await (const line of createInterface({ input: child.stdout })) {
    lines += 1
    if (line === 'done') done = true
    // SIGKILL may cut a line.
    else if (Number(line) > posted && Number(line) <= count) posted = Number(line)
    disturb?.(child, lines)
  }
  const [code, signal] = await ended
  if (!done)
    expect([code, signal]).to.be.deep.oneOf([
      [null, 'SIGKILL'],
      [7, null],
    ])
  return { posted, end: done ? 'done' : signal === 'SIGKILL' ? 'killed' : 'left' }
}

/** What is in the file: per actor the numbers in their order, and the dead letters. */
async function inspect(file: string) {
  const runtime = await createRuntime({ store: `file:${file}`, actors: [Counter] })
  const numbers: number[][] = []
  for (let actor = 0; actor < actors; actor += 1) {
    const counter = runtime.actor(Counter, `a${actor}`)
    const history = await counter.history()
    const own = history.flatMap(({ event }) => (event.type === 'Added' ? [event.n] : []))
    const { sum } = (await counter.state()).context
    expect(sum).to.equal(own.reduce((total, n) => total + n, 0))
    const { ok, problems } = await counter.verify()
    expect(ok, JSON.stringify(problems)).to.equal(true)
    numbers.push(own)
  }
  const letters: DeadLetter[] = []
  for await (const letter of runtime.deadLetters.list()) letters.push(letter)
  await runtime.close()
  return { numbers, letters }
}

const expected = (without: readonly number[] = []): number[][] =>
  Array.from({ length: actors }, (_, actor) =>
    Array.from(
      { length: Math.ceil((count - actor) / actors) },
      (_, at) => actor + at * actors,
    ).filter((n) => !without.includes(n)),
  )

describe('workers', function () {
  this.timeout(60_000 + lives * 20_000)
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'reenact-worker-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it(`killed ${lives} times, handle each of ${count} commands once, in order`, async () => {
    const file = join(folder, 'kill.db')
    let first = 0
    for (let life = 0; life < lives; life += 1) {
      const killAt = 1 + Math.floor(Math.random() * ((2 * count) / lives / 50))
      const disturb = (child: ChildProcess, lines: number) => {
        if (lines >= killAt) child.kill('SIGKILL')
      }
      // What the last life posted may be posted again: it may not have heard that it was written.
      first = Math.max(0, (await live(file, { first, disturb })).posted - 100)
    }
    expect((await live(file, { first })).end).to.equal('done')
    const { numbers, letters } = await inspect(file)
    // A process that is killed while it has a suspect alone in hand cannot know that it was not the command: that
    // one may be parked. Whatever became of it, it is one of the two.
    for (const { failure, attempts } of letters) {
      expect([failure, attempts]).to.deep.equal(['poison', 3])
    }
    const parked = letters.map(({ commandId }) => Number(commandId.replace('number ', '')))
    expect(new Set(parked).size).to.equal(parked.length)
    expect(numbers).to.deep.equal(expected(parked))
  })

  it('stopped for a while, go on where they were', async () => {
    const file = join(folder, 'stop.db')
    const disturb = (child: ChildProcess, lines: number) => {
      if (lines % 20 !== 10) return
      child.kill('SIGSTOP')
      setTimeout(() => child.kill('SIGCONT'), 50)
    }
    expect((await live(file, { first: 0, disturb })).end).to.equal('done')
    expect((await inspect(file)).numbers).to.deep.equal(expected())
  })

  it('ended by a command again and again, park it and handle all others', async () => {
    const file = join(folder, 'exit.db')
    const deadly = Math.floor(count / 3)
    const ends: string[] = []
    for (let first = 0; ends.at(-1) !== 'done' && ends.length < 10; ) {
      const { posted, end } = await live(file, { first, deadly })
      ends.push(end)
      first = Math.max(0, posted - 100)
    }
    expect(ends).to.deep.equal(['left', 'left', 'left', 'done'])
    const { numbers, letters } = await inspect(file)
    expect(
      letters.map(({ commandId, attempts, failure }) => [commandId, attempts, failure]),
    ).to.deep.equal([[`number ${deadly}`, 3, 'poison']])
    expect(numbers).to.deep.equal(expected([deadly]))
  })
})

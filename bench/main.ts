// `npm run bench`: one table; Reenact beside what limits it and, with --peers, beside other libraries.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Row, Side } from './measure.ts'
import { installPeers } from './peers.ts'
import { rows } from './rows.ts'
import type { SideAnswer, SideRequest } from './side.ts'
import { printTable, resultOf } from './table.ts'

const help = `npm run bench -- [options]

  --only TEXT       only rows whose title has this text; may be repeated (REENACT_BENCH_ONLY)
  --rounds N        rounds, of which the medians count (3, REENACT_BENCH_ROUNDS)
  --scale X         multiplies how much is done (1, REENACT_BENCH_SCALE)
  --peers           compare with other libraries too: they are installed into a temporary folder
  --peers-in DIR    the same; they are installed there and stay for the next time
  --list            the titles of all rows`

const { env } = process
const { values: options } = parseArgs({
  options: {
    only: {
      type: 'string',
      multiple: true,
      default: env['REENACT_BENCH_ONLY'] ? [env['REENACT_BENCH_ONLY']] : [''],
    },
    rounds: { type: 'string', default: env['REENACT_BENCH_ROUNDS'] ?? '3' },
    scale: { type: 'string', default: env['REENACT_BENCH_SCALE'] ?? '1' },
    peers: { type: 'boolean', default: false },
    'peers-in': { type: 'string' },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

const results = fileURLToPath(new URL('../../bench/results', import.meta.url))
const sideFile = fileURLToPath(new URL('./side.js', import.meta.url))

let files = 0

/** Runs one side, or prepares a row, in a process of its own. */
async function run(request: SideRequest): Promise<SideAnswer> {
  const child = fork(sideFile, { execArgv: ['--expose-gc'] })
  const answered = once(child, 'message')
  const ended = once(child, 'exit').then(([code]): [SideAnswer] => [
    { peakMb: 0, error: `the process ended with ${code}` },
  ])
  child.send(request)
  const [answer]: [SideAnswer] = (await Promise.race([answered, ended])) as [SideAnswer]
  await ended
  const who = request.side < 0 ? 'preparation' : `side ${request.side}`
  if (answer.error) process.stderr.write(`${request.title}, ${who}: ${answer.error}\n`)
  return answer
}

async function measure(chosen: readonly Row[], folder: string, peers: string | undefined) {
  const rounds = Number(options.rounds)
  const context = () => {
    files += 1
    return { folder, file: join(folder, `file-${files}`), scale: Number(options.scale), peers }
  }
  const prepared = new Set<Row['prepare']>([undefined])
  for (const { title, prepare } of chosen) {
    if (prepared.has(prepare)) continue
    prepared.add(prepare)
    process.stderr.write(`preparing: ${title}\n`)
    await run({ title, side: -1, context: context() })
  }
  const answers = new Map<Side, SideAnswer[]>()
  for (let round = 1; round <= rounds; round += 1) {
    for (const { title, sides } of chosen) {
      process.stderr.write(`round ${round} of ${rounds}: ${title}\n`)
      for (const [at, side] of sides.entries()) {
        if (side.role === 'peer' && side.durability && !peers) continue
        const all = answers.get(side) ?? []
        const given = context()
        all.push(await run({ title, side: at, context: given }))
        for (const end of ['', '-wal', '-shm', '-lock']) rmSync(given.file + end, { force: true })
        answers.set(side, all)
      }
    }
  }
  return chosen.map((row) => resultOf(row, answers))
}

async function main(): Promise<void> {
  const chosen = rows.filter(({ title }) => options.only.some((text) => title.includes(text)))
  if (options.help) return console.log(help)
  if (options.list) return console.log(rows.map(({ title }) => title).join('\n'))
  const folder = mkdtempSync(join(tmpdir(), 'reenact-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  const peers = options['peers-in'] ?? (options.peers ? join(folder, 'peers') : undefined)
  if (peers !== undefined) installPeers(peers)
  const measured = await measure(chosen, folder, peers)
  printTable(measured, Number(options.rounds))
  mkdirSync(results, { recursive: true })
  const machine = { node: process.version, cpus: cpus().map(({ model }) => model) }
  const file = join(results, 'latest.json')
  const { rounds, scale } = options
  writeFileSync(file, `${JSON.stringify({ machine, rounds, scale, rows: measured }, null, 2)}\n`)
  console.log(`Also in ${file}`)
}

await main()

// `npm run bench`: one table, every figure beside the machine's limit measured in the same rounds.
//
// REENACT_BENCH_SCALE (default 1) shrinks or grows the loads, REENACT_BENCH_ROUNDS (default 3) the rounds.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { commandBenchmarks } from './commands.ts'
import { serverBenchmarks } from './eventstoredb.ts'
import { type Figure, print, rowOf } from './measure.ts'
import { memoryBenchmark } from './memory.ts'
import { activationBenchmark, replayBenchmark } from './replay.ts'

const scale = Number(process.env['REENACT_BENCH_SCALE'] ?? 1)
const rounds = Number(process.env['REENACT_BENCH_ROUNDS'] ?? 3)
const folder = mkdtempSync(join(tmpdir(), 'reenact-bench-'))
const results = fileURLToPath(new URL('../../bench/results', import.meta.url))

try {
  const comparisons = [
    ...commandBenchmarks(folder, scale),
    replayBenchmark(folder, Math.round(1_000_000 * scale)),
    activationBenchmark(folder),
    memoryBenchmark(folder, Math.max(1_000, Math.round(100_000 * scale))),
    ...serverBenchmarks(folder, scale),
  ]
  const measured = new Map<string, (readonly [Figure, Figure])[]>()
  for (let round = 1; round <= rounds; round += 1) {
    for (const comparison of comparisons) {
      process.stderr.write(`round ${round} of ${rounds}: ${comparison.title}\n`)
      const figures = measured.get(comparison.title) ?? []
      figures.push(await comparison.round())
      measured.set(comparison.title, figures)
    }
  }
  const rows = comparisons.map((comparison) =>
    rowOf(comparison, measured.get(comparison.title) ?? []),
  )
  print(rows, rounds)
  mkdirSync(results, { recursive: true })
  writeFileSync(
    join(results, 'latest.json'),
    `${JSON.stringify({ rounds, scale, rows }, null, 2)}\n`,
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}

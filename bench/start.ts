// How long the command takes to start and show its help, beside Node that does nothing.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Figure, median, type Row } from './measure.ts'

const cli = fileURLToPath(new URL('../runtime/cli/main.js', import.meta.url))
const starts = 15

function startMs(args: readonly string[]): Figure {
  const times = Array.from({ length: starts }, () => {
    const start = performance.now()
    const { status } = spawnSync(process.execPath, args)
    if (status !== 0) throw new Error(`node ${args.join(' ')} failed`)
    return performance.now() - start
  })
  return { value: median(times) }
}

export const startRows: readonly Row[] = [
  {
    title: 'start of the command, p50',
    unit: 'ms',
    sides: [
      { name: 'reenact --help', role: 'reenact', run: async () => startMs([cli, '--help']) },
      {
        name: 'bare node',
        role: 'limit',
        reach: { atMost: 1.3 },
        run: async () => startMs(['--eval', '']),
      },
    ],
  },
]

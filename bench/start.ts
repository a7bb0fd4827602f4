// How long the command takes to start and show its help, beside Node that does nothing.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { median, type Row } from './measure.ts'

const help = [fileURLToPath(new URL('../runtime/cli/main.js', import.meta.url)), '--help']
const nothing = ['--eval', '']
const starts = 15

function startMs(args: readonly string[]): number {
  const start = performance.now()
  const { status } = spawnSync(process.execPath, args)
  if (status !== 0) throw new Error(`node ${args.join(' ')} failed`)
  return performance.now() - start
}

/** Medians of both, taken in turns: what else the machine does hits both. */
function startsMs(): { readonly ours: number; readonly bare: number } {
  const pairs = Array.from({ length: starts }, () => [startMs(nothing), startMs(help)] as const)
  return { bare: median(pairs.map(([bare]) => bare)), ours: median(pairs.map(([, ours]) => ours)) }
}

export const startRows: readonly Row[] = [
  {
    title: 'start of the command, p50',
    unit: '× bare node',
    sides: [
      {
        name: 'reenact --help',
        role: 'reenact',
        reach: { atMost: 1.3 },
        run: async () => {
          const { ours, bare } = startsMs()
          return { value: ours / bare }
        },
      },
    ],
  },
]

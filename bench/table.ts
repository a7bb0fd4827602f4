// Results: medians of the rounds, ratios, and the table.

import { cpus } from 'node:os'
import { count as grouped, print, Table } from '../runtime/cli/output.ts'
import { median, type Reach, type Row, type Side } from './measure.ts'
import type { SideAnswer } from './side.ts'

/** What one side did in all rounds. */
export interface SideResult {
  readonly name: string
  readonly role: Side['role']
  readonly durability?: Side['durability']
  readonly values: readonly number[]
  readonly median: number
  /** CPU time of one operation, microseconds. */
  readonly cpuUs?: number
  readonly peakMb?: number
  /** Reenact's value divided by this one's. */
  readonly ratio?: number
  readonly reach?: Reach
  readonly reached?: boolean
}

/** A row with its sides. */
export interface RowResult {
  readonly title: string
  readonly unit: string
  readonly sides: readonly SideResult[]
}

const within = (
  value: number,
  { atLeast = 0, atMost = Number.POSITIVE_INFINITY }: Reach,
): boolean => value >= atLeast && value <= atMost

/** Medians and ratios. `answers` has those of each side, round by round. */
export function resultOf(
  { title, unit, sides }: Row,
  answers: ReadonlyMap<Side, readonly SideAnswer[]>,
): RowResult {
  let ours: number | undefined
  const results = sides.flatMap((side): SideResult[] => {
    const measured = answers
      .get(side)
      ?.flatMap(({ figure, peakMb }) => (figure ? [{ ...figure, peakMb }] : []))
    if (measured === undefined) return []
    const { name, role, durability, reach } = side
    const values = measured.map(({ value }) => value)
    const middle = median(values)
    if (role === 'reenact') ours ??= middle
    const ratio = role === 'reenact' || ours === undefined ? undefined : ours / middle
    const cpu = measured.flatMap(({ cpuUs }) => (cpuUs === undefined ? [] : [cpuUs]))
    return [
      {
        name,
        role,
        ...(durability && { durability }),
        values,
        median: middle,
        ...(cpu.length > 0 && { cpuUs: median(cpu) }),
        ...(measured.length > 0 && { peakMb: median(measured.map(({ peakMb }) => peakMb)) }),
        ...(ratio !== undefined && { ratio }),
        ...(reach && { reach, reached: within(ratio ?? middle, reach) }),
      },
    ]
  })
  return { title, unit, sides: results }
}

/** Three digits that matter. */
const number = (value: number): string => {
  if (Number.isNaN(value)) return 'failed'
  if (value < 100) return value.toPrecision(3)
  const step = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 2)
  return grouped(Math.round(value / step) * step)
}

const reachText = ({ reach, reached }: SideResult): string => {
  if (!reach) return ''
  const goal =
    reach.atLeast === undefined ? `≤ ${goalText(reach.atMost)}` : `≥ ${goalText(reach.atLeast)}`
  return `${goal} ${reached ? 'reached' : 'missed'}`
}

const goalText = (value = 0): string => grouped(value)

/** Prints the table. */
export function printTable(rows: readonly RowResult[], rounds: number): void {
  const table = new Table([
    { title: 'what' },
    { title: 'who' },
    { title: 'when answered' },
    { title: 'median', alignRight: true },
    { title: 'unit' },
    { title: 'CPU µs', alignRight: true },
    { title: 'MB', alignRight: true },
    { title: 'Reenact is', alignRight: true },
    { title: 'reach' },
  ])
  const safe = { fsync: 'on disk', memory: 'in memory' }
  const cells = rows.flatMap(({ title, unit, sides }) =>
    sides.map((side, at) => [
      at === 0 ? title : '',
      `${side.role === 'reenact' ? '' : `${side.role}: `}${side.name}`,
      side.durability ? safe[side.durability] : '',
      number(side.median),
      unit,
      side.cpuUs === undefined ? '' : number(side.cpuUs),
      side.peakMb === undefined ? '' : String(Math.round(side.peakMb)),
      side.ratio === undefined || Number.isNaN(side.ratio) ? '' : `${number(side.ratio)} ×`,
      reachText(side),
    ]),
  )
  const [cpu] = cpus()
  print([
    ...table.lines(cells),
    '',
    `Medians of ${rounds} interleaved rounds, each side in a process of its own. Node ${process.version}, ${cpus().length} × ${cpu?.model.trim()}.`,
    "'Reenact is': the first line of the row divided by this one. MB: peak memory of the whole process.",
  ])
}

// Rounds, medians and the table.

import { cpus } from 'node:os'

/** One figure of one round. */
export interface Figure {
  readonly name: string
  readonly unit: string
  readonly value: number
  /** CPU time of this process for each operation, microseconds. */
  readonly cpuUs?: number
}

/** What is compared: Reenact's figure and the machine's limit, measured beside it in every round. */
export interface Comparison {
  readonly title: string
  /** Lower figures are better, such as times and sizes. */
  readonly lower?: boolean
  /** The figure one reaches for, of Reenact and as a part of the limit. */
  readonly goal: string
  /** Runs both once and answers [ours, limit]. */
  round(): Promise<readonly [Figure, Figure]>
}

/** Operations a second and CPU time of `count` operations. */
export async function rate(
  name: string,
  unit: string,
  count: number,
  run: () => Promise<void> | void,
): Promise<Figure> {
  globalThis.gc?.()
  const cpu = process.cpuUsage()
  const start = performance.now()
  await run()
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return { name, unit, value: count / seconds, cpuUs: (user + system) / count }
}

/** The middle value. */
export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

/** A row of results. */
export interface Row {
  readonly title: string
  readonly ours: Figure
  readonly limit: Figure
  /** How much of the limit is reached; for sizes and times how many times the limit. */
  readonly ratio: number
  readonly goal: string
}

/** Medians of all rounds of one comparison. */
export function rowOf(comparison: Comparison, rounds: readonly (readonly [Figure, Figure])[]): Row {
  const medianOf = (side: 0 | 1): Figure => {
    const figures = rounds.map((round) => round[side])
    const cpu = figures.flatMap(({ cpuUs }) => (cpuUs === undefined ? [] : [cpuUs]))
    const value = median(figures.map((figure) => figure.value))
    return { ...(figures[0] as Figure), value, ...(cpu.length > 0 ? { cpuUs: median(cpu) } : {}) }
  }
  const ours = medianOf(0)
  const limit = medianOf(1)
  const { title, goal } = comparison
  return { title, ours, limit, ratio: ours.value / limit.value, goal }
}

const number = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)

/** Aligned columns. */
export function print(rows: readonly Row[], rounds: number): void {
  const head = ['what', 'Reenact', 'unit', 'CPU µs', 'limit', 'limit is', 'ratio', 'reach for']
  const cells = rows.map(({ title, ours, limit, ratio, goal }) => [
    title,
    number(ours.value),
    ours.unit,
    ours.cpuUs === undefined ? '' : number(ours.cpuUs),
    number(limit.value),
    limit.name,
    ratio.toFixed(2),
    goal,
  ])
  const right = new Set([1, 3, 4, 6])
  const widths = head.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)),
  )
  for (const row of [head, ...cells]) {
    const line = row.map((cell, column) =>
      right.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
    )
    process.stdout.write(`${line.join('  ').trimEnd()}\n`)
  }
  const [cpu] = cpus()
  process.stdout.write(
    `\nMedians of ${rounds} interleaved rounds. Node ${process.version}, ${cpus().length} × ${cpu?.model.trim()}.\n`,
  )
}

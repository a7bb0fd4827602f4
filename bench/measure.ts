// What is measured, and with what.

/** One measurement. */
export interface Figure {
  readonly value: number
  /** CPU time of the process for each operation, microseconds. */
  readonly cpuUs?: number
}

/** What a value is held against: Reenact's own where the side is Reenact, else Reenact's share of the side's. */
export interface Reach {
  readonly atLeast?: number
  readonly atMost?: number
}

/** Where a side runs. */
export interface BenchContext {
  /** Holds what the rows prepared; shared by all rounds. */
  readonly folder: string
  /** A path nobody used. */
  readonly file: string
  /** Multiplies how much is done. */
  readonly scale: number
  /** Folder the peers are installed in. */
  readonly peers: string | undefined
}

/** One of those who do the same work in a row. */
export interface Side {
  readonly name: string
  /** `limit`: what the machine allows; `peer`: another library. */
  readonly role: 'reenact' | 'limit' | 'peer'
  /** What a command's answer means: it is on disk, or it is in memory. Left out where nothing is stored. */
  readonly durability?: 'fsync' | 'memory'
  readonly reach?: Reach
  run(context: BenchContext): Promise<Figure>
}

/** The same work done by Reenact, by what limits it and by others. The first side is Reenact's. */
export interface Row {
  readonly title: string
  readonly unit: string
  /** Done once, before the first round. */
  prepare?(context: BenchContext): Promise<void>
  readonly sides: readonly Side[]
}

/** Operations a second, and their CPU time. */
export async function rate(count: number, run: () => Promise<void> | void): Promise<Figure> {
  globalThis.gc?.()
  const cpu = process.cpuUsage()
  const start = performance.now()
  await run()
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return { value: count / seconds, cpuUs: (user + system) / count }
}

/** Runs until the compiler has done its work, then measures. */
export async function warmRate(count: number, run: (count: number) => void): Promise<Figure> {
  for (let round = 0; round < 3; round += 1) run(Math.ceil(count / 10))
  return rate(count, () => run(count))
}

/** The middle value. */
export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

/** `count` of something, multiplied. */
export const scaled = (count: number, { scale }: BenchContext): number =>
  Math.max(1, Math.round(count * scale))

// What commands print: lines, tables, numbers and times.

import pc from 'picocolors'

/** Colours on a terminal, unless NO_COLOR is set. */
export const colors = pc.createColors(
  pc.isColorSupported && (process.stdout.isTTY === true || 'FORCE_COLOR' in process.env),
)

/** Prints lines to standard output. */
export function print(lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`)
}

/** Says something beside the answer, on standard error. */
export const say = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

/** `1234567` is `1,234,567`. */
export const count = (value: number): string => value.toLocaleString('en-US')

/** `1 event`, `2 events`. */
export const counted = (value: number, noun: string): string =>
  `${count(value)} ${noun}${value === 1 ? '' : 's'}`

/** ISO 8601. */
export const timeText = (time: number): string => new Date(time).toISOString()

/** Names and data come from anywhere: a terminal must not obey them. */
export const printable = (text: string): string =>
  text.replace(
    /\p{Cc}/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** A column of a {@link Table}. */
export interface Column {
  readonly title: string
  /** For numbers. Default: to the left. */
  readonly alignRight?: boolean
}

/**
 * A table that is printed piece by piece. Columns only grow, so what is on the screen stays aligned. On a terminal
 * a row takes one line.
 */
export class Table {
  readonly #columns: readonly Column[]
  readonly #widths: number[]
  #hasHead = false

  constructor(columns: readonly Column[]) {
    this.#columns = columns
    this.#widths = columns.map(({ title }) => title.length)
  }

  /** The lines of further rows, after the heading the first time. */
  lines(rows: readonly (readonly string[])[]): readonly string[] {
    const cells = rows.map((row) => row.map(printable))
    for (const [column, width] of this.#widths.entries()) {
      this.#widths[column] = cells.reduce(
        (widest, row) => Math.max(widest, (row[column] ?? '').length),
        width,
      )
    }
    const lines = cells.map((row) => this.#line(row))
    if (this.#hasHead) return lines
    this.#hasHead = true
    return [colors.dim(this.#line(this.#columns.map(({ title }) => title))), ...lines]
  }

  #line(cells: readonly string[]): string {
    const line = this.#columns
      .map(({ alignRight }, column) => {
        const [cell = '', width = 0] = [cells[column], this.#widths[column]]
        return alignRight ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd()
    const { isTTY, columns } = process.stdout
    return isTTY && line.length > columns ? `${line.slice(0, columns - 1)}…` : line
  }
}

// Aligned text for a terminal.

import pc from 'picocolors'

/** How a column is laid out. */
export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** Colours a cell; applied after padding, so that it cannot disturb the alignment. */
  readonly paint?: (text: string) => string
}

const gap = '  '

/** Lines of a table with a heading. Cells have no colour of their own. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const widths = columns.map(({ title }, index) =>
    rows.reduce((width, row) => Math.max(width, (row[index] ?? '').length), title.length),
  )
  const line = (cells: readonly string[], paintOf: (column: Column) => Column['paint']): string =>
    columns
      .map((column, index) => {
        const cell = cells[index] ?? ''
        const width = widths[index] ?? 0
        const padded = column.align === 'right' ? cell.padStart(width) : cell.padEnd(width)
        // No spaces at the end of a line.
        const text = index === columns.length - 1 ? padded.trimEnd() : padded
        return paintOf(column)?.(text) ?? text
      })
      .join(gap)
      .trimEnd()
  return [
    line(
      columns.map(({ title }) => title),
      () => pc.dim,
    ),
    ...rows.map((row) => line(row, ({ paint }) => paint)),
  ]
}

/** A horizontal bar; anything above zero is seen. */
export const bar = (share: number, width = 30): string =>
  '█'.repeat(share > 0 ? Math.max(1, Math.round(share * width)) : 0)

/** `65533` is `65,533`. */
export const count = (value: number): string => value.toLocaleString('en-US')

/** ISO 8601 to the second. */
export const timeText = (time: number | Date): string =>
  new Date(time).toISOString().replace(/\.\d+Z$/, 'Z')

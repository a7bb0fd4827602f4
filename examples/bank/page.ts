// How the demo looks: headings, sentences and aligned tables. Colour only on a terminal that wants it.

import pc from 'picocolors'

/** A numbered heading. */
export const heading = (number: number, text: string): void => {
  process.stdout.write(`\n${pc.bold(pc.cyan(`${number}`))} ${pc.bold(text)}\n`)
}

/** A sentence, or a line of a result. */
export const line = (text: string): void => {
  process.stdout.write(`  ${text}\n`)
}

export const good = (text: string): string => pc.green(text)
export const bad = (text: string): string => pc.red(text)
export const faint = (text: string): string => pc.dim(text)

/** A table with a head; columns of numbers are aligned to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const isNumeric = head.map((_, column) =>
    rows.every((row) => /^[+-]?[\d,. ]*$/.test(row[column] ?? '')),
  )
  const format = (row: readonly string[]): string =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return isNumeric[column] ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  line(faint(format(head)))
  for (const row of rows) line(format(row))
}

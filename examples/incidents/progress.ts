// How far a long work has come: a bar on a terminal, a plain line now and then elsewhere.

import { Presets, SingleBar } from 'cli-progress'
import { count } from './table.ts'

/** Shows progress on standard error. */
export interface Progress {
  /** @param share - of what is to be read, 0 to 1 */
  update(share: number, read: number): void
  /** Prints a line without disturbing the bar. */
  say(text: string): void
  /** Takes the bar away. */
  stop(): void
}

const plainEveryMs = 3000

/** The right one for where standard error goes. */
export const startProgress = (unit = 'lines'): Progress =>
  process.stderr.isTTY ? barProgress(unit) : plainProgress(unit)

function barProgress(unit: string): Progress {
  const shown = new SingleBar(
    {
      format: `{bar} {percentage} %  {read} ${unit}  {duration_formatted}`,
      hideCursor: true,
      clearOnComplete: true,
      // Ctrl-C belongs to the import, which has something to finish.
      gracefulExit: false,
    },
    Presets.shades_classic,
  )
  shown.start(1, 0, { read: '0' })
  return {
    update: (share, read) => shown.update(share, { read: count(read) }),
    say: (text) => {
      process.stderr.write(`\r\u001b[K${text}\n`)
      shown.render()
    },
    stop: () => shown.stop(),
  }
}

function plainProgress(unit: string): Progress {
  let shownMs = performance.now()
  return {
    update: (share, read) => {
      const nowMs = performance.now()
      if (nowMs - shownMs < plainEveryMs) return
      shownMs = nowMs
      process.stderr.write(`${Math.round(share * 100)} %, ${count(read)} ${unit}\n`)
    },
    say: (text) => process.stderr.write(`${text}\n`),
    stop: () => {},
  }
}

// How far an import has come: a bar on a terminal, a plain line now and then elsewhere.

import { Presets, SingleBar } from 'cli-progress'
import { count } from './table.ts'

/** Shows progress on standard error. */
export interface Progress {
  /** @param share - of the file that was read, 0 to 1 */
  update(share: number, lines: number): void
  /** Prints a line without disturbing the bar. */
  say(text: string): void
  /** Takes the bar away. */
  stop(): void
}

const plainEveryMs = 3000

/** The right one for where standard error goes. */
export const startProgress = (): Progress =>
  process.stderr.isTTY ? barProgress() : plainProgress()

function barProgress(): Progress {
  const shown = new SingleBar(
    {
      format: '{bar} {percentage} %  {lines} lines  {duration_formatted}',
      hideCursor: true,
      clearOnComplete: true,
      // Ctrl-C belongs to the import, which has something to finish.
      gracefulExit: false,
    },
    Presets.shades_classic,
  )
  shown.start(1, 0, { lines: '0' })
  return {
    update: (share, lines) => shown.update(share, { lines: count(lines) }),
    say: (text) => {
      process.stderr.write(`\r\u001b[K${text}\n`)
      shown.render()
    },
    stop: () => shown.stop(),
  }
}

function plainProgress(): Progress {
  let shownMs = performance.now()
  return {
    update: (share, lines) => {
      const nowMs = performance.now()
      if (nowMs - shownMs < plainEveryMs) return
      shownMs = nowMs
      process.stderr.write(`${Math.round(share * 100)} %, ${count(lines)} lines\n`)
    },
    say: (text) => process.stderr.write(`${text}\n`),
    stop: () => {},
  }
}

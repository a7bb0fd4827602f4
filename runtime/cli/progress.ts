// How far long work has come: a bar on a terminal, a plain line now and then elsewhere.

import { Presets, SingleBar } from 'cli-progress'
import type { Clock } from '../core/clock.ts'
import { count, say } from './output.ts'

/** Shows progress on standard error. */
export interface Progress {
  update(done: number): void
  /** Takes the bar away. */
  stop(): void
}

const linesEveryMs = 3_000

/** Progress of `total` things, which are named by `noun`. */
export function startProgress(total: number, noun: string, clock: Clock): Progress {
  if (!process.stderr.isTTY) {
    let lastMs = clock.monotonic()
    return {
      update: (done) => {
        if (clock.monotonic() - lastMs < linesEveryMs) return
        lastMs = clock.monotonic()
        const percent = Math.floor((done / Math.max(1, total)) * 100)
        say(`${percent} %, ${count(done)} of ${count(total)} ${noun}`)
      },
      stop: () => {},
    }
  }
  const format = `{bar} {percentage} %  {done} of ${count(total)} ${noun}  {eta_formatted} left`
  const bar = new SingleBar({ format, hideCursor: true, clearOnComplete: true }, Presets.rect)
  bar.start(total, 0, { done: '0' })
  return {
    update: (done) => bar.update(done, { done: count(done) }),
    stop: () => bar.stop(),
  }
}

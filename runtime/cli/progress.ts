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
  const startedMs = clock.monotonic()
  let first: number | undefined
  /** The rate since the beginning, and the time left at it. */
  const pace = (done: number): string => {
    first ??= done
    const perSecond = ((done - first) / Math.max(1, clock.monotonic() - startedMs)) * 1_000
    if (perSecond <= 0) return ''
    const leftS = Math.ceil(Math.max(0, total - done) / perSecond)
    return `${count(Math.round(perSecond))}/s  ${duration(leftS)} left`
  }
  if (!process.stderr.isTTY) {
    let lastMs = startedMs
    return {
      update: (done) => {
        first ??= done
        if (clock.monotonic() - lastMs < linesEveryMs) return
        lastMs = clock.monotonic()
        const percent = Math.floor((done / Math.max(1, total)) * 100)
        say(`${percent} %  ${count(done)} of ${count(total)} ${noun}  ${pace(done)}`.trimEnd())
      },
      stop: () => {},
    }
  }
  const format = `{bar} {percentage} %  {done} of ${count(total)} ${noun}  {pace}`
  const bar = new SingleBar({ format, hideCursor: true, clearOnComplete: true }, Presets.rect)
  bar.start(total, 0, { done: '0', pace: '' })
  return {
    update: (done) => bar.update(done, { done: count(done), pace: pace(done) }),
    stop: () => bar.stop(),
  }
}

// The library has one too, which an ES module cannot import by name.
const duration = (seconds: number): string => {
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
  const from = parts.findIndex((part) => part > 0)
  const units = ['h', 'min', 's']
  return from < 0
    ? '0 s'
    : parts
        .map((part, at) => `${part} ${units[at]}`)
        .slice(from, from + 2)
        .join(' ')
}

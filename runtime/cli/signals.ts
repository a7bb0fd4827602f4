// How a command that runs until it is told to stop is told so.

import { constants } from 'node:os'
import { systemPorts } from '../core/clock.ts'

// Ctrl+C reaches every process of the terminal, and npx passes it on once more.
const sameMs = 250

/** Aborts at the first SIGTERM or SIGINT. A second one ends the process at once. */
export function untilSignal(): AbortSignal {
  const { clock } = systemPorts
  const ending = new AbortController()
  let firstMs = 0
  const told = (signal: NodeJS.Signals): void => {
    if (!ending.signal.aborted) {
      firstMs = clock.monotonic()
      ending.abort()
    } else if (clock.monotonic() - firstMs > sameMs) process.exit(128 + constants.signals[signal])
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, told)
  return ending.signal
}

/** Resolves when it is aborted. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

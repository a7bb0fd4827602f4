// Starts `child.ts`, built, and talks to it.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface StoreProcess {
  readonly pid: number
  /** Sends a line. */
  tell(line: string): void
  /** The next thing it says. */
  next(): Promise<unknown>
  /** Sends a line and waits for the next thing it says. */
  ask(line: string): Promise<unknown>
  /** Kills it without any chance to tidy up. */
  kill(): Promise<void>
}

const script = fileURLToPath(
  new URL('../../../../dist/test/runtime/stores/support/child.js', import.meta.url),
)

const running = new Set<ChildProcess>()

/** Starts a process that opens the store; its first word is `open` or an error. */
export function startStoreProcess(file: string, mode: 'rw' | 'ro' = 'rw'): StoreProcess {
  const child = spawn(process.execPath, [script, file, mode], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<unknown> => {
    const line = await lines.next()
    return line.done ? 'exited' : JSON.parse(line.value)
  }
  const tell = (line: string): void => {
    child.stdin.write(`${line}\n`)
  }
  return {
    pid: child.pid ?? 0,
    tell,
    next,
    ask: (line) => {
      tell(line)
      return next()
    },
    kill: async () => {
      if (child.exitCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** Ends what a failed test left behind. */
export function killLeftovers(): void {
  for (const child of running) child.kill('SIGKILL')
}

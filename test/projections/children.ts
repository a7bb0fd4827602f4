// Real processes beside the test: what they say, and their end.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const script = fileURLToPath(
  new URL('../../dist/test/projections/worker-process.js', import.meta.url),
)

export interface Child {
  /** All lines it said. */
  readonly lines: readonly string[]
  /** The last line it said. */
  readonly said: () => { readonly state: string; readonly position: number }
  kill(): Promise<void>
}

const children = new Set<ChildProcess>()

/** Starts `worker-process` in a role. */
export function start(...args: string[]): Child {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.add(child)
  const ended = once(child, 'exit')
  const lines = ['starting 0']
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  return {
    lines,
    said: () => {
      const [state = '', position = '0'] = lines.at(-1)?.split(' ') ?? []
      return { state, position: Number(position) }
    },
    kill: async () => {
      child.kill('SIGKILL')
      const [code, signal] = await ended
      children.delete(child)
      expect([code, signal]).to.deep.equal([null, 'SIGKILL'])
    },
  }
}

/** Ends what a test left running. */
export function killAll(): void {
  for (const child of children) child.kill('SIGKILL')
}

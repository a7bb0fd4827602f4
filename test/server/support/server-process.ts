// A server in a process of its own, which a test may stop or kill.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ServerRequest } from './server-child.ts'

/** The process, and what to ask of it. */
export interface ServerProcess {
  /** Serves a store; answers the connection string. Port 0 takes any. */
  start(store: string, port?: number): Promise<string>
  stop(): Promise<void>
  /** Ends the process as a power cut would. */
  kill(): Promise<void>
}

const script = fileURLToPath(
  new URL('../../../dist/test/server/support/server-child.js', import.meta.url),
)

/** Begins a process that serves nothing yet. */
export function serverProcess(): ServerProcess {
  // Built, since it starts in a fifth of the time.
  const child = fork(script, { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  return {
    start: (store, port = 0) => ask(child, { do: 'start', store, port }),
    stop: async () => {
      await ask(child, { do: 'stop' })
    },
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

let requests = 0

function ask(child: ChildProcess, request: ServerRequest): Promise<string> {
  requests += 1
  const id = requests
  return new Promise((resolve, reject) => {
    const hear = (message: {
      readonly id: number
      readonly answer?: string
      readonly error?: string
    }) => {
      if (message.id !== id) return
      child.off('message', hear)
      if (message.error === undefined) resolve(message.answer ?? '')
      else reject(new Error(message.error))
    }
    child.on('message', hear)
    child.send({ id, request })
  })
}

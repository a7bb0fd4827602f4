// A server in a process of its own.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A script of this package, and its arguments. */
export type ServerScript = readonly [script: string, ...args: string[]]

/** What is run to serve a file. */
export const serveFile = (file: string): ServerScript => [
  '../runtime/cli/main.js',
  'serve',
  '--port',
  '0',
  '--store',
  `file:${file}`,
]

/** Runs a script of this package whose first line is an address, for as long as `use` takes. */
export async function withServer<Result>(
  [script, ...args]: ServerScript,
  use: (address: string) => Promise<Result>,
): Promise<Result> {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const server = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    const [address] = (await once(createInterface({ input: server.stdout }), 'line')) as [string]
    return await use(address)
  } finally {
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
}

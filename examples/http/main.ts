// `npm run http`: accounts over HTTP on a loopback port, their log in a file, a worker in the same process.
//
// npm run http -- [STORE] [PORT], by default file:bank.db and 8080.

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { createRuntime } from 'reenact'
import { Account } from './account.ts'
import { createApp } from './app.ts'

const [store = 'file:bank.db', port = '8080'] = process.argv.slice(2)
const runtime = await createRuntime({ store, actors: [Account] })
const server = createAdaptorServer({ fetch: createApp(runtime).fetch })
const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
let stopping = false

/** 1 take no more requests, 2 answer those that are there, 3 stop the worker and close the log. */
const stop = async (): Promise<void> => {
  if (stopping) return
  stopping = true
  if (server.listening) {
    server.close()
    await once(server, 'close')
  }
  await runtime.close()
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop())

try {
  server.listen(Number(port), '127.0.0.1')
  await once(server, 'listening')
  runtime.work({ actors: [Account] })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/accounts/ann`
  const post = (command: object, ...headers: readonly string[]): string =>
    `curl -i ${url}/commands ${headers.map((header) => `-H '${header}' `).join('')}-d '${JSON.stringify(command)}'`
  process.stdout.write(`Listening at ${url}, the log is ${store}. Ctrl+C stops it. Try:

${post({ type: 'open', owner: 'Ann' }, 'Prefer: wait=5')}
${post({ type: 'deposit', amount: 50 }, 'Idempotency-Key: order-4711')}
curl -i ${url}/commands/order-4711
${post({ type: 'withdraw', amount: 80 }, 'Prefer: wait=5')}
curl -i ${url}
`)
} catch (error) {
  process.exitCode = 1
  process.stderr.write(
    `Cannot listen on port ${port} (${messageOf(error)}). Give another one: npm run http -- ${store} 0\n`,
  )
  await runtime.close()
}

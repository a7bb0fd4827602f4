// A store in a process of its own, driven by lines of text: `append STREAM`, `count`, `follow`, `close`.

import { createInterface } from 'node:readline'
import { openSqliteStore } from '../../../../runtime/stores/sqlite/sqlite-store.ts'
import { appendOne, event } from './store-files.ts'

const say = (answer: unknown): void => {
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

async function main(file: string, mode: 'rw' | 'ro'): Promise<void> {
  const store = await openSqliteStore(file, { mode, pollMs: 5 })
  say('open')
  for await (const line of createInterface({ input: process.stdin })) {
    const [command, stream = ''] = line.split(' ')
    if (command === 'append') say(await appendOne(store, stream))
    if (command === 'count') say((await store.readAll({ limit: 10_000 })).events.length)
    if (command === 'flood') {
      // Acknowledges each commit until it is killed.
      for (let n = 0; ; n += 1) say(await store.append(stream, [event(n)], { expected: n - 1 }))
    }
    if (command === 'follow') {
      for await (const message of store.subscribe()) {
        if (message.kind === 'caught-up') say('caught-up')
        if (message.kind === 'events') for (const { revision } of message.events) say(revision)
      }
    }
    if (command === 'close') break
  }
  await store.close()
  say('closed')
  process.exit(0)
}

main(process.argv[2] ?? '', process.argv[3] === 'ro' ? 'ro' : 'rw').catch((error: unknown) => {
  say(error instanceof Error ? { code: error.name, message: error.message } : error)
  process.exit(1)
})

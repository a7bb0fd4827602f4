// A process that ends itself in the middle of what its storage thread writes.

import { openSqliteStore } from '../../../../runtime/stores/sqlite/sqlite-store.ts'
import { threadDefaults } from '../../../../runtime/stores/sqlite/storage-thread.ts'

const [file = '', afterMs = '0'] = process.argv.slice(2)
const thread = { ...threadDefaults, operationsMin: 1, groupsBefore: 0 }
const store = await openSqliteStore(file, {}, { thread })

async function write(stream: string): Promise<void> {
  for (let count = 0; ; count += 1) {
    const id = `${stream}/${count}`
    const data = JSON.stringify({ text: 'x'.repeat(300) })
    const outcome = await store.append(stream, [{ id, type: 'Written', data, metadata: '{}' }], {
      expected: 'any',
    })
    if (outcome.outcome === 'committed') process.stdout.write(`${outcome.position}\n`)
  }
}

setTimeout(() => process.exit(7), Number(afterMs))
await Promise.all(Array.from({ length: 32 }, (_, id) => write(`account-${id}`)))

// A process that ends itself in the middle of what its read-ahead thread reads.

import { openSqliteStore } from '../../../../runtime/stores/sqlite/sqlite-store.ts'

const [file = '', afterMs = '0'] = process.argv.slice(2)
const readAhead = { pagesBefore: 0, countMin: 512, startMin: 0 }
const store = await openSqliteStore(file, { mode: 'ro' }, { readAhead })
setTimeout(() => process.exit(7), Number(afterMs))

for (;;) {
  for (let after = 0, end = false; !end; ) {
    const page = await store.readAll({ after })
    after = page.position
    end = page.end
    await new Promise((resolve) => setImmediate(resolve))
  }
}

// A process that ends itself while its storage thread closes.

import { openSqliteStore } from '../../../../runtime/stores/sqlite/sqlite-store.ts'
import { threadDefaults } from '../../../../runtime/stores/sqlite/storage-thread.ts'

const [file = ''] = process.argv.slice(2)
const entry = new URL('./slow-closing-entry.js', import.meta.url)
const thread = { ...threadDefaults, entry, groupsBefore: 0 }
const store = await openSqliteStore(file, {}, { thread })
setTimeout(() => process.exit(7), 50)
await store.close()

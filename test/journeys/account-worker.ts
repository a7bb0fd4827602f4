// A worker in a process of its own: `account-worker STORE` handles posted commands of accounts until it is ended.

import { createRuntime } from '../../runtime/index.ts'
import { Account } from '../fixtures/account.ts'

const [store = ''] = process.argv.slice(2)
const runtime = await createRuntime({ store, actors: [Account] })
runtime.work()
process.stdout.write('working\n')

// The process that dies in the demo: it pays into an account, one command after another, until it is killed.
//
// It prints the number of each payment after the payment is durable.

import { createRuntime } from 'reenact'
import { Account } from './account.ts'

const [store = 'file:bank.db'] = process.argv.slice(2)
const runtime = await createRuntime({ store, actors: [Account] })
const ann = runtime.actor(Account, 'ann')

for (let payment = 1; ; payment += 1) {
  // A retry of a payment sends the same id again, so it can never be paid twice.
  await ann.send({ type: 'deposit', amount: 1 }, { commandId: `payment-${payment}` })
  process.stdout.write(`${payment}\n`)
}

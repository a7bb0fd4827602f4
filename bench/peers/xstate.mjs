// The bank by plain XState: running actors, whose snapshot is stored after each command. There is no history.

import { DatabaseSync } from '@photostructure/sqlite'
import { assign, createActor, setup } from 'xstate'

const machine = setup({}).createMachine({
  id: 'account',
  initial: 'unopened',
  context: { owner: '', balance: 0 },
  states: {
    unopened: {
      on: { open: { target: 'active', actions: assign({ owner: ({ event }) => event.owner }) } },
    },
    active: {
      on: {
        deposit: {
          guard: ({ event }) => event.amount > 0,
          actions: assign({ balance: ({ context, event }) => context.balance + event.amount }),
        },
      },
    },
  },
})

function snapshotsIn(file) {
  if (file === undefined) {
    const snapshots = new Map()
    return { put: (id, text) => snapshots.set(id, text), close: () => {} }
  }
  const database = new DatabaseSync(file)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  database.exec('CREATE TABLE snapshots (id TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID')
  const put = database.prepare('INSERT OR REPLACE INTO snapshots (id, text) VALUES (?, ?)')
  return { put: (id, text) => put.run(id, text), close: () => database.close() }
}

export async function openBank(file) {
  const snapshots = snapshotsIn(file)
  const actors = new Map()
  const send = (id, event) => {
    const actor = actors.get(id)
    actor.send(event)
    snapshots.put(id, JSON.stringify(actor.getPersistedSnapshot()))
  }
  return {
    open: async (id) => {
      actors.set(id, createActor(machine).start())
      send(id, { type: 'open', owner: 'Ann' })
    },
    deposit: async (id, amount) => send(id, { type: 'deposit', amount }),
    balance: async (id) => actors.get(id).getSnapshot().context.balance,
    close: async () => snapshots.close(),
  }
}

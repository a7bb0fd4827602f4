// The bank by Emmett: its command handler on its in-memory store, or on its SQLite store with one connection.

import { CommandHandler, getInMemoryEventStore } from '@event-driven-io/emmett'
import {
  getSQLiteEventStore,
  SQLiteConnectionPool,
  sqliteConnection,
} from '@event-driven-io/emmett-sqlite'

const initialState = () => ({ status: 'unopened', owner: '', balance: 0 })

function evolve(state, { type, data }) {
  if (type === 'Opened') return { ...state, status: 'active', owner: data.owner }
  if (type === 'Deposited') return { ...state, balance: state.balance + data.amount }
  return state
}

const open = (owner) => (state) => {
  if (state.status !== 'unopened') throw new Error('opened before')
  return { type: 'Opened', data: { owner } }
}

const deposit = (amount) => (state) => {
  if (state.status !== 'active' || amount <= 0) throw new Error('refused')
  return { type: 'Deposited', data: { amount } }
}

/** One after the other. Commands that overlap fail: on a connection each as busy, on one for all at its COMMIT. */
function queue() {
  let last = Promise.resolve()
  return (work) => {
    const result = last.then(work)
    last = result.catch(() => {})
    return result
  }
}

async function openStore(file) {
  if (file === undefined) {
    return { store: getInMemoryEventStore(), inTurn: (work) => work(), close: async () => {} }
  }
  const connection = sqliteConnection({ fileName: file })
  const connectionOptions = { singleton: true, connection }
  const pool = SQLiteConnectionPool({ fileName: file, connectionOptions })
  await connection.command('PRAGMA synchronous = FULL')
  const store = getSQLiteEventStore({ fileName: file, pool })
  await store.schema.migrate()
  const [{ journal_mode }] = await connection.query('PRAGMA journal_mode')
  const [{ synchronous }] = await connection.query('PRAGMA synchronous')
  if (journal_mode !== 'wal' || synchronous !== 2) throw new Error('not as durable as Reenact')
  return { store, inTurn: queue(), close: async () => connection.close() }
}

export async function openBank(file) {
  const { store, inTurn, close } = await openStore(file)
  const handle = CommandHandler({ evolve, initialState })
  return {
    open: (id) => inTurn(() => handle(store, `account-${id}`, open('Ann'))),
    deposit: (id, amount) => inTurn(() => handle(store, `account-${id}`, deposit(amount))),
    balance: async (id) => {
      const { state } = await store.aggregateStream(`account-${id}`, { evolve, initialState })
      return state.balance
    },
    close,
  }
}

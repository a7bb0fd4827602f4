// The state store of a file: it reads what is durable and writes with the group commit.

import type { StateStore } from '../../ports/state-store.ts'
import { checkStateText } from '../state-rules.ts'
import type { Connection } from './connection.ts'
import { put, remove, type WriteContext } from './operations.ts'
import { stateKeys, stateOf } from './sqlite-state.ts'

/** `read` waits for what is being written; `submit` resolves when its part of a transaction is durable. */
export const createStateStore = (
  connection: Connection,
  read: <Result>(body: () => Result) => Result | Promise<Result>,
  submit: <Result>(bytes: number, body: (context: WriteContext) => Result) => Promise<Result>,
): StateStore => ({
  get: async (key) => read(() => stateOf(connection, key)),
  put: async (key, value, expected) => {
    checkStateText(key, value)
    return submit(key.length + value.length, put(key, value, expected))
  },
  delete: async (key) => submit(key.length, remove(key)),
  keys: async (prefix) => read(() => stateKeys(connection, prefix)),
})

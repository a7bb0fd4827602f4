// The state store in memory: a map and compare-and-set.

import type { StateEntry, StateStore } from '../../ports/state-store.ts'
import { compareBytes } from '../byte-order.ts'
import { checkStateText } from '../state-rules.ts'

/** `checkOpen` throws once the store is closed. */
export function createMemoryStateStore(checkOpen: () => void): StateStore {
  const entries = new Map<string, StateEntry>()
  return {
    get: async (key) => {
      checkOpen()
      return entries.get(key)
    },
    put: async (key, value, expected) => {
      checkOpen()
      checkStateText(key, value)
      const current = entries.get(key)?.revision ?? -1
      if (expected !== undefined && expected !== current) return undefined
      entries.set(key, { value, revision: current + 1 })
      return current + 1
    },
    delete: async (key) => {
      checkOpen()
      entries.delete(key)
    },
    keys: async (prefix) => {
      checkOpen()
      return [...entries.keys()].filter((key) => key.startsWith(prefix)).sort(compareBytes)
    },
  }
}

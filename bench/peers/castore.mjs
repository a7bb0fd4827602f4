// The bank by Castore, on its in-memory adapter.

import { EventStore, EventType } from '@castore/core'
import { InMemoryEventStorageAdapter } from '@castore/event-storage-adapter-in-memory'

function reducer(state, { type, version, aggregateId, payload }) {
  if (type === 'Opened') {
    return { aggregateId, version, status: 'active', owner: payload.owner, balance: 0 }
  }
  return { ...state, version, balance: state.balance + payload.amount }
}

export async function openBank() {
  const store = new EventStore({
    eventStoreId: 'accounts',
    eventTypes: [new EventType({ type: 'Opened' }), new EventType({ type: 'Deposited' })],
    reducer,
    eventStorageAdapter: new InMemoryEventStorageAdapter(),
  })
  const push = (aggregateId, version, type, payload, prevAggregate) =>
    store.pushEvent({ aggregateId, version, type, payload }, { prevAggregate })
  return {
    open: async (id) => {
      const { aggregate } = await store.getAggregate(id)
      if (aggregate) throw new Error('opened before')
      await push(id, 1, 'Opened', { owner: 'Ann' })
    },
    deposit: async (id, amount) => {
      const { aggregate } = await store.getAggregate(id)
      if (aggregate?.status !== 'active' || amount <= 0) throw new Error('refused')
      await push(id, aggregate.version + 1, 'Deposited', { amount }, aggregate)
    },
    balance: async (id) => (await store.getAggregate(id)).aggregate.balance,
    close: async () => {},
  }
}

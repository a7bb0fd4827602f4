// What the server is told of a group: its settings, where it begins, what it brings.

import type { Filter, PersistentSubscriptionToAllSettings } from '@eventstore/db-client'
import type { GroupSettings } from '../../ports/consumer-groups.ts'
import type { LogFilter } from '../../ports/event-store.ts'
import type { Connection } from './connection.ts'

const int32Max = 2 ** 31 - 1

type CommonSettings = Omit<PersistentSubscriptionToAllSettings, 'startFrom'>

export const toServer = (settings: GroupSettings): CommonSettings => ({
  resolveLinkTos: false,
  extraStatistics: false,
  // Zero is no limit in the protocol.
  messageTimeout: Number.isFinite(settings.messageTimeoutMs) ? settings.messageTimeoutMs : 0,
  maxRetryCount: Math.min(settings.retriesMax, int32Max),
  checkPointAfter: settings.checkpointAfterMs,
  checkPointLowerBound: settings.checkpointMin,
  checkPointUpperBound: settings.checkpointMax,
  maxSubscriberCount: settings.consumersMax,
  liveBufferSize: settings.bufferMax,
  // The protocol wants the page smaller than the buffer.
  readBatchSize: Math.max(1, Math.min(settings.readMax, settings.bufferMax - 1)),
  historyBufferSize: Math.max(2, settings.bufferMax),
  consumerStrategyName: settings.strategy,
})

/** The event at the position itself comes too, and is passed over by the consumer. */
export const startOfLog = (
  after: number | 'end',
): PersistentSubscriptionToAllSettings['startFrom'] => {
  if (after === 'end') return 'end'
  return after <= 0 ? 'start' : { commit: BigInt(after), prepare: BigInt(after) }
}

/** What the server leaves out by itself; what else a filter says is checked by the consumer. */
export function toFilter({ library }: Connection, filter: LogFilter | undefined): Filter {
  if (filter?.streamPrefix !== undefined) {
    return library.streamNameFilter({ prefixes: [filter.streamPrefix] })
  }
  const escaped = (names: readonly string[]) =>
    names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')
  if (filter?.categories) {
    return library.streamNameFilter({ regex: `^(${escaped(filter.categories)})(-|$)` })
  }
  if (filter?.types) return library.eventTypeFilter({ regex: `^(${escaped(filter.types)})$` })
  return library.streamNameFilter({ regex: '^[^$]' })
}

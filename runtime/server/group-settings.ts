// Settings of a group between the protocol and the port. What only the protocol has is kept as annotations.

import type {
  ConsumerStrategy,
  GroupDefinition,
  GroupInfo,
  GroupSettings,
} from '../ports/consumer-groups.ts'
import { type EventFilter, filterOf } from './event-filter.ts'
import { streamNameOf } from './expectations.ts'
import type { ChangeOptions, GroupOf, SettingsMessage } from './protocol/group-messages.ts'
import { type FilterOptions, toNumber } from './protocol/messages.ts'
import { invalidArgument } from './rpc-error.ts'

const strategies: readonly ConsumerStrategy[] = [
  'DispatchToSingle',
  'RoundRobin',
  'Pinned',
  'PinnedByCorrelation',
]
/** Consumers of a group that is said to take any number. */
const unbounded = 100_000

/** Which group a request means. */
export const keyOf = ({
  streamIdentifier,
  groupName,
}: GroupOf): { name: string; stream?: string } =>
  streamIdentifier
    ? { name: groupName, stream: streamNameOf(streamIdentifier) }
    : { name: groupName }

/** The key in a request that creates or changes; older clients name the stream elsewhere. */
export const changedKeyOf = ({
  groupName,
  stream,
  streamOption,
  streamIdentifier,
}: ChangeOptions) =>
  streamOption === 'all'
    ? keyOf({ groupName })
    : keyOf({
        groupName,
        streamIdentifier: stream?.streamIdentifier ??
          streamIdentifier ?? { streamName: Buffer.alloc(0) },
      })

/** What the store leaves out by itself: one prefix of streams. The rest of a filter is applied to what it delivers. */
export function storeFilterOf({
  streamOption,
  all,
}: ChangeOptions): Pick<GroupDefinition, 'filter'> {
  if (streamOption !== 'all' || all?.filterOption !== 'filter') return {}
  const [streamPrefix, ...others] = all.filter?.streamIdentifier?.prefix ?? []
  return streamPrefix === undefined || others.length > 0 ? {} : { filter: { streamPrefix } }
}

/** The port's settings for those of a request. */
export function settingsOf(message: SettingsMessage | undefined): Partial<GroupSettings> {
  if (!message) throw invalidArgument('The request has no settings.')
  const strategy = message.consumerStrategy || strategies[message.namedConsumerStrategy]
  if (!strategies.includes(strategy as ConsumerStrategy)) {
    throw invalidArgument(`'${strategy}' is no consumer strategy. Use ${strategies.join(', ')}.`)
  }
  const timeoutMs =
    message.messageTimeout === 'messageTimeoutTicks'
      ? toNumber(message.messageTimeoutTicks) / 10_000
      : message.messageTimeoutMs
  const checkpointMs =
    message.checkpointAfter === 'checkpointAfterTicks'
      ? toNumber(message.checkpointAfterTicks) / 10_000
      : message.checkpointAfterMs
  if (message.readBatchSize >= message.historyBufferSize) {
    throw invalidArgument('The read batch must be smaller than the history buffer.')
  }
  return {
    strategy: strategy as ConsumerStrategy,
    retriesMax: Math.max(0, message.maxRetryCount),
    // Zero is no limit in the protocol.
    messageTimeoutMs: timeoutMs > 0 ? Math.ceil(timeoutMs) : Number.POSITIVE_INFINITY,
    checkpointAfterMs: Math.max(1, Math.ceil(checkpointMs)),
    checkpointMin: Math.max(1, message.minCheckpointCount),
    checkpointMax: Math.max(1, message.maxCheckpointCount),
    bufferMax: Math.max(1, message.liveBufferSize, message.historyBufferSize),
    readMax: Math.max(1, message.readBatchSize),
    consumersMax: message.maxSubscriberCount > 0 ? message.maxSubscriberCount : unbounded,
  }
}

/** What only the protocol has of a group. */
export const annotationsOf = (options: ChangeOptions, startFrom: string): Annotations => ({
  resolveLinks: options.settings?.resolveLinks ?? false,
  extraStatistics: options.settings?.extraStatistics ?? false,
  liveBufferSize: options.settings?.liveBufferSize ?? 0,
  historyBufferSize: options.settings?.historyBufferSize ?? 0,
  filter: options.all?.filterOption === 'filter' ? JSON.stringify(options.all.filter) : null,
  startFrom,
})

type Annotations = NonNullable<GroupDefinition['annotations']>

/** The filter a group was made with. */
export function groupFilter({ annotations }: GroupInfo): EventFilter | undefined {
  const { filter } = annotations
  if (typeof filter !== 'string') return undefined
  const stored = JSON.parse(filter) as FilterOptions
  return filterOf({ filterOption: 'filter', filter: completed(stored) })
}

// Messages become JSON without what is empty.
const completed = (filter: Partial<FilterOptions>): FilterOptions => {
  const { streamIdentifier, eventType } = filter
  const expression = (given: Partial<NonNullable<typeof eventType>> | undefined) => ({
    regex: given?.regex ?? '',
    prefix: given?.prefix ?? [],
  })
  return {
    max: 0,
    checkpointIntervalMultiplier: 1,
    ...(streamIdentifier
      ? { filter: 'streamIdentifier', streamIdentifier: expression(streamIdentifier) }
      : { filter: 'eventType', eventType: expression(eventType) }),
  }
}

/** Where a group begins: for the port, and as it is shown. */
export function startOf({ stream, all, streamOption, settings }: ChangeOptions): {
  readonly after: number | 'end'
  readonly shown: string
} {
  if (streamOption === 'all') {
    if (all?.allOption === 'end') return { after: 'end', shown: 'C:-1/P:-1' }
    const position = all?.allOption === 'position' ? toNumber(all.position?.commitPosition ?? 0) : 0
    return { after: Math.max(0, position - 1), shown: placeText(position) }
  }
  // Without options for a stream the beginning stands in the settings, its largest number for the end.
  const given =
    streamOption === 'stream' ? startOfStream(stream) : toNumber(settings?.revision ?? 0)
  const revision = given === Number.MAX_SAFE_INTEGER ? 'end' : given
  if (revision === 'end') return { after: 'end', shown: '-1' }
  return { after: revision - 1, shown: String(revision) }
}

function startOfStream(stream: ChangeOptions['stream']): number | 'end' {
  if (stream?.revisionOption === 'end') return 'end'
  return stream?.revisionOption === 'revision' ? toNumber(stream.revision) : 0
}

/** A group as it is shown. */
export function infoMessage(info: GroupInfo): object {
  const { annotations, settings, counts, stream } = info
  const place = (at: number, none: number) =>
    at <= none ? '' : stream === undefined ? placeText(at) : String(at)
  const none = stream === undefined ? 0 : -1
  return {
    eventSource: stream ?? '$all',
    groupName: info.name,
    status: info.status === 'failed' ? 'Failed' : 'Live',
    connections: info.consumers.map(({ label, inFlight, inFlightMax, delivered }) => ({
      from: '',
      username: 'anonymous',
      totalItems: delivered,
      availableSlots: inFlightMax - inFlight,
      inFlightMessages: inFlight,
      connectionName: label ?? '',
    })),
    totalItems: counts.delivered,
    lastCheckpointedEventPosition: place(info.checkpoint, none),
    lastKnownEventPosition: place(info.readTo, none),
    resolveLinkTos: annotations['resolveLinks'] === true,
    startFrom: String(annotations['startFrom'] ?? ''),
    messageTimeoutMilliseconds: Number.isFinite(settings.messageTimeoutMs)
      ? settings.messageTimeoutMs
      : 0,
    extraStatistics: annotations['extraStatistics'] === true,
    maxRetryCount: settings.retriesMax,
    liveBufferSize: Number(annotations['liveBufferSize'] ?? settings.bufferMax),
    bufferSize: Number(annotations['historyBufferSize'] ?? settings.bufferMax),
    readBatchSize: settings.readMax,
    checkPointAfterMilliseconds: settings.checkpointAfterMs,
    minCheckPointCount: settings.checkpointMin,
    maxCheckPointCount: settings.checkpointMax,
    liveBufferCount: info.waiting,
    totalInFlightMessages: info.inFlight,
    outstandingMessagesCount: info.inFlight,
    namedConsumerStrategy: settings.strategy,
    maxSubscriberCount: settings.consumersMax === unbounded ? 0 : settings.consumersMax,
    parkedMessageCount: info.parked,
  }
}

const placeText = (position: number): string => `C:${position}/P:${position}`

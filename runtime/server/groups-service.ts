// The service for persistent subscriptions: each method, and the group it is about.

import type {
  ServerDuplexStream,
  ServerUnaryCall,
  sendUnaryData,
  UntypedServiceImplementation,
} from '@grpc/grpc-js'
import type { Timers } from '../core/clock.ts'
import type { EventStore } from '../ports/event-store.ts'
import type { Caller, Identify } from './access.ts'
import { streamNameOf } from './expectations.ts'
import { GroupReading } from './group-reading.ts'
import {
  annotationsOf,
  changedKeyOf,
  groupFilter,
  infoMessage,
  keyOf,
  settingsOf,
  startOf,
  storeFilterOf,
} from './group-settings.ts'
import type { LinkStreams } from './link-streams.ts'
import type { OpenCalls } from './open-calls.ts'
import type {
  ChangeOptions,
  GroupOf,
  GroupReadRequest,
  ListOptions,
  ReplayOptions,
  Request,
} from './protocol/group-messages.ts'
import { empty, toNumber } from './protocol/messages.ts'
import { checkOperator, checkRight } from './rights.ts'
import { invalidArgument } from './rpc-error.ts'
import { reply } from './streams-service.ts'

export interface GroupsHost {
  readonly store: EventStore
  readonly links: LinkStreams
  readonly identify: Identify
  readonly calls: OpenCalls
  readonly timers: Timers
}

type CheckCaller = (caller: Caller | undefined) => void

const anybody: CheckCaller = () => {}

/** The features clients ask for, by method. */
export const groupFeatures = {
  Create: ['stream', 'all'],
  Update: ['stream', 'all'],
  Delete: ['stream', 'all'],
  Read: ['stream', 'all'],
  GetInfo: ['stream', 'all'],
  ReplayParked: ['stream', 'all'],
  List: ['stream', 'all'],
}

/** The methods of `event_store.client.persistent_subscriptions.PersistentSubscriptions`. */
export function groupsService(host: GroupsHost): UntypedServiceImplementation {
  const { store } = host
  const answered =
    <Options>(work: (options: Options) => Promise<object>, check: CheckCaller = checkOperator) =>
    (call: ServerUnaryCall<Request<Options>, object>, answer: sendUnaryData<object>) =>
      reply(answer, () => {
        check(host.identify(call.metadata))
        if (!call.request.options) throw invalidArgument('The request has no options.')
        return work(call.request.options)
      })
  const done = async (work: Promise<unknown>): Promise<object> => {
    await work
    return empty
  }
  return {
    Create: answered(async (options: ChangeOptions) => {
      const key = changedKeyOf(options)
      const { after, shown } = startOf(options)
      const annotations = annotationsOf(options, shown)
      // Refuses a filter that makes no sense before there is a group with it.
      groupFilter({ ...key, annotations } as Parameters<typeof groupFilter>[0])
      if (key.stream !== undefined) await host.links.catchUp(key.stream)
      const settings = settingsOf(options.settings)
      const filter = storeFilterOf(options)
      return done(store.groups.create({ ...key, ...filter, after, settings, annotations }))
    }),
    Update: answered(async (options: ChangeOptions) => {
      const key = changedKeyOf(options)
      const { annotations } = await store.groups.info(key)
      // Filter and beginning stay as they were made.
      const { filter = null, startFrom = '' } = annotations
      const changed = { ...annotationsOf(options, String(startFrom)), filter }
      return done(
        store.groups.update(key, { settings: settingsOf(options.settings), annotations: changed }),
      )
    }),
    Delete: answered((options: GroupOf) => done(store.groups.delete(keyOf(options)))),
    GetInfo: answered(
      async (options: GroupOf) => ({
        subscriptionInfo: infoMessage(await store.groups.info(keyOf(options))),
      }),
      anybody,
    ),
    ReplayParked: answered((options: ReplayOptions) => {
      const limit = options.stopAtOption === 'stopAt' ? { limit: toNumber(options.stopAt) } : {}
      return done(store.groups.replayParked(keyOf(options), limit))
    }),
    List: answered(async (options: ListOptions) => {
      const ofAll = options.listOption !== 'listForStream'
      const identifier = options.listForStream?.stream
      const infos = await store.groups.list(identifier ? streamNameOf(identifier) : undefined)
      const wanted =
        ofAll || identifier ? infos : infos.filter(({ stream }) => stream === undefined)
      return { subscriptions: wanted.map(infoMessage) }
    }, anybody),
    // Groups begin anew whenever a consumer comes: there is nothing to restart.
    RestartSubsystem: (call: ServerUnaryCall<object, object>, answer: sendUnaryData<object>) =>
      reply(answer, () => {
        checkOperator(host.identify(call.metadata))
        return empty
      }),
    Read: (call: ServerDuplexStream<GroupReadRequest, object>) => read(host, call),
  }
}

function read(host: GroupsHost, call: ServerDuplexStream<GroupReadRequest, object>): void {
  let caller: Caller | undefined
  const reading = new GroupReading(host, call, (source) =>
    checkRight(host.store, caller, 'read', source),
  )
  void host.calls.run(
    call,
    () =>
      new Promise<void>((resolve, reject) => {
        caller = host.identify(call.metadata)
        call.on('data', (request: GroupReadRequest) => {
          reading.take(request).catch(reject)
        })
        for (const event of ['end', 'cancelled', 'close', 'error'] as const) {
          call.on(event, () => {
            reading.close()
            resolve()
          })
        }
      }),
  )
}

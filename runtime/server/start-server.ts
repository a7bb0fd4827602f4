// The development server: EventStoreDB's protocol over any store.

import { createSecureContext } from 'node:tls'
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js'
import { v4 as newUuid } from 'uuid'
import { type Ports, systemPorts } from '../core/clock.ts'
import { messageOf } from '../core/errors.ts'
import { openStore } from '../host/open-store.ts'
import type { EventStore } from '../ports/event-store.ts'
import { identifyAmong } from './access.ts'
import { gatherWrites } from './gathered-writes.ts'
import { groupFeatures, groupsService } from './groups-service.ts'
import { LinkStreams } from './link-streams.ts'
import { absentServices, clusterInfo, opaqueMethods, supportedMethods } from './node-services.ts'
import { OpenCalls } from './open-calls.ts'
import { serviceDefinition } from './protocol/services.ts'
import { notImplemented } from './rpc-error.ts'
import { checkOptions, defaultStore, invalid, type ServerOptions } from './server-options.ts'
import { openStreamWriter } from './stream-writer.ts'
import { reply, streamsService } from './streams-service.ts'

/** The version of EventStoreDB whose protocol this is. */
const protocolVersion = '23.10.0'
/** Largest message taken. A client's chunk of a batch has up to 3 MiB. */
const messageBytesMax = 17 * 1024 * 1024
/** How long clients may take to hear that the server stops, ms. */
const goodbyeMs = 500

const streamsName = 'event_store.client.streams.Streams'
const groupsName = 'event_store.client.persistent_subscriptions.PersistentSubscriptions'
const featuresName = 'event_store.client.server_features.ServerFeatures'
const gossipName = 'event_store.client.gossip.Gossip'

const features = Object.fromEntries(
  Object.entries(groupFeatures).map(([method, names]) => [`${groupsName}/${method}`, names]),
)

/** A running server. Make it with {@link startServer}. */
export interface EventStoreServer {
  /** The address it listens on. */
  readonly host: string
  /** The port it listens on, also where 0 was given. */
  readonly port: number
  /** What clients connect to, `esdb://…`. Users put their name and password into it. */
  readonly connectionString: string
  /**
   * Answers the appends it has taken, ends every open call with CANCELLED, then closes the store if it opened
   * it. Idempotent.
   *
   * @example
   * ```ts
   * process.once('SIGTERM', () => server.close())
   * ```
   */
  close(): Promise<void>
}

/**
 * Starts a server that the official clients of EventStoreDB take for one, for development and tests.
 *
 * @throws `InvalidOption` for wrong options, a port that is taken or a certificate that cannot be read, and what
 * opening the store throws
 * @example
 * ```ts
 * const server = await startServer({ store: 'file:bank.db', port: 0 })
 * const client = EventStoreDBClient.connectionString(server.connectionString)
 * ```
 */
export async function startServer(options: ServerOptions = {}): Promise<EventStoreServer> {
  checkOptions(options)
  const ports: Ports = { ...systemPorts, ...options.ports }
  const { store: served = defaultStore } = options
  const opened = typeof served === 'string'
  const store = opened ? await openStore(served, ports) : served
  try {
    return await serve(store, options, ports, opened)
  } catch (error) {
    if (opened) await store.close()
    throw error
  }
}

async function serve(
  store: EventStore,
  options: ServerOptions,
  ports: Ports,
  opened: boolean,
): Promise<EventStoreServer> {
  const { host = '127.0.0.1', tls } = options
  const links = new LinkStreams(store)
  const calls = new OpenCalls()
  const writer = await openStreamWriter(store)
  const identify = identifyAmong(options.users)
  const server = new Server({
    'grpc.max_receive_message_length': messageBytesMax,
    'grpc.max_send_message_length': messageBytesMax,
    interceptors: [gatherWrites],
  })
  const streams = serviceDefinition(streamsName)
  const groups = serviceDefinition(groupsName)
  server.addService(
    streams,
    streamsService({ store, writer, links, calls, identify, clock: ports.clock }),
  )
  server.addService(serviceDefinition(featuresName), {
    GetSupportedMethods: (_: unknown, answer: sendUnaryData<object>) =>
      reply(answer, () =>
        supportedMethods(
          { [streamsName]: streams, [groupsName]: groups },
          features,
          protocolVersion,
        ),
      ),
  })
  server.addService(groups, groupsService({ store, links, calls, identify, timers: ports.timers }))
  const instanceId = newUuid()
  server.addService(serviceDefinition(gossipName), {
    Read: (call: ServerUnaryCall<object, object>, answer: sendUnaryData<object>) =>
      reply(answer, () => clusterInfo(instanceId, call.getHost(), ports.clock.now())),
  })
  for (const [name, methods, sentence] of absentServices) {
    const refuse = (_: ServerUnaryCall<object, object>, answer: sendUnaryData<object>) =>
      answer(notImplemented(sentence))
    const refusals = Object.fromEntries(methods.map((method) => [method, refuse]))
    server.addService(opaqueMethods(name, methods), refusals)
  }
  const port = await bind(server, host, options.port ?? 2113, tls)
  let closing: Promise<void> | undefined
  return {
    host,
    port,
    connectionString: `esdb://${host}:${port}?tls=${tls !== undefined}`,
    close: () => {
      closing ??= calls
        .close(ports.timers)
        .then(() => shutDown(server, ports))
        .then(() => links.close())
        .then(() => (opened ? store.close() : undefined))
      return closing
    },
  }
}

function bind(
  server: Server,
  host: string,
  port: number,
  tls: ServerOptions['tls'],
): Promise<number> {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentialsOf(tls), (error, bound) => {
      if (!error) resolve(bound)
      else
        reject(invalid('port', messageOf(error), 'stop what listens there, or give another port'))
    })
  })
}

function credentialsOf(tls: ServerOptions['tls']): ServerCredentials {
  if (!tls) return ServerCredentials.createInsecure()
  try {
    createSecureContext({ cert: tls.certificate, key: tls.key })
    return ServerCredentials.createSsl(null, [
      { cert_chain: Buffer.from(tls.certificate), private_key: Buffer.from(tls.key) },
    ])
  } catch (error) {
    throw invalid('tls', messageOf(error), 'give a certificate chain and its private key as PEM')
  }
}

/** Lets calls end by themselves for a moment, then closes their connections. */
function shutDown(server: Server, { timers }: Ports): Promise<void> {
  return new Promise((resolve) => {
    const cancel = timers.after(goodbyeMs, () => {
      server.forceShutdown()
      // gRPC never tells of a connection that was being torn down when it was asked to wait for it.
      resolve()
    })
    server.tryShutdown(() => {
      cancel()
      resolve()
    })
  })
}

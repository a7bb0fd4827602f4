// What a client asks before it begins: which methods there are, and which node to talk to.

import type { ServiceDefinition } from '@grpc/grpc-js'
import { empty } from './protocol/messages.ts'
import { uuidMessage } from './stored-event.ts'

/** The state a single node is in. */
const leader = 8

/** The methods of services, as a client expects them. Paths are compared in lower case. */
export function supportedMethods(
  services: Readonly<Record<string, ServiceDefinition>>,
  features: Readonly<Record<string, readonly string[]>>,
  version: string,
): object {
  const methods = Object.entries(services).flatMap(([serviceName, definition]) =>
    Object.keys(definition).map((method) => ({
      methodName: method.toLowerCase(),
      serviceName,
      features: features[`${serviceName}/${method}`] ?? [],
    })),
  )
  return { methods, eventStoreServerVersion: version }
}

/**
 * The cluster: this node alone, its leader. Its address is the one by which the client got here, since a server that
 * listens on every address, or behind a mapped port, knows none that others could use.
 */
export function clusterInfo(instanceId: string, authority: string, now: number): object {
  const { hostname, port } = new URL(`https://${authority}`)
  return {
    members: [
      {
        instanceId: uuidMessage(instanceId, true),
        timeStamp: now * 10_000,
        state: leader,
        isAlive: true,
        httpEndPoint: { address: hostname, port: Number(port || 443) },
      },
    ],
  }
}

/** Services of EventStoreDB that this server does not have, with what to do instead. */
export const absentServices: readonly (readonly [string, readonly string[], string])[] = [
  [
    'event_store.client.projections.Projections',
    [
      'Create',
      'Update',
      'Delete',
      'Statistics',
      'Disable',
      'Enable',
      'Reset',
      'State',
      'Result',
      'RestartSubsystem',
    ],
    'Projections in JavaScript do not run in this server. Subscribe and project in your own process.',
  ],
  [
    'event_store.client.users.Users',
    [
      'Create',
      'Update',
      'Delete',
      'Disable',
      'Enable',
      'Details',
      'ChangePassword',
      'ResetPassword',
    ],
    'The users of this server are given when it starts and cannot be changed.',
  ],
  [
    'event_store.client.operations.Operations',
    [
      'StartScavenge',
      'StopScavenge',
      'Shutdown',
      'MergeIndexes',
      'ResignNode',
      'SetNodePriority',
      'RestartPersistentSubscriptions',
    ],
    'This server is a single node that needs no operations: what is deleted is gone at once. Stop its process to stop it.',
  ],
  [
    'event_store.client.monitoring.Monitoring',
    ['Stats'],
    'This server keeps no statistics. Watch its process instead.',
  ],
]

/** The definition of a method nobody decodes. */
export const opaqueMethods = (service: string, methods: readonly string[]): ServiceDefinition =>
  Object.fromEntries(
    methods.map((method) => [
      method,
      {
        path: `/${service}/${method}`,
        requestStream: false,
        responseStream: false,
        requestSerialize: () => Buffer.alloc(0),
        requestDeserialize: () => empty,
        responseSerialize: () => Buffer.alloc(0),
        responseDeserialize: () => empty,
      },
    ]),
  )

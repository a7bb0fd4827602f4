// A server that does nothing: it answers EventStoreDB's client with bytes made beforehand. What the client reaches
// against it is what the client and grpc-js allow.

import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerWritableStream,
} from '@grpc/grpc-js'
import { encodeDelivery } from '../runtime/server/delivery.ts'
import { gatherWrites } from '../runtime/server/gathered-writes.ts'
import type { GroupReadRequest } from '../runtime/server/protocol/group-messages.ts'
import type { ReadRequest } from '../runtime/server/protocol/messages.ts'
import { serviceDefinition } from '../runtime/server/protocol/services.ts'

const events = Number(process.argv[2])
const event = {
  stream: 'account-1',
  revision: 1,
  position: 1,
  id: '70fee2ea-d253-469e-898f-000000000000',
  type: 'Deposited',
  data: '{"amount":1,"owner":"Ann"}',
  metadata: '{"time":1700000000000}',
  recordedAt: 1_700_000_000_000,
}
const streams = serviceDefinition('event_store.client.streams.Streams')
const groups = serviceDefinition(
  'event_store.client.persistent_subscriptions.PersistentSubscriptions',
)
const features = serviceDefinition('event_store.client.server_features.ServerFeatures')
const bytesOf = (definition: typeof streams, method: string, message: object): Buffer =>
  definition[method]?.responseSerialize(message) as Buffer
const asBytes = (definition: typeof streams, method: string, raw = false): void => {
  const methods = definition as Record<string, object>
  const identity = (bytes: Buffer): Buffer => bytes
  methods[method] = {
    ...methods[method],
    responseSerialize: identity,
    ...(raw && { requestDeserialize: identity }),
  }
}
const delivery = { event, link: undefined }
const readBytes = encodeDelivery(delivery, false)
const groupBytes = encodeDelivery(delivery, false, 0)
const confirmation = bytesOf(groups, 'Read', { subscriptionConfirmation: { subscriptionId: 'x' } })
const success = bytesOf(streams, 'BatchAppend', {
  success: { currentRevision: 0, position: { commitPosition: 1, preparePosition: 1 } },
})
asBytes(streams, 'Read')
asBytes(streams, 'BatchAppend', true)
asBytes(groups, 'Read')

const server = new Server({
  'grpc.max_receive_message_length': 17 * 1024 * 1024,
  interceptors: [gatherWrites],
})
const nothing = () => {}
server.addService(streams, {
  Read: (call: ServerWritableStream<ReadRequest, Buffer>) => {
    let left = events
    const write = (): void => {
      while (left > 0) {
        left -= 1
        if (call.write(readBytes)) continue
        call.once('drain', write)
        return
      }
      if (call.request.options?.countOption === 'count') call.end()
    }
    write()
  },
  // The first field of a request is its correlation id, the first of an answer too.
  BatchAppend: (call: ServerDuplexStream<Buffer, Buffer>) => {
    call.on('data', (request: Buffer) => {
      call.write(Buffer.concat([request.subarray(0, 2 + (request[1] ?? 0)), success]))
    })
  },
  Append: nothing,
  Delete: nothing,
  Tombstone: nothing,
})
server.addService(groups, {
  Read: (call: ServerDuplexStream<GroupReadRequest, Buffer>) => {
    let left = events
    const give = (count: number): void => {
      for (let n = 0; n < count && left > 0; n += 1, left -= 1) call.write(groupBytes)
    }
    call.on('data', ({ options, ack }: GroupReadRequest) => {
      if (options) call.write(confirmation)
      give(options?.bufferSize ?? ack?.ids.length ?? 0)
    })
  },
  ...Object.fromEntries(
    ['Create', 'Update', 'Delete', 'GetInfo', 'ReplayParked', 'List', 'RestartSubsystem'].map(
      (name) => [
        name,
        (_: unknown, answer: (error: null, value: object) => void) => answer(null, {}),
      ],
    ),
  ),
})
server.addService(features, {
  GetSupportedMethods: (_: unknown, answer: (error: null, value: object) => void) =>
    answer(null, {
      methods: [{ methodName: 'batchappend', serviceName: 'event_store.client.streams.Streams' }],
      eventStoreServerVersion: '23.10.0',
    }),
})
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error
  process.stdout.write(`esdb://127.0.0.1:${port}?tls=false\n`)
})

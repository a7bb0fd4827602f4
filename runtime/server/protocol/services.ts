// From the protocol's text to what gRPC needs: paths, encoders and decoders.

import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js'
import protobuf from 'protobufjs'
import { groupsProto } from './groups-proto.ts'
import { featuresProto, gossipProto } from './node-proto.ts'
import { sharedProto } from './shared-proto.ts'
import { streamsProto } from './streams-proto.ts'

const root = new protobuf.Root()
for (const text of [sharedProto, streamsProto, groupsProto, featuresProto, gossipProto]) {
  protobuf.parse(text, root)
}
root.resolveAll()

/** A service as gRPC wants it, by the name of its methods. */
export function serviceDefinition(name: string): ServiceDefinition {
  const service = root.lookupService(name)
  const methods = service.methodsArray.map((method): [string, MethodDefinition<object, object>] => {
    const request = method.resolvedRequestType as protobuf.Type
    const response = method.resolvedResponseType as protobuf.Type
    return [
      method.name,
      {
        path: `/${name}/${method.name}`,
        requestStream: method.requestStream === true,
        responseStream: method.responseStream === true,
        requestSerialize: (message) => encode(request, message),
        requestDeserialize: (bytes) => request.decode(bytes),
        // What is encoded already is left as it is.
        responseSerialize: (message) =>
          message instanceof Buffer ? message : encode(response, message),
        responseDeserialize: (bytes) => response.decode(bytes),
      },
    ]
  })
  return Object.fromEntries(methods)
}

/** A message of package `event_store.client` in an envelope that names its type. */
export function packed(name: string, message: object): { typeUrl: string; value: Uint8Array } {
  const type = `event_store.client.${name}`
  return {
    typeUrl: `type.googleapis.com/${type}`,
    value: encode(root.lookupType(type), message),
  }
}

/** An identifier as bytes. */
export const encodedUuid = (message: object): Buffer => encode(uuid, message)

const uuid = root.lookupType('event_store.client.UUID')

// In Node the writer's bytes are a Buffer.
const encode = (type: protobuf.Type, message: object): Buffer =>
  type.encode(message).finish() as Buffer

// Sending many messages over one call without piling them up.

import { rpcErrorOf } from './rpc-error.ts'

/** The side of a call that sends. */
export interface SendingCall {
  readonly cancelled: boolean
  write(message: object): boolean
  once(event: 'drain' | 'cancelled' | 'close', listener: () => void): unknown
  off(event: 'drain' | 'cancelled' | 'close', listener: () => void): unknown
  end(): unknown
  emit(event: 'error', error: Error): unknown
}

/** Sends, and waits where the client is slower. `false`: nobody listens any more. */
export async function send(call: SendingCall, messages: Iterable<object>): Promise<boolean> {
  for (const message of messages) {
    if (call.cancelled) return false
    if (!call.write(message)) await drained(call)
  }
  return !call.cancelled
}

const drained = (call: SendingCall): Promise<void> =>
  new Promise((resolve) => {
    const go = () => {
      for (const event of ['drain', 'cancelled', 'close'] as const) call.off(event, go)
      resolve()
    }
    for (const event of ['drain', 'cancelled', 'close'] as const) call.once(event, go)
    if (call.cancelled) go()
  })

/** Ends a call with an error, unless the client has left. gRPC makes a status of what is emitted. */
export function fail(call: SendingCall, error: unknown): void {
  if (!call.cancelled) call.emit('error', rpcErrorOf(error))
}

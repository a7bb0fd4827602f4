// Messages of a call leave together: gRPC waits for each to be written before it takes the next.

import { ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js'

/** What may be on its way to the socket of a call before the next message waits. */
const unsentMessagesMax = 64
const unsentBytesMax = 64 * 1024

/** Takes further messages while earlier ones are written, within bounds. HTTP/2 then writes them in one go. */
export const gatherWrites: ServerInterceptor = (_, call) => new GatheredWrites(call)

class GatheredWrites extends ServerInterceptingCall {
  #messages = 0
  #bytes = 0
  #waiting: (() => void) | undefined

  override sendMessage(message: object, taken: () => void): void {
    const bytes = message instanceof Buffer ? message.length : 0
    this.#messages += 1
    this.#bytes += bytes
    super.sendMessage(message, () => {
      this.#messages -= 1
      this.#bytes -= bytes
      const waiting = this.#waiting
      this.#waiting = undefined
      waiting?.()
    })
    if (this.#messages < unsentMessagesMax && this.#bytes < unsentBytesMax) taken()
    else this.#waiting = taken
  }
}

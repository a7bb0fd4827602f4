// How much of a call may be on its way to the socket: some messages at once, and never more than a bound.

import type { ServerInterceptingCallInterface } from '@grpc/grpc-js'
import { expect } from 'chai'
import { gatherWrites } from '../../runtime/server/gathered-writes.ts'

describe('server: messages of a call leave together', () => {
  /** A call whose socket writes only when told. */
  const slowCall = () => {
    const unsent: (() => void)[] = []
    const socket = {
      sendMetadata: () => {},
      sendMessage: (_: unknown, written: () => void) => unsent.push(written),
    }
    const next = socket as Partial<ServerInterceptingCallInterface>
    const call = gatherWrites({} as never, next as ServerInterceptingCallInterface)
    return { call, unsent }
  }
  /** Sends one after the other, as a stream does, until one is not taken. Answers how many were. */
  const sendAll = (call: ReturnType<typeof slowCall>['call'], messages: readonly object[]) => {
    let taken = 0
    const sendNext = (): void => {
      const message = messages[taken]
      if (!message) return
      call.sendMessage(message, () => {
        taken += 1
        sendNext()
      })
    }
    sendNext()
    return () => taken
  }

  it('takes messages before the first is written, and no more than a bound', () => {
    const { call, unsent } = slowCall()
    const taken = sendAll(call, Array(1_000).fill({}))
    expect(taken()).to.be.above(1)
    expect(unsent.length).to.be.below(100)
    expect(unsent.length).to.equal(taken() + 1)
  })
  it('goes on when some are written, in order to the last', () => {
    const { call, unsent } = slowCall()
    const taken = sendAll(call, Array(1_000).fill({}))
    while (unsent.length > 0) unsent.shift()?.()
    expect(taken()).to.equal(1_000)
  })
  it('large messages wait for each other', () => {
    const { call, unsent } = slowCall()
    const taken = sendAll(call, Array(3).fill(Buffer.alloc(1024 * 1024)))
    expect(taken()).to.equal(0)
    expect(unsent.length).to.equal(1)
    unsent.shift()?.()
    expect(taken()).to.equal(1)
  })
})

// A network that can be cut, or swallow everything, between a client and a server.

import { connect as connectTo, createServer, type Socket } from 'node:net'

export interface NetworkProxy {
  readonly port: number
  /** Ends every connection at once. New ones work. */
  cut(): void
  /** From now on nothing passes in either direction, and nobody is told. */
  swallow(): void
  /** Everything passes again; what was swallowed is lost with its connection. */
  heal(): void
  close(): Promise<void>
}

/** Stands before a port of this machine. */
export async function proxyTo(port: number): Promise<NetworkProxy> {
  const sockets = new Set<Socket>()
  let swallowing = false
  const server = createServer((near) => {
    const far = connectTo(port, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('data', (bytes) => {
        if (!swallowing) to.write(bytes)
      })
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    cut,
    swallow: () => {
      swallowing = true
    },
    heal: () => {
      swallowing = false
      cut()
    },
    close: async () => {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

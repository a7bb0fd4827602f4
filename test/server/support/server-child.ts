// A process that serves stores: it starts and stops servers as its parent says, one at a time.

import { startServer } from '../../../runtime/server/index.ts'
import type { EventStoreServer } from '../../../runtime/server/start-server.ts'

/** What the parent asks for. */
export type ServerRequest =
  | { readonly do: 'start'; readonly store: string; readonly port: number }
  | { readonly do: 'stop' }

let server: EventStoreServer | undefined

async function carryOut(request: ServerRequest): Promise<string> {
  if (request.do === 'stop') {
    await server?.close()
    return ''
  }
  server = await startServer(request)
  return server.connectionString
}

process.on('message', ({ id, request }: { id: number; request: ServerRequest }) => {
  carryOut(request).then(
    (answer) => process.send?.({ id, answer }),
    (error) => process.send?.({ id, error: String(error) }),
  )
})
process.on('disconnect', () => process.exit())

// Everything a user imports from 'reenact/server'.

export type { ServerOptions, ServerUser } from './server-options.ts'
export { type EventStoreServer, startServer } from './start-server.ts'

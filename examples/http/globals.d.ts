// A type of the browser that the declarations of @hono/node-server name and those of Node 20 lack.
type RequestInfo = Parameters<typeof fetch>[0]

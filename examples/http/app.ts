// The routes: commands are posted to the log, outcomes and states are read from it. Nothing here listens.

import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { etag } from 'hono/etag'
import { HTTPException } from 'hono/http-exception'
import { type CommandOf, isReenactError, type Runtime, type SendResult } from 'reenact'
import { v7 as newId } from 'uuid'
import { Account } from './account.ts'
import { etagOf, expectedRevision, waitMs } from './headers.ts'
import { claim, isKnown } from './idempotency.ts'
import { problem, problemOf } from './problems.ts'

const bodyBytesMax = 64 * 1024
/** A status is looked up at once; so long it may take. */
const lookMs = 500

type Outcome = SendResult<typeof Account>

/** The HTTP face of a runtime's accounts. Commands are handled by whoever works on its log. */
export function createApp(runtime: Runtime): Hono {
  const app = new Hono()
  app.onError(problemOf)
  app.notFound((c) => problem(c, 404, 'NotFound', `There is nothing at ${c.req.path}.`))

  app.post('/accounts/:id/commands', bodyLimit({ maxSize: bodyBytesMax }), async (c) => {
    const id = c.req.param('id')
    const account = runtime.actor(Account, id)
    const options = {
      commandId: c.req.header('Idempotency-Key') || newId(),
      expectedRevision: expectedRevision(c) ?? 'any',
    } as const
    const command = await readCommand(c)
    // Checked before the key is kept: a command that is not valid does not use it up.
    await account.can(command)
    const { commandId } = options
    if (!(await claim(runtime.store, account.stream, commandId, command))) {
      const detail = `Idempotency-Key '${commandId}' was used with another payload. Use a new one.`
      return problem(c, 422, 'IdempotencyMismatch', detail, { commandId })
    }
    const posted = await runtime.post(Account, id, command, options)
    const timeoutMs = waitMs(c)
    if (!timeoutMs) return pending(c, id, commandId)
    const outcome = await settled(posted.outcome({ timeoutMs, signal: c.req.raw.signal }))
    return outcome ? answer(c, outcome) : pending(c, id, commandId)
  })

  app.get('/accounts/:id/commands/:commandId', async (c) => {
    const { id, commandId } = c.req.param()
    if (!(await isKnown(runtime.store, runtime.actor(Account, id).stream, commandId))) {
      return problem(c, 404, 'NotFound', `No command '${commandId}' was posted to '${id}'.`)
    }
    const timeoutMs = waitMs(c) || lookMs
    const signal = c.req.raw.signal
    const outcome = await settled(runtime.outcome(Account, id, commandId, { timeoutMs, signal }))
    return outcome ? c.json(bodyOf(outcome)) : pending(c, id, commandId)
  })

  app.get('/accounts/:id', etag(), async (c) => {
    const account = runtime.actor(Account, c.req.param('id'))
    const at = c.req.query('at')
    const state = at === undefined ? await account.state() : await account.replay({ at })
    c.header('ETag', etagOf(state.revision))
    return c.json({ id: account.id, ...state })
  })

  return app
}

/** The body as it is: the actor's schemas say whether it is a command. */
async function readCommand(c: Context): Promise<CommandOf<typeof Account>> {
  const text = await c.req.text()
  try {
    return JSON.parse(text)
  } catch {
    throw new HTTPException(400, { message: 'The body is not JSON.' })
  }
}

/** The outcome, or `undefined` where nothing is decided yet. */
async function settled(outcome: Promise<Outcome>): Promise<Outcome | undefined> {
  try {
    return await outcome
  } catch (error) {
    if (isReenactError(error, 'UnknownOutcome')) return undefined
    throw error
  }
}

function pending(c: Context, id: string, commandId: string): Response {
  c.header(
    'Location',
    `/accounts/${encodeURIComponent(id)}/commands/${encodeURIComponent(commandId)}`,
  )
  return c.json({ status: 'pending', commandId }, 202)
}

function answer(c: Context, outcome: Outcome): Response {
  c.header('ETag', etagOf(outcome.revision))
  const body = bodyOf(outcome)
  if (outcome.accepted) return c.json(body)
  return c.json(body, outcome.reason === 'WrongExpectedRevision' ? 412 : 409)
}

/** Every outcome is read from the log, so `duplicate` would say nothing. */
const bodyOf = ({ accepted, duplicate: _, ...rest }: Outcome) => ({
  status: accepted ? ('accepted' as const) : ('rejected' as const),
  ...rest,
})

// Events that a process or a reaction cannot take: dead letters of its name, so that the events after them go on.

import { hash } from 'node:crypto'
import { copyOf, type JsonObject } from '../../runtime/codec/codec.ts'
import { isReenactError } from '../../runtime/core/errors.ts'
import { streamName } from '../../runtime/core/stream-name.ts'
import type { ActorDeps } from '../actor-deps.ts'
import { parkedCategory } from '../command-stream.ts'
import { classOf, failureRecord } from '../failure.ts'
import { appendParked } from '../parked-commands.ts'
import type { ReactionInfo } from './reaction.ts'

/** An event that cannot be taken, as it was, and why. */
export interface FailedEvent {
  readonly position: number
  readonly event: JsonObject
  readonly info: ReactionInfo
  readonly error: unknown
}

/** Appends a dead letter until it is there. Those of one actor in the order of the log: a place is parked once. */
export async function parkEvent(
  deps: ActorDeps,
  name: string,
  { position, event, info, error }: FailedEvent,
): Promise<void> {
  await appendParked(deps, streamOf(name, info.actorId), {
    type: 'reenact.CommandParked',
    command: event,
    commandId: info.eventId,
    commandRevision: position,
    metadata: copyOf(info).copy as JsonObject,
    failure: classOf(error),
    error: failureRecord(error),
    attempts: 1,
    actorRevision: null,
  })
  const { kind, actorId } = info
  const warning = `'${name}' cannot take '${event['type']}' of ${kind} '${actorId}': it is a dead letter now.`
  process.emitWarning(warning, { code: 'REENACT_EVENT_PARKED' })
}

/** Of an id that fits its own kind, and not this longer name, the hash. */
function streamOf(name: string, actorId: string): string {
  const category = parkedCategory(name)
  try {
    return streamName(category, actorId)
  } catch (error) {
    if (!isReenactError(error, 'InvalidName')) throw error
    return streamName(category, hash('sha256', actorId))
  }
}

// Which command an idempotency key stands for: kept before the command is posted, so that another one is refused.

import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { EventStore } from 'reenact'

const keyOf = (stream: string, commandId: string): string =>
  `idempotency.${createHash('sha256').update(`${stream} ${commandId}`).digest('hex')}`

/** Whether this key of an actor was ever received. */
export const isKnown = async (
  { state }: EventStore,
  stream: string,
  commandId: string,
): Promise<boolean> => (await state.get(keyOf(stream, commandId))) !== undefined

/** Keeps what a key stands for. `false`: it stands for another command already. */
export async function claim(
  { state }: EventStore,
  stream: string,
  commandId: string,
  command: object,
): Promise<boolean> {
  const key = keyOf(stream, commandId)
  // Of two that come at the same time one is first, and the other one finds it.
  if ((await state.put(key, JSON.stringify(command), -1)) !== undefined) return true
  const kept: unknown = JSON.parse((await state.get(key))?.value ?? 'null')
  return isDeepStrictEqual(kept, command)
}

// How many reactions and steps of processes led to an event, one by the other: circles among them are ended.

import { readMetadata } from '../../runtime/codec/metadata.ts'
import { ReenactError } from '../../runtime/core/errors.ts'
import type { RecordedEvent } from '../../runtime/ports/event-store.ts'

/** So many in a row are taken for a circle. */
export const hopsMax = 64
const hopsKey = 'hops'

/** What led to an event; 0 where a user sent the command. */
export function hopsOf(recorded: RecordedEvent): number {
  const hops = readMetadata(recorded).custom?.[hopsKey]
  return typeof hops === 'number' ? hops : 0
}

/** Beside a command: it is the next one. */
export const nextHop = (hops: number): Readonly<Record<string, number>> => ({ [hopsKey]: hops + 1 })

/** `name`: the reaction or the process that would be the next. */
export const tooManyHops = (name: string, hops: number): ReenactError =>
  new ReenactError(
    'TooManyHops',
    `'${name}' would be number ${hops + 1} in a row of reactions and processes: they seem to lead in a circle. End it before this is tried again.`,
    { name, hops },
  )

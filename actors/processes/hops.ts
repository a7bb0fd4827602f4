// How long a chain of events is in which each called for the next one's command: circles end here.

import type { EventMetadata } from '../../runtime/codec/metadata.ts'

/** Reactions and processes in a row after which they are taken for a circle. */
export const hopsMax = 64

/** Where commands, and so their events, say how many led to them. */
export const hopsKey = 'reenact.hops'

/** How many reactions and processes led to an event, each by its command. */
export function hopsOf({ custom }: EventMetadata): number {
  const hops = custom?.[hopsKey]
  return typeof hops === 'number' ? hops : 0
}

// A moment in the life of a stream, and which events lie before it.

import { ReenactError } from '../runtime/core/errors.ts'
import { isRecord } from '../runtime/core/options.ts'
import { type TimeInput, toTime } from '../runtime/core/time.ts'

/**
 * Where to stop a replay, inclusive:
 * - `at`: by the events' own time: what was true then
 * - `knownAt`: by the time of recording: what the log knew then
 * - `revision`: of the stream
 * - `position`: of the whole log
 */
export type Moment =
  | { readonly at: TimeInput }
  | { readonly knownAt: TimeInput }
  | { readonly revision: number }
  | { readonly position: number }

/** What decides whether an event lies before a moment. */
export interface Place {
  readonly revision: number
  readonly position: number
  /** Effective own time: never before that of an earlier event. */
  readonly time: number
  readonly recordedAt: number
}

/** Whether a place lies at or before the moment. True for all once, false for all after the first false. */
export type Within = (place: Place) => boolean

/** Everything there is. */
export const always: Within = () => true

/** Turns a moment into a test of places. Throws `InvalidOption`. */
export function within(moment: Moment): Within {
  if (isRecord(moment) && Object.keys(moment).length === 1) {
    if ('at' in moment) {
      const at = toTime(moment.at, 'at')
      return (place) => place.time <= at
    }
    if ('knownAt' in moment) {
      const knownAt = toTime(moment.knownAt, 'knownAt')
      return (place) => place.recordedAt <= knownAt
    }
    if ('revision' in moment && Number.isInteger(moment.revision)) {
      return (place) => place.revision <= moment.revision
    }
    if ('position' in moment && Number.isInteger(moment.position)) {
      return (place) => place.position <= moment.position
    }
  }
  throw new ReenactError(
    'InvalidOption',
    'A moment is exactly one of { at }, { knownAt }, { revision } or { position }.',
    { option: 'moment', fix: 'give exactly one of at, knownAt, revision, position' },
  )
}

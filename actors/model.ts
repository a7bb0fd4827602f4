// What an aggregate knows about its machine once it is defined. Internal: users see `Aggregate`.

import type { Upcasters } from '../runtime/codec/upcasting.ts'
import type { MachineRunner, Snapshot } from './machine.ts'
import type { Schema } from './schema.ts'

/** One declared event type. */
export interface EventModel {
  readonly type: string
  readonly version: number
  readonly schema: Schema | undefined
}

/** Everything the actor code needs, without type parameters. */
export interface Model {
  readonly name: string
  readonly runner: MachineRunner
  readonly initial: Snapshot
  /** For a context that cannot be stored, and so not be frozen: another one for each actor and replay. */
  readonly freshInitial: (() => Snapshot) | undefined
  /** Declared events by their present name. */
  readonly events: ReadonlyMap<string, EventModel>
  /** Command types the machine names. A wildcard may take others. */
  readonly commands: ReadonlySet<string>
  /** Whether a wildcard may take commands the machine does not name. */
  readonly hasWildcard: boolean
  readonly commandSchemas: ReadonlyMap<string, Schema>
  readonly upcasters: Upcasters
  /** Snapshots of another key do not fit. `undefined`: this aggregate cannot have snapshots. */
  readonly snapshotKey: string | undefined
}

/** A state as a reader names it: `active`, `open.waiting`, `a.x | b.y` for parallel regions, else `(machine)`. */
export const stateText = (value: unknown): string => pathText(value) || '(machine)'

// A machine without states is in none.
const pathText = (value: unknown): string => {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return ''
  return Object.entries(value)
    .map(([key, inner]) => {
      const text = pathText(inner)
      return text ? `${key}.${text}` : key
    })
    .join(' | ')
}

// Triggers are kept as they came; a replay takes them in today's shape, as it takes every event.

import type { JsonObject } from '../../runtime/codec/codec.ts'
import { upcast } from '../../runtime/codec/upcasting.ts'
import type { Entry, TriggerEntry } from './process-entry.ts'
import type { ProcessModel } from './process-model.ts'

/** Kind of actor and type of its event, of `order.Placed`. */
const partsOf = (name: string): readonly [kind: string, type: string] => {
  const dot = name.indexOf('.')
  return [name.slice(0, dot), name.slice(dot + 1)]
}

/** Today's version of an event as a process takes it. */
export function versionOf({ upcasters }: ProcessModel, name: string): number {
  const [kind, type] = partsOf(name)
  return upcasters.get(kind)?.get(type)?.version ?? 1
}

/** The same as the first entry of a process, which runs today's machine. */
export const beginning = ({ version }: ProcessModel, entry: TriggerEntry): TriggerEntry =>
  version === 1 ? entry : { ...entry, machine: version }

/** An entry of the log with the event of its trigger as today's code knows it. Throws what upcasting throws. */
export function inTodaysShape(
  model: ProcessModel,
  entry: Entry,
  place: { readonly stream: string; readonly revision: number },
): Entry {
  if (entry.type === 'reenact.ProcessParked' && entry.input) {
    return { ...entry, input: inTodaysShape(model, entry.input, place) as typeof entry.input }
  }
  return entry.type === 'reenact.Triggered' ? reshaped(model, entry, place) : entry
}

function reshaped(
  model: ProcessModel,
  entry: TriggerEntry,
  place: { readonly stream: string; readonly revision: number },
): TriggerEntry {
  const { type: name, ...data } = entry.event
  const { version = 1 } = entry
  const [kind, type] = partsOf(name)
  const rules = model.upcasters.get(kind)
  // Started by hand with an event of its own, or nothing has changed.
  const rule = rules?.get(type)
  if (!rules || !rule || (rule.type === type && rule.version === version)) return entry
  const today = upcast(rules, { ...place, type, version, data: data as JsonObject })
  if (!today) return entry
  const event = { ...today.data, type: `${kind}.${today.type}` }
  return { ...entry, event, version: rule.version }
}

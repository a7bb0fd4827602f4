// What an event of the log is to a process: its beginning, one more input, something to be held, or nothing.

import type { Entry, TriggerEntry } from './process-entry.ts'
import type { ProcessModel, TriggerModel } from './process-model.ts'
import { isEarly, isEnded, type ProcessState } from './process-state.ts'
import { beginning } from './trigger-shape.ts'

/** A trigger as it came. */
export interface Trigger {
  readonly rule: Pick<TriggerModel, 'starts' | 'early'>
  readonly entry: TriggerEntry
}

/** What a trigger tells a process; `undefined`: it is passed over. `revision` is -1 where there is none. */
export function told(
  model: ProcessModel,
  { rule, entry }: Trigger,
  { state, revision }: { readonly state: ProcessState; readonly revision: number },
): Entry | undefined {
  if (isEnded(state) || (entry.position ?? 0) <= state.lastTrigger) return undefined
  if (revision !== -1 && !isEarly(state)) return entry
  if (rule.starts) return beginning(model, entry)
  if (!rule.early) return undefined
  return revision === -1 ? tooEarly(entry) : { ...entry, held: true }
}

/** What is written where it is not known whether the process has begun. */
export const toldBlindly = (model: ProcessModel, { rule, entry }: Trigger): TriggerEntry =>
  rule.starts ? { ...beginning(model, entry), starts: true } : entry

const tooEarly = (input: TriggerEntry): Entry => ({
  type: 'reenact.ProcessParked',
  why: 'early',
  step: null,
  error: {
    kind: 'failed',
    message: `'${input.event.type}' came before the process was started: it is held until an event that starts it comes.`,
    attempts: 0,
  },
  input,
})

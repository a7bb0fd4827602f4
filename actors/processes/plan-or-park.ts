// What an entry makes of a process in life: where its machine cannot go on it is parked.

import { hopsMax, tooManyHops } from './hops.ts'
import { type Plan, plan } from './plan.ts'
import type { EntryPlace } from './process-draft.ts'
import { type Entry, type InputEntry, isInput } from './process-entry.ts'
import type { ProcessModel } from './process-model.ts'
import { deadlinePassed, type ProcessState } from './process-state.ts'
import { textOfError } from './step-error.ts'

/** Like `plan`; throws only for the act of a person. What happened by itself is kept until somebody mends the machine. */
export function planOrPark(
  model: ProcessModel,
  before: ProcessState,
  entry: Entry,
  at: EntryPlace,
): Plan {
  try {
    checkHops(model, entry)
    const planned = plan(model, before, entry, at)
    return planned.unhandled ? plan(model, before, unhandled(entry), at) : planned
  } catch (error) {
    if (!isInput(entry)) throw error
    return plan(model, before, machineFailed(withoutHops(entry), error), at)
  }
}

/** Throws `TooManyHops`. */
function checkHops({ name }: ProcessModel, entry: Entry): void {
  // What is held leads to nothing yet.
  if (entry.type !== 'reenact.Triggered' || entry.held) return
  const { hops = 0 } = entry
  if (hops >= hopsMax) throw tooManyHops(name, hops)
}

/** Who resumes the process has seen that it is no circle. */
function withoutHops(input: InputEntry): InputEntry {
  if (input.type !== 'reenact.Triggered') return input
  const { hops: _, ...rest } = input
  return rest
}

function unhandled(entry: Entry): Entry {
  const failed = entry.type === 'reenact.StepFailed' ? entry : undefined
  return {
    type: 'reenact.ProcessParked',
    why: failed ? 'step' : 'deadline',
    step: failed?.step ?? null,
    error: failed?.error ?? deadlinePassed,
    input: null,
  }
}

const machineFailed = (input: InputEntry, error: unknown): Entry => ({
  type: 'reenact.ProcessParked',
  why: 'machine',
  step: null,
  error: {
    kind: 'failed',
    message: textOfError(error),
    ...(error instanceof Error ? { code: error.name } : {}),
    attempts: 1,
  },
  input,
})

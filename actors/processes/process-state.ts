// The state of one process.

import type { AnyMachineSnapshot, EventObject } from 'xstate'
import type { InputEntry } from './process-entry.ts'
import type { StepError } from './step-error.ts'
import type { StepDefinition } from './step-logic.ts'

/** A step that was requested. */
export interface StepState {
  /** Named by the entry that began it: ids of XState repeat when a state is entered again. */
  readonly key: string
  readonly invokeId: string
  readonly name: string
  readonly definition: StepDefinition
  readonly input: unknown
  readonly requestedAt: number
  /** Reactions and steps of processes that led to it, one by the other. A timer begins anew. */
  readonly hops: number
  /** Failed attempts. */
  readonly attempts: number
  /** Attempts that a crash cut off. */
  readonly interrupted: number
  /** Not before; ms since the epoch. */
  readonly retryAt: number
  readonly error: StepError | undefined
}

/** A step that had its effect. */
export interface DoneStep {
  readonly step: StepState
  /** `undefined` where it is not known whether it had its effect. */
  readonly output: unknown
  readonly known: boolean
  /** It succeeded after compensation had begun, when nobody waited for it any more. */
  readonly late: boolean
}

export interface TimerState {
  readonly key: string
  readonly id: string | undefined
  readonly event: EventObject
  readonly dueAt: number
}

/**
 * `parked`: it needs somebody. `cancelling`: it is being undone because somebody cancelled it. `done` and `cancelled`
 * are final.
 */
export type ProcessStatus = 'running' | 'paused' | 'parked' | 'cancelling' | 'done' | 'cancelled'

/** Everything known of one process. Never changed: an entry gives another one. */
export interface ProcessState {
  readonly id: string
  /** Of the machine it runs. */
  readonly version: number
  readonly snapshot: AnyMachineSnapshot | undefined
  readonly status: ProcessStatus
  /** Status from before it was paused or parked. */
  readonly resumeTo: 'running' | 'cancelling'
  readonly startedAt: number
  /** Time of the last entry. */
  readonly time: number
  /** Live steps by invoke id. */
  readonly steps: ReadonlyMap<string, StepState>
  /** Live timers by key. */
  readonly timers: ReadonlyMap<string, TimerState>
  /** What had an effect and can be undone, oldest first. */
  readonly undoable: readonly DoneStep[]
  /** Left without an outcome, though it can be undone. */
  readonly unresolved: readonly StepState[]
  /** Undone when it was not known whether they had an effect: should they succeed after all, they are undone again. */
  readonly undoneUnknown: readonly StepState[]
  /** What came while it was paused or parked. */
  readonly held: readonly InputEntry[]
  /** Compensation has run at least once: what succeeds late is undone too. */
  readonly compensated: boolean
  /** Revision at which the last compensation began. */
  readonly compensatedAt: number
  /** Steps that were undone so far. */
  readonly undone: number
  /** Undoing does not get on. */
  readonly stuck: { readonly step: string; readonly error: StepError } | undefined
  /** The undo that failed last, and how often. */
  readonly undoFailed: { readonly step: string; readonly attempts: number } | undefined
  /** Revision of the last act that has something tried again. */
  readonly urgedAt: number
  readonly parked:
    | {
        readonly why: 'step' | 'machine' | 'deadline' | 'early'
        readonly step: string | null
        readonly error: StepError
      }
    | undefined
  /** The conversation that its first trigger belongs to. */
  readonly correlationId: string
  /** Position of the last trigger. */
  readonly lastTrigger: number
  readonly output: unknown
}

/** The state before the first entry. */
export const unborn = (id: string): ProcessState => ({
  id,
  version: 1,
  snapshot: undefined,
  status: 'running',
  resumeTo: 'running',
  startedAt: 0,
  time: 0,
  steps: new Map(),
  timers: new Map(),
  undoable: [],
  unresolved: [],
  undoneUnknown: [],
  held: [],
  compensated: false,
  compensatedAt: -1,
  undone: 0,
  stuck: undefined,
  undoFailed: undefined,
  urgedAt: 0,
  parked: undefined,
  correlationId: '',
  lastTrigger: 0,
  output: undefined,
})

export const deadlineTimer = 'deadline'

export const isEnded = ({ status }: ProcessState): boolean =>
  status === 'done' || status === 'cancelled'

export const isHeld = ({ status }: ProcessState): boolean =>
  status === 'paused' || status === 'parked'

/** It waits for an event that starts it, and holds what came before. */
export const isEarly = ({ parked }: ProcessState): boolean => parked?.why === 'early'

/** The compensation that runs now. */
export const compensation = ({ steps, compensated }: ProcessState): StepState | undefined => {
  if (!compensated) return undefined
  for (const step of steps.values()) if (step.definition.kind === 'compensate') return step
  return undefined
}

/** It began before the last compensation did, and so is undone whenever it turns out to have had its effect. */
export const isLate = ({ compensatedAt }: ProcessState, { key }: StepState): boolean =>
  Number.parseInt(key, 10) <= compensatedAt

/** What has to be undone now, the last first; `resolve` is what has to be found out before. */
export function undoOwed(state: ProcessState): {
  readonly resolve: readonly StepState[]
  readonly undo: readonly DoneStep[]
} {
  const undo = [...state.undoable].reverse()
  if (compensation(state)) return { resolve: state.unresolved, undo }
  const resolve = state.unresolved.filter((step) => isLate(state, step))
  return { resolve, undo: undo.filter(({ late }) => late) }
}

/** Whether anything has to be undone or found out now. An end does not end that. */
export function owesUndoing(state: ProcessState): boolean {
  if (!state.compensated) return false
  const { resolve, undo } = undoOwed(state)
  return resolve.length + undo.length > 0
}

/** The live step of a key, which is `revision/invokeId`. */
export const liveStep = ({ steps }: ProcessState, key: string): StepState | undefined => {
  const step = steps.get(key.slice(key.indexOf('/') + 1))
  return step?.key === key ? step : undefined
}

/** Why a process that does not handle its deadline is parked. */
export const deadlinePassed: StepError = {
  kind: 'timeout',
  message: "The deadline passed and nothing in the machine takes 'reenact.deadline'.",
  attempts: 0,
}

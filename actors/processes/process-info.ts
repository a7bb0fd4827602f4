// A process as people see it.

import type { ContextFrom, StateValueFrom } from 'xstate'
import type { AnyProcessManager } from './process-manager.ts'
import type { ProcessState, ProcessStatus } from './process-state.ts'
import type { StepError } from './step-error.ts'

/** A step that a process waits for, or that waits to be tried again. */
export interface StepInfo {
  /** Names it in `retry` and `skip`. */
  readonly step: string
  /** The step's name: of its actor in `setup`, or the id of its invoke. */
  readonly name: string
  /** What it does: sends a command, runs an activity, or undoes what was done. */
  readonly kind: 'command' | 'activity' | 'compensate'
  /** What it was invoked with. */
  readonly input: unknown
  /** ms since the epoch. */
  readonly requestedAt: number
  /** Failed attempts. */
  readonly attempts: number
  /** When it is tried again, ms since the epoch; 0: it is under way, or about to be. */
  readonly retryAt: number
  /** Of the last attempt. */
  readonly error?: StepError
}

/** One process. Times are ms since the epoch. */
export interface ProcessInfo<P extends AnyProcessManager = AnyProcessManager> {
  /** Id of the process. */
  readonly id: string
  /** `parked`: it does not go on by itself, see `parked`. `cancelling`: it is being undone. `done` and `cancelled` are final. */
  readonly status: ProcessStatus
  /** The machine's state value; `undefined` where it has not begun. */
  readonly value: StateValueFrom<P['machine']> | undefined
  /** The machine's context; `undefined` where it has not begun. */
  readonly context: ContextFrom<P['machine']> | undefined
  /** When its first event came. */
  readonly startedAt: number
  /** When it last got on. */
  readonly lastAt: number
  /** Steps without an outcome. */
  readonly steps: readonly StepInfo[]
  /** When it goes on by itself. */
  readonly timers: readonly { readonly event: string; readonly dueAt: number }[]
  /** Steps that could be undone, and were not. */
  readonly undoable: number
  /** Steps that were undone. */
  readonly undone: number
  /** Undoing does not get on: somebody has to look. */
  readonly stuck: boolean
  /** Why it was parked. */
  readonly parked?: {
    readonly why: string
    readonly step: string | null
    readonly error: StepError
  }
  /** Of a process that is done: the output of its machine. */
  readonly output?: unknown
}

/** A state as people see it. */
export function infoOf<P extends AnyProcessManager>(state: ProcessState): ProcessInfo<P> {
  const { id, status, snapshot, startedAt, time, steps, timers } = state
  const { undoable, unresolved, undone, stuck, parked, output } = state
  return {
    id,
    status,
    value: snapshot?.value as ProcessInfo<P>['value'],
    context: snapshot?.context as ProcessInfo<P>['context'],
    startedAt,
    lastAt: time,
    steps: [...steps.values()].map(
      ({ key, name, definition, input, requestedAt, attempts, retryAt, error }) => ({
        step: key,
        name,
        kind: definition.kind,
        input,
        requestedAt,
        attempts,
        retryAt,
        ...(error && { error }),
      }),
    ),
    timers: [...timers.values()].map(({ event, dueAt }) => ({ event: event.type, dueAt })),
    undoable: undoable.length + unresolved.length,
    undone,
    stuck: stuck !== undefined,
    ...(parked && { parked }),
    ...(status === 'done' && { output }),
  }
}

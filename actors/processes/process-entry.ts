// What the stream of a process holds: what it was told, and what that called for.

import type { JsonObject } from '../../runtime/codec/codec.ts'
import type { Act } from '../parked-commands.ts'
import type { StepError } from './step-error.ts'

/** An event of an aggregate as it came to a process. */
export interface TriggerEntry {
  readonly type: 'reenact.Triggered'
  /** As the machine takes it: its type is `order.Placed`. */
  readonly event: JsonObject & { readonly type: string }
  /** Of the event's shape. */
  readonly version?: number
  /** Of the machine that runs the process it begins. Default 1. */
  readonly machine?: number
  readonly eventId: string
  /** Where it is in the log; `null` for a process that was started by hand. */
  readonly position: number | null
  readonly correlationId: string
  /** Reactions and steps that led to it, one by the other. Default 0. */
  readonly hops?: number
  /** Written blindly by somebody who could not replay the process: where that has not begun, it begins with this. */
  readonly starts?: true
}

/** What can be told to a process and moves its machine. Each begins an append. */
export type InputEntry =
  | TriggerEntry
  | { readonly type: 'reenact.StepCompleted'; readonly step: string; readonly output: unknown }
  | {
      readonly type: 'reenact.StepFailed'
      readonly step: string
      readonly error: StepError
      /** It is not known whether it had its effect. */
      readonly unknown: boolean
    }
  | { readonly type: 'reenact.TimerFired'; readonly timer: string }

/** What is kept beside: the machine does not see it. */
export type NoteEntry =
  | {
      readonly type: 'reenact.StepAttemptFailed'
      readonly step: string
      readonly attempt: number
      readonly error: StepError
      readonly retryAt: number
    }
  /** A worker ended while the step was under way: counted before it is tried again. */
  | {
      readonly type: 'reenact.StepInterrupted'
      readonly step: string
      readonly attempt: number
    }
  | { readonly type: 'reenact.StepUndone'; readonly step: string }
  /** Counted until somebody is told that undoing does not get on. */
  | {
      readonly type: 'reenact.UndoAttemptFailed'
      readonly step: string
      readonly attempt: number
      readonly error: StepError
    }
  /** A step that was left without an outcome has one now, or turned out to have had no effect. */
  | {
      readonly type: 'reenact.StepResolved'
      readonly step: string
      readonly happened: boolean
      readonly output: unknown
    }
  | {
      readonly type: 'reenact.CompensationStuck'
      readonly step: string
      readonly attempts: number
      readonly error: StepError
    }
  /** It cannot go on by itself. What comes now is held until somebody resumes it, or, `early`, until it begins. */
  | {
      readonly type: 'reenact.ProcessParked'
      readonly why: 'step' | 'machine' | 'deadline' | 'early'
      readonly step: string | null
      readonly error: StepError
      /** What the machine could not take, or came too early; it is applied when the process goes on. */
      readonly input: InputEntry | null
    }

/** What people do to a process. */
export type ActEntry =
  | ({ readonly type: 'reenact.ProcessPaused' } & Act)
  | ({ readonly type: 'reenact.ProcessResumed' } & Act)
  | ({ readonly type: 'reenact.StepRetried'; readonly step: string } & Act)
  | ({
      readonly type: 'reenact.StepSkipped'
      readonly step: string
      readonly output: unknown
    } & Act)
  | ({ readonly type: 'reenact.StepCancelled'; readonly step: string } & Act)
  | ({ readonly type: 'reenact.ProcessCancelled' } & Act)

/** The first event of an append. */
export type Entry =
  | (InputEntry & { readonly held?: true; readonly late?: true })
  | NoteEntry
  | ActEntry

/** What an entry calls for: it follows in the same append. */
export type Intention =
  | {
      readonly type: 'reenact.StepRequested'
      readonly step: string
      readonly name: string
      readonly kind: 'command' | 'activity' | 'compensate'
      /** Kind of actor, of a command. */
      readonly actor: string | null
      readonly input: unknown
    }
  | {
      readonly type: 'reenact.TimerScheduled'
      readonly timer: string
      readonly event: JsonObject
      /** ms since the epoch. */
      readonly dueAt: number
    }
  | {
      readonly type: 'reenact.ProcessEnded'
      readonly status: 'done' | 'cancelled'
      readonly output: unknown
      /** Something that it left behind has to be found out or undone still. */
      readonly owes?: true
    }
  /** A domain event of the process itself. */
  | (JsonObject & { readonly type: string })

const inputTypes: ReadonlySet<string> = new Set([
  'reenact.Triggered',
  'reenact.StepCompleted',
  'reenact.StepFailed',
  'reenact.TimerFired',
])

export const isInput = (entry: Entry): entry is InputEntry => inputTypes.has(entry.type)

/** Without what was found out about it when it was written. */
export function asTold(
  written: InputEntry & { readonly held?: true; readonly late?: true },
): InputEntry {
  const { held: _, late: __, ...entry } = written
  return entry
}

const otherTypes: ReadonlySet<string> = new Set([
  'reenact.StepAttemptFailed',
  'reenact.StepInterrupted',
  'reenact.StepUndone',
  'reenact.UndoAttemptFailed',
  'reenact.StepResolved',
  'reenact.CompensationStuck',
  'reenact.ProcessParked',
  'reenact.ProcessPaused',
  'reenact.ProcessResumed',
  'reenact.StepRetried',
  'reenact.StepSkipped',
  'reenact.StepCancelled',
  'reenact.ProcessCancelled',
] satisfies (NoteEntry | ActEntry)['type'][])

/** Whether this code knows what such an entry means. */
export const isEntryType = (type: string): boolean => inputTypes.has(type) || otherTypes.has(type)

const intentionTypes: ReadonlySet<string> = new Set([
  'reenact.StepRequested',
  'reenact.TimerScheduled',
  'reenact.ProcessEnded',
])

/** Whether an event of the stream was called for by the entry before it. */
export const isIntention = (type: string): boolean =>
  intentionTypes.has(type) || !type.startsWith('reenact.')

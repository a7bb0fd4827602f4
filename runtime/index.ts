// Everything a user imports from 'reenact'.

export {
  type Accepted,
  type Act,
  Actor,
  type ActorChange,
  type ActorEvent,
  type ActorLimits,
  type ActorState,
  type Aggregate,
  type AggregateOptions,
  type Answer,
  type AnyAggregate,
  aggregate,
  type Change,
  type CommandOf,
  type ContextOf,
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterPreview,
  type DeadLetters,
  type Difference,
  type EventDefinition,
  type EventOf,
  type FailureClass,
  type FailureRecord,
  type Metrics,
  type Moment,
  type OutcomeOptions,
  type ParkedCommand,
  type Permission,
  type Posted,
  type PostItem,
  type PostOptions,
  type Refusal,
  type RejectAction,
  type RejectArgs,
  type Rejected,
  type ReplayedActor,
  type RetryPolicies,
  reject,
  type Schema,
  type SendOptions,
  type SendResult,
  type TimelineEntry,
  type Verification,
  type Worker,
  type WorkerMetrics,
  type WorkOptions,
} from '../actors/index.ts'
export type { DependencyOptions } from '../actors/processes/dependency.ts'
export type { ProcessInfo, StepInfo } from '../actors/processes/process-info.ts'
export {
  type AnyProcessManager,
  type Deadline,
  type DomainEvent,
  type ProcessInput,
  type ProcessManager,
  type ProcessOptions,
  processManager,
} from '../actors/processes/process-manager.ts'
export type { ProcessMetrics } from '../actors/processes/process-metrics.ts'
export type { TriggerInfo } from '../actors/processes/process-model.ts'
export type { ProcessStatus } from '../actors/processes/process-state.ts'
export type { ProcessWork, ProcessWorkOptions } from '../actors/processes/process-work.ts'
export type { ParkedProcess, Processes, ProcessFilter } from '../actors/processes/processes.ts'
export {
  type AnyReaction,
  type Reaction,
  type ReactionCommands,
  type ReactionInfo,
  type ReactionOptions,
  reaction,
} from '../actors/processes/reaction.ts'
export type { ReactionMetrics } from '../actors/processes/reaction-worker.ts'
export type { ScheduleOptions } from '../actors/processes/schedules.ts'
export { isStepError, type StepError, TerminalError } from '../actors/processes/step-error.ts'
export {
  type ActivityArgs,
  type ActivityOptions,
  activity,
  type CommandInput,
  type CommandOutput,
  type CommandStepOptions,
  type Compensated,
  command,
  compensate,
  type StepOptions,
  type UndoArgs,
} from '../actors/processes/step-logic.ts'
export { type Tcc, type TccOptions, tcc } from '../actors/processes/tcc.ts'
export {
  type AnyProjection,
  type Build,
  type BuildProgress,
  type CatchUpOptions,
  type Documents,
  type DocumentsOptions,
  type DocumentsReader,
  documents,
  type EventInfo,
  type EventsFrom,
  type FieldOf,
  type FindOptions,
  type Found,
  type Handler,
  type Handlers,
  type HandlersFrom,
  type InlineDocuments,
  type InlineOptions,
  type InlineProjection,
  type InlineReader,
  type InlineShape,
  inlineDocuments,
  inlineProjection,
  type Lag,
  type LogEvent,
  type LogOptions,
  onlyLive,
  type ParkedEvent,
  type PastView,
  type Projection,
  type ProjectionOptions,
  type ProjectionStatus,
  type Projections,
  type ProjectOptions,
  projection,
  type Range,
  type RebuildOptions,
  type RowDifference,
  type Shadow,
  type SinkTarget,
  type SinkView,
  type SinkWrite,
  type Source,
  sink,
  type View,
  type ViewChange,
  type ViewHandle,
  type WaitOptions,
  type Where,
  type WorkerError,
  type WorkerOptions,
  type WorkerState,
} from '../projections/index.ts'
export type { Json, JsonObject } from './codec/codec.ts'
export type { NoEffectRecord, RejectedRecord, RuntimeRecord } from './codec/runtime-records.ts'
export type { Upcaster } from './codec/upcasting.ts'
export type { Clock, Ports, Random, Timers } from './core/clock.ts'
export { type ErrorCode, type ErrorDetails, isReenactError, ReenactError } from './core/errors.ts'
export type { ExpectedRevision } from './core/expected-revision.ts'
export {
  type ExponentialOptions,
  exponential,
  forever,
  type RetryPolicy,
  retryPresets,
  steps,
} from './core/retry-policy.ts'
export type { TimeInput } from './core/time.ts'
export type { CommandStreams, WorkInput } from './host/command-streams.ts'
export { createRuntime, type Runtime } from './host/create-runtime.ts'
export type { ActorBeside, ReconcileOptions, ReconcileReport } from './host/reconcile.ts'
export type { ProcessRuntime, Scheduled } from './host/run-processes.ts'
export type { RuntimeOptions } from './host/runtime-options.ts'
export type * from './ports/consumer-groups.ts'
export type * from './ports/event-store.ts'
export type { StateEntry, StateStore } from './ports/state-store.ts'
export { createMemoryStore } from './stores/memory/memory-store.ts'
